//! What is told of students: changes, and that a worker has put a student into the shared cache.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::socket::Socket;
use tests::{Setup, eventually, students};

const CHANGES: &str = "subscription Changes($id: ID, $types: [StudentChangeType!], $after: String) { \
    studentChanged(id: $id, types: $types, after: $after) { cursor type version actor { name ... on User { id } } student { id name version deletedAt } } }";
/// Without the argument, as an unset variable would be null.
const CHANGES_BY_DEFAULT: &str = "subscription Changes($after: String) { studentChanged(after: $after) { type version student { id } } }";

async fn next(socket: &mut Socket) -> Value {
    let payload = socket.payload("1").await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"]["studentChanged"].clone()
}

/// Waits until the log says that this version of the student was cached.
pub async fn await_cached(client: &Client, id: &Value, version: u64) {
    let mut socket = client.socket().await;
    let start = tests::ids::cursor_at(&client.head().await, 0);
    let variables = json!({ "id": id, "types": ["CACHED"], "after": start });
    socket.subscribe("1", CHANGES, variables).await;
    while next(&mut socket).await["version"].as_u64() < Some(version) {}
}

/// The worker raises CACHED behind each change, with the student as it put it there.
async fn cached_follows_changes(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let start = client.head().await;
    let mut socket = client.socket().await;
    let kinds = json!(["CREATED", "UPDATED", "DELETED", "CACHED"]);
    socket
        .subscribe("1", CHANGES, json!({ "types": kinds, "after": start }))
        .await;
    let id = students::create(client, "Ada", "ada@example.com").await["id"].clone();
    let created = next(&mut socket).await;
    assert_eq!(
        (&created["type"], &created["version"]),
        (&json!("CREATED"), &json!(1))
    );
    let cached = next(&mut socket).await;
    assert_eq!(
        (&cached["type"], &cached["version"]),
        (&json!("CACHED"), &json!(1))
    );
    assert_eq!(cached["actor"]["name"], "student_cache");
    assert_eq!(cached["student"], created["student"]);
    students::apply(
        client,
        "update",
        json!({ "id": id, "name": "Ada Lovelace" }),
    )
    .await;
    assert_eq!(next(&mut socket).await["type"], "UPDATED");
    let cached = next(&mut socket).await;
    assert_eq!(
        (&cached["type"], &cached["version"]),
        (&json!("CACHED"), &json!(2))
    );
    assert_eq!(cached["student"]["name"], "Ada Lovelace");
    students::apply(client, "delete", json!({ "id": id })).await;
    let deleted = next(&mut socket).await;
    assert_eq!(deleted["type"], "DELETED");
    assert!(deleted["student"]["deletedAt"].is_string());
    // What is deleted is not cached: the next thing told is of another student.
    students::create(client, "Bob", "bob@example.com").await;
    assert_eq!(next(&mut socket).await["student"]["name"], "Bob");

    // The same again from the log, in the same order; and only what is asked for.
    let mut replay = client.socket().await;
    let only = json!(["CACHED"]);
    replay
        .subscribe("1", CHANGES, json!({ "types": only, "after": start }))
        .await;
    for (version, name) in [(1, "Ada"), (2, "Ada Lovelace"), (1, "Bob")] {
        let change = next(&mut replay).await;
        assert_eq!(
            (&change["type"], &change["version"]),
            (&json!("CACHED"), &json!(version))
        );
        assert_eq!(change["student"]["name"], name);
    }
    let mut changes = client.socket().await;
    changes
        .subscribe("1", CHANGES_BY_DEFAULT, json!({ "after": start }))
        .await;
    for kind in ["CREATED", "UPDATED", "DELETED", "CREATED"] {
        assert_eq!(next(&mut changes).await["type"], kind);
    }
}

/// With two workers and many changes: each student's last version is cached, every event comes once and in order.
async fn many_changes_are_told_once_and_in_order(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let client = app.client();
    let start = client.head().await;
    let mut ids = Vec::new();
    for number in 0..8 {
        let created = students::apply(client, "create", students::row(number)).await;
        ids.push(created["id"].clone());
    }
    let changing = ids.iter().enumerate().map(|(number, id)| {
        let client = app.gateways[number % app.gateways.len()].client.clone();
        async move {
            for year in 2..=12 {
                students::apply(&client, "update", json!({ "id": id, "year": year })).await;
            }
        }
    });
    futures::future::join_all(changing).await;
    let gateway = app.gateways.last().expect("a gateway");
    let mut socket = gateway.client.socket().await;
    let kinds = json!(["CREATED", "UPDATED", "CACHED"]);
    socket
        .subscribe("1", CHANGES, json!({ "types": kinds, "after": start }))
        .await;
    let mut changed: BTreeMap<String, u64> = BTreeMap::new();
    let mut cached: BTreeMap<String, u64> = BTreeMap::new();
    let mut position = tests::ids::position(&start);
    while changed.values().sum::<u64>() < 8 * 12 || cached.values().sum::<u64>() < 8 * 12 {
        let change = next(&mut socket).await;
        let at = tests::ids::position(change["cursor"].as_str().expect("a cursor"));
        assert!(at > position, "in order");
        position = at;
        let id = change["student"]["id"].as_str().expect("an id").to_owned();
        let version = change["version"].as_u64().expect("a version");
        if change["type"] == "CACHED" {
            let before = cached.insert(id.clone(), version).unwrap_or(0);
            assert!(
                version > before && version <= changed[&id],
                "cached once, and after the change"
            );
        } else {
            assert_eq!(version, changed.insert(id, version).unwrap_or(0) + 1);
        }
    }
}

async fn who_may_not_read_students_is_told_nothing(setup: Setup) {
    let app = setup.start();
    let member = tests::people::register(app.client(), "Mel").await;
    let mut socket = member.client(app.client()).socket().await;
    let kinds = json!(["CACHED"]);
    socket
        .subscribe("1", CHANGES, json!({ "types": kinds }))
        .await;
    let message = socket.message().await;
    assert_eq!(message["type"], "error", "{message}");
    assert_eq!(message["payload"][0]["extensions"]["code"], "FORBIDDEN");
}

/// The warm-up goes on where it was when the shared store comes back.
async fn students_are_warm_for_all_gateways(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let id = students::create(app.client(), "Ada", "ada@example.com").await["id"].clone();
    await_cached(app.client(), &id, 1).await;
    let gateway = app.gateways.last().expect("a gateway");
    let before = students::cache(&gateway.client).await;
    // Its tail may hear of the change a moment later; until then the row is shared all the same.
    let found = eventually("the student is found", tests::waiting::SOON, async || {
        let found = students::find(&gateway.client, &id).await;
        found.is_object().then_some(found)
    })
    .await;
    assert_eq!(found["name"], "Ada");
    let after = students::cache(&gateway.client).await;
    if setup.is_distributed() {
        assert_eq!(
            after["loads"], before["loads"],
            "nothing was loaded: {after}"
        );
        assert_eq!(
            after["sharedHits"].as_u64(),
            before["sharedHits"].as_u64().map(|hits| hits + 1)
        );
    }
}

tests::both_ways!(
    cached_follows_changes,
    many_changes_are_told_once_and_in_order,
    who_may_not_read_students_is_told_nothing,
    students_are_warm_for_all_gateways,
);
