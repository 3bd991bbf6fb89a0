//! An empty list of alternatives matches nothing, wherever a filter has one; one that is left out, or null, matches all.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Setup, customers, eventually, people, students, waiting::SOON};

async fn an_empty_list_matches_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    customers::create(client, "Ada", "ada@example.com").await;
    students::create(client, "Ada", "ada@example.com").await;
    people::register(client, "Ada").await;
    let submit =
        "mutation { submitSignal(input: { source: \"boiler\", value: 1 }) { signal { id } } }";
    client.run(submit, json!({})).await.data();
    for (list, filter, field) in [
        ("customers", "CustomerFilter", "status"),
        ("students", "StudentFilter", "status"),
        ("students", "StudentFilter", "course"),
        ("students", "StudentFilter", "year"),
        ("users", "UserFilter", "role"),
        ("signals", "SignalFilter", "status"),
    ] {
        let document = format!(
            "query($filter: {filter}) {{ {list}(first: 1, filter: $filter) {{ nodes {{ id }} totalCount }} }}"
        );
        let counted = async |given: Value| {
            let answer = client
                .run(&document, json!({ "filter": { field: { "in": given } } }))
                .await;
            let page = answer.data()[list].clone();
            assert_eq!(
                page["nodes"].as_array().map_or(0, Vec::len) > 0,
                page["totalCount"] != 0
            );
            page["totalCount"].as_u64().expect("a number")
        };
        assert_eq!(counted(json!([])).await, 0, "{list} {field}");
        assert!(counted(Value::Null).await > 0, "{list} {field}");
    }
    let document = "query($types: [String!]) { eventLog(first: 5, filter: { types: $types }) { nodes { type } } }";
    let logged = async |types: Value| {
        let answer = client.run(document, json!({ "types": types })).await;
        answer.data()["eventLog"]["nodes"]
            .as_array()
            .expect("nodes")
            .len()
    };
    assert_eq!(logged(json!([])).await, 0);
    eventually("events", SOON, async || {
        (logged(Value::Null).await > 0).then_some(())
    })
    .await;
}

/// What is subscribed to with an empty list stays silent, also about the past, and is a subscription all the same.
async fn an_empty_list_hears_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    students::create(client, "Ada", "ada@example.com").await;
    let mut socket = client.socket().await;
    for (id, document) in [
        (
            "1",
            "subscription($after: String) { studentChanged(types: [], after: $after) { type } }",
        ),
        (
            "2",
            "subscription($after: String) { eventLog(types: [], after: $after) { type } }",
        ),
    ] {
        socket
            .subscribe(id, document, json!({ "after": start }))
            .await;
    }
    students::create(client, "Bob", "bob@example.com").await;
    let heard = tokio::time::timeout(Duration::from_secs(2), socket.payload("1")).await;
    assert!(heard.is_err(), "{heard:?}");
}

tests::both_ways!(an_empty_list_matches_nothing);
tests::embedded!(an_empty_list_hears_nothing);
