//! Subscribers whose place was pruned are told: when they come with an old cursor, over every transport, and when they are
//! open and read so slowly that pruning passes them. What they got until then has no holes.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::socket::Socket;
use tests::{Setup, customers, database, eventually, ids};

use super::{head, prune_all};

async fn old_cursors_expire_on_every_transport(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let old = client.head().await;
    for number in 0..10 {
        customers::create(client, "Customer", &format!("{number}@example.com")).await;
    }
    prune_all(&setup, &database).await;
    let document = customers::CHANGES;
    let variables = json!({ "after": old });

    let mut socket = client.socket().await;
    // Until the gateway has heard of it, which takes a poll interval, it still has all of these events in memory.
    eventually("the cursor expires", super::SOON, async || {
        let mut socket = client.socket().await;
        socket.subscribe("old", document, variables.clone()).await;
        let first = socket.message().await;
        let code = &first["payload"][0]["extensions"]["code"];
        (first["type"] == "error" && code == "CURSOR_EXPIRED").then_some(())
    })
    .await;
    let body = json!({ "query": document, "variables": variables });
    let answer = client.post(&body, &[("accept", "text/event-stream")]).await;
    let text = answer.expect("an answer").http.text();
    assert!(text.contains("CURSOR_EXPIRED"), "{text}");
    let target = format!(
        "/graphql?query={}&variables={}",
        percent_encoded(document),
        percent_encoded(&json!({ "after": old }).to_string())
    );
    let answer = client
        .get(&target, &[("accept", "text/event-stream")])
        .await;
    assert!(
        answer.text().contains("CURSOR_EXPIRED"),
        "{}",
        answer.text()
    );

    // From now on it goes, also from a cursor that is at the end of what was pruned.
    let now = client.head().await;
    socket
        .subscribe("now", document, json!({ "after": now }))
        .await;
    customers::create(client, "New", "new@example.com").await;
    let change = socket.change("now").await;
    assert_eq!(change["customer"]["email"], "new@example.com");
    assert_eq!(change["version"], 1);
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

const EVENTS: usize = 7_000;

async fn slow_readers_are_told_when_they_are_passed(setup: Setup) {
    let app = setup.start_many(1, 1, &["--ping-interval", "10m", "--send-timeout", "10m"]);
    let client = app.client();
    let database = setup.database().await;
    let after = client.head().await;
    let mut slow = Socket::upgrade_narrow(app.address(), 8 * 1024).await;
    slow.initialise_as(client.token())
        .await
        .expect("an acknowledgement");
    slow.subscribe("1", &at_length(), json!({ "after": after }))
        .await;
    customers::create(client, "First", "first@example.com").await;
    let mut got = vec![position(&slow.change("1").await)];
    write(client, EVENTS).await;
    let written = positions(&database).await;
    let pruned = prune_all(&setup, &database).await;
    assert!(written.last().is_some_and(|last| *last <= pruned));
    // The next change comes live behind it.
    customers::create(client, "Last", "last@example.com").await;
    let end = loop {
        let message = slow.message().await;
        match message["type"].as_str() {
            Some("next") => got.push(position(&message["payload"]["data"]["customerChanged"])),
            Some("ping") => slow.send(json!({ "type": "pong" })).await,
            _ => break message,
        }
    };
    assert_eq!(end["type"], "error", "{end}");
    let code = &end["payload"][0]["extensions"]["code"];
    assert_eq!(code, "CURSOR_EXPIRED", "{end}");
    assert!(got.len() < written.len(), "it was slow: {}", got.len());
    assert!(got == written[..got.len()], "what came has no holes");
    println!(
        "a slow reader got {} of {} changes, and was told",
        got.len(),
        written.len()
    );
    // The socket stays, and so does everybody who keeps up.
    let now = client.head().await;
    slow.subscribe("2", customers::CHANGES, json!({ "after": now }))
        .await;
    customers::create(client, "More", "more@example.com").await;
    // The one before may come once more, if it was not there yet when the cursor was taken.
    while slow.change("2").await["customer"]["email"] != "more@example.com" {}
    assert!(head(&database).await > pruned);
}

/// Much more of each change than the kernel has room for.
fn at_length() -> String {
    let names: Vec<String> = (0..30).map(|number| format!("n{number}: name")).collect();
    format!(
        "subscription($after: String) {{ customerChanged(after: $after) {{ cursor customer {{ {} }} }} }}",
        names.join(" ")
    )
}

fn position(change: &Value) -> u64 {
    ids::position(
        change["cursor"]
            .as_str()
            .unwrap_or_else(|| panic!("no cursor: {change}")),
    )
}

async fn positions(database: &sea_orm::DatabaseConnection) -> Vec<u64> {
    eventually("all have positions", super::SOON, async || {
        let log = database::log(database).await;
        let customers = log.iter().filter(|entry| entry.stream == "customer");
        customers.map(|entry| entry.position).collect()
    })
    .await
}

/// With names as long as they may be.
async fn write(client: &Client, count: usize) {
    let name = "N".repeat(190);
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(200) {
        let row =
            |number: &usize| json!({ "name": name, "email": format!("c{number}@example.com") });
        customers::create_many(client, chunk.iter().map(row).collect()).await;
    }
}

tests::both_ways!(
    old_cursors_expire_on_every_transport,
    slow_readers_are_told_when_they_are_passed,
);
