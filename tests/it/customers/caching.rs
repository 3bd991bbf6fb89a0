//! Hot customers come from memory, and are never older than the cursor that is sent with them: whoever subscribes from there
//! misses nothing.

use std::time::Duration;

use serde_json::json;
use tests::{Setup, customers, extent, ids};

async fn answers_are_not_older_than_their_cursor(setup: Setup) {
    let updates: u64 = extent::of(120, 300);
    let app = setup.start_many(2, 1, &[]);
    let start = app.client().head().await;
    let id = customers::create(app.client(), "Hot", "hot@example.com").await["id"].clone();
    let (client, wanted) = (app.client().clone(), id.clone());
    let writer = tokio::spawn(async move {
        for number in 0..updates {
            customers::apply(
                &client,
                "update",
                json!({ "id": wanted, "name": format!("Hot {number}") }),
            )
            .await;
        }
    });
    let mut seen = Vec::new();
    while !writer.is_finished() {
        let gateway = app.gateways.last().expect("a gateway");
        let answer = gateway
            .client
            .run(
                "query($id: ID!) { customer(id: $id) { version } }",
                json!({ "id": id }),
            )
            .await;
        let version = answer.data()["customer"]["version"].as_u64().unwrap_or(0);
        seen.push((ids::position(&answer.cursor()), version));
        // Often enough to meet every version, and not so often that the writer gets no turn on a small machine.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    writer.await.expect("the writer");

    let mut socket = app.client().socket().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "id": id, "after": start }))
        .await;
    let mut positions = Vec::new();
    for version in 1..=updates + 1 {
        let change = socket.change("1").await;
        assert_eq!(change["version"], version);
        positions.push(ids::position(change["cursor"].as_str().expect("a cursor")));
    }
    for (cursor, version) in &seen {
        let logged = positions
            .iter()
            .filter(|position| *position <= cursor)
            .count() as u64;
        assert!(
            *version >= logged,
            "version {version} was shown with a cursor after version {logged}"
        );
    }
    assert!(seen.len() > 20, "only {} answers were seen", seen.len());
}

/// One's own write is seen at once on the gateway that took it.
async fn own_writes_are_seen(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = customers::create(client, "Hot", "hot@example.com").await["id"].clone();
    for number in 0..100 {
        let name = format!("Hot {number}");
        customers::apply(client, "update", json!({ "id": id, "name": name })).await;
        assert_eq!(customers::find(client, &id).await["name"], name);
    }
    customers::apply(client, "delete", json!({ "id": id })).await;
    assert!(customers::find(client, &id).await.is_null());
}

tests::both_ways!(answers_are_not_older_than_their_cursor, own_writes_are_seen);
