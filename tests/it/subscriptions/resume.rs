//! A subscriber that was away resumes at its cursor: on the same gateway, on another, after a restart.

use serde_json::json;
use tests::{Setup, customers, ids};

async fn resumes_where_it_stopped(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let mut expected = Vec::new();
    let mut cursor = client.head().await;
    for round in 0..6 {
        // Some while it is away, some while it listens.
        for number in 0..5 {
            expected.push(create(client, round, number).await);
        }
        let mut socket = app.clients()[round % app.gateways.len()].socket().await;
        socket
            .subscribe("1", customers::CHANGES, json!({ "after": cursor }))
            .await;
        for number in 5..10 {
            expected.push(create(client, round, number).await);
        }
        // It leaves two behind, which the next round begins with.
        while expected.len() > 2 {
            let change = socket.change("1").await;
            assert_eq!(
                change["customer"]["id"],
                expected.remove(0),
                "in order, each once"
            );
            cursor = change["cursor"].as_str().expect("a cursor").to_owned();
        }
    }
}

async fn create(client: &tests::graphql::Client, round: usize, number: usize) -> serde_json::Value {
    let email = format!("{round}-{number}@example.com");
    customers::create(client, &email.clone(), &email).await["id"].clone()
}

async fn resumes_after_a_restart(setup: Setup) {
    let mut app = setup.start();
    let cursor = app.client().head().await;
    for number in 0..20 {
        create(app.client(), 0, number).await;
    }
    app.gateways[0].kill_and_restart();
    let mut socket = app.client().socket().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "after": cursor }))
        .await;
    let mut last = ids::position(&cursor);
    for number in 0..20 {
        let change = socket.change("1").await;
        assert_eq!(
            change["customer"]["email"],
            format!("0-{number}@example.com")
        );
        let position = ids::position(change["cursor"].as_str().expect("a cursor"));
        assert!(position > last, "{position} after {last}");
        last = position;
    }
}

/// A page and every change after its cursor are together the whole truth: what the page does not show comes later.
async fn hands_over_from_a_query(setup: Setup) {
    const CUSTOMERS: usize = 100;
    let app = setup.start_many(2, 1, &[]);
    let start = app.client().head().await;
    let client = app.client().clone();
    let writer = tokio::spawn(async move {
        for number in 0..CUSTOMERS {
            create(&client, 9, number).await;
        }
    });
    let mut pages = Vec::new();
    while !writer.is_finished() {
        let gateway = &app.gateways[pages.len() % app.gateways.len()];
        let answer = gateway
            .client
            .run("{ customers(first: 100) { nodes { id } } }", json!({}))
            .await;
        let nodes = answer.data()["customers"]["nodes"]
            .as_array()
            .expect("nodes")
            .clone();
        pages.push((ids::position(&answer.cursor()), nodes));
    }
    writer.await.expect("the writer");

    let mut socket = app.client().socket().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "after": start }))
        .await;
    let mut changes = Vec::new();
    for _ in 0..CUSTOMERS {
        changes.push(socket.change("1").await);
    }
    for (position, nodes) in &pages {
        for change in &changes {
            let happened = ids::position(change["cursor"].as_str().expect("a cursor"));
            let shown = nodes
                .iter()
                .any(|node| node["id"] == change["customer"]["id"]);
            assert!(
                shown || happened > *position,
                "{change} is neither on the page nor after its cursor {position}"
            );
        }
    }
    assert!(
        pages.len() > 5,
        "only {} pages were read meanwhile",
        pages.len()
    );
}

async fn cursors_that_lead_nowhere_are_told(setup: Setup) {
    let app = setup.start();
    customers::create(app.client(), "Ada", "ada@example.com").await;
    let head = app.client().head().await;
    let (epoch, _) = head.split_once('-').expect("a cursor");
    let other = u32::from_str_radix(epoch, 16).expect("an epoch") ^ 1;
    let foreign = format!("{other:08x}-0");
    let future = ids::cursor_at(&head, 1_000_000_000_000);
    let mut socket = app.client().socket().await;
    for (number, cursor) in [
        "",
        "x",
        "-1",
        "3fa9c1d2",
        &foreign,
        &future,
        &"9".repeat(5000),
    ]
    .into_iter()
    .enumerate()
    {
        let id = number.to_string();
        socket
            .subscribe(&id, customers::CHANGES, json!({ "after": cursor }))
            .await;
        let message = socket.message().await;
        let code = if message["type"] == "error" {
            &message["payload"][0]["extensions"]["code"]
        } else {
            &message["payload"]["errors"][0]["extensions"]["code"]
        };
        assert_eq!(code, "CURSOR_INVALID", "{cursor:?}: {message}");
        if message["type"] == "next" {
            assert_eq!(socket.message().await["type"], "complete");
        }
    }
}

tests::both_ways!(
    resumes_where_it_stopped,
    resumes_after_a_restart,
    hands_over_from_a_query,
    cursors_that_lead_nowhere_are_told,
);
