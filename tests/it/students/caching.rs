//! Hot students come from memory or from the shared store, and are never older than the cursor that is sent with them.

use std::time::Duration;

use serde_json::json;
use tests::{Setup, earlier, ids, students};

const UPDATES: u64 = 200;
const CALLERS: usize = 1_000;

/// A thousand requests at once that miss the same student are one load.
async fn no_thundering_herd(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for round in 0..3 {
        let email = format!("hot-{round}@example.com");
        let id = students::create(client, "Hot", &email).await["id"].clone();
        // The student's own event makes it be loaded once more if it arrives while they ask.
        super::subscription::await_cached(client, &id, 1).await;
        let before = students::cache(client).await;
        let asking = (0..CALLERS).map(|number| {
            let (client, variables) = (client.clone(), json!({ "id": id }));
            // Identical queries would look it up once.
            let document = format!("query($id: ID!) {{ of{number}: student(id: $id) {{ name }} }}");
            tokio::spawn(async move {
                let answer = client.run(&document, variables).await;
                answer.data()[format!("of{number}")]["name"].clone()
            })
        });
        for name in futures::future::join_all(asking).await {
            assert_eq!(name.expect("an answer"), "Hot");
        }
        let after = students::cache(client).await;
        let grown = |figure: &str| {
            let number = |figures: &serde_json::Value| figures[figure].as_u64().expect("a number");
            number(&after) - number(&before)
        };
        println!(
            "{} asked: {} hits, {} misses, {} loads, {} shared",
            CALLERS,
            grown("hits"),
            grown("misses"),
            grown("loads"),
            grown("sharedHits")
        );
        assert_eq!(grown("hits") + grown("misses"), CALLERS as u64);
        assert_eq!(grown("loads"), 1);
    }
}

async fn answers_are_not_older_than_their_cursor(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let start = app.client().head().await;
    let id = students::create(app.client(), "Hot", "hot@example.com").await["id"].clone();
    let (client, wanted) = (app.client().clone(), id.clone());
    let writer = tokio::spawn(async move {
        for number in 0..UPDATES {
            let change = json!({ "id": wanted, "name": format!("Hot {number}") });
            students::apply(&client, "update", change).await;
        }
    });
    let mut seen = Vec::new();
    while !writer.is_finished() {
        for gateway in &app.gateways {
            let answer = students::ask(&gateway.client, &id).await;
            let version = answer.data()["student"]["version"].as_u64().unwrap_or(0);
            if answer.body["extensions"]["stale"] != true {
                seen.push((ids::position(&answer.cursor()), version));
            }
        }
        // Often enough to meet every version, and not so often that the writer gets no turn on a small machine.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    writer.await.expect("the writer");
    let mut socket = app.client().socket().await;
    let document = "subscription($id: ID, $after: String) { studentChanged(id: $id, after: $after) { cursor version } }";
    socket
        .subscribe("1", document, json!({ "id": id, "after": start }))
        .await;
    let mut positions = Vec::new();
    for version in 1..=UPDATES + 1 {
        let change = socket.payload("1").await["data"]["studentChanged"].clone();
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
    let id = students::create(client, "Hot", "hot@example.com").await["id"].clone();
    for number in 0..100 {
        let name = format!("Hot {number}");
        students::apply(client, "update", json!({ "id": id, "name": name })).await;
        assert_eq!(students::find(client, &id).await["name"], name);
    }
    students::apply(client, "delete", json!({ "id": id })).await;
    assert!(students::find(client, &id).await.is_null());
}

/// The event of a process of an earlier version lacks what the row has, so it is not put into the shared store.
async fn an_earlier_version_warms_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let start = client.head().await;
    let input = json!({
        "givenName": "Ludwig", "familyName": "van Beethoven", "email": "l@example.com", "course": "Music",
    });
    let created = students::apply(client, "create", input).await;
    let id = &created["id"];
    super::subscription::await_cached(client, id, 1).await;
    let data = earlier::student_without_parts(&created, 2, "Ludwig van Beethoven", 3);
    earlier::change(&database, id, "year = 3", (2, 2), &data).await;
    // The follower goes in order: when another student is cached, it has passed that event. Nobody has asked for the student by
    // then, so what is answered is from the shared store, or from the row.
    let other = students::create(client, "Ada", "ada@example.com").await["id"].clone();
    super::subscription::await_cached(client, &other, 1).await;
    let found = students::find(client, id).await;
    assert_eq!((&found["version"], &found["year"]), (&json!(2), &json!(3)));
    assert_eq!(found["familyName"], "van Beethoven");

    let document = "subscription($after: String) { studentChanged(types: [CACHED], after: $after) { version student { id } } }";
    let mut socket = client.socket().await;
    socket
        .subscribe("1", document, json!({ "after": start }))
        .await;
    for cached in [id, &other] {
        let change = socket.payload("1").await["data"]["studentChanged"].clone();
        let is = (&change["student"]["id"], &change["version"]);
        assert_eq!(is, (cached, &json!(1)), "the event of before tells nothing");
    }
}

tests::both_ways!(alone: no_thundering_herd);

tests::both_ways!(
    answers_are_not_older_than_their_cursor,
    own_writes_are_seen,
    an_earlier_version_warms_nothing,
);
