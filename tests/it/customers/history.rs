//! The history of a customer: every event that made it what it is, newest last, in pages.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, customers};

const HISTORY: &str = "query History($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Customer { \
    history(first: $first, after: $after) { nodes { cursor type version actor occurredAt data } \
    edges { cursor node { version } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";

async fn page(client: &Client, id: &Value, first: Option<u32>, after: Option<&str>) -> Value {
    let answer = client
        .run(
            HISTORY,
            json!({ "id": id, "first": first.unwrap_or(20), "after": after }),
        )
        .await;
    answer.data()["node"]["history"].clone()
}

async fn tells_every_event_in_order(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = customers::create(client, "Ada", "ada@example.com").await["id"].clone();
    customers::apply(client, "update", json!({ "id": id, "name": "Ada L." })).await;
    customers::apply(client, "delete", json!({ "id": id })).await;
    customers::apply(client, "restore", json!({ "id": id })).await;
    let history = page(client, &id, None, None).await;
    let nodes = history["nodes"].as_array().expect("nodes");
    let versions: Vec<_> = nodes.iter().map(|node| node["version"].as_u64()).collect();
    assert_eq!(versions, [Some(1), Some(2), Some(3), Some(4)]);
    let types: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["type"].as_str())
        .collect();
    assert_eq!(types.len(), 4);
    assert!(
        types
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            == 4,
        "four kinds: {types:?}"
    );
    assert!(
        nodes[0]["data"].to_string().contains("ada@example.com"),
        "{}",
        nodes[0]
    );
    assert!(
        nodes[1]["data"].to_string().contains("Ada L."),
        "{}",
        nodes[1]
    );
    assert_eq!(history["pageInfo"]["hasNextPage"], false);
}

async fn comes_in_pages(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = customers::create(client, "Ada", "ada@example.com").await["id"].clone();
    for number in 2..=25 {
        customers::apply(
            client,
            "update",
            json!({ "id": id, "name": format!("Ada {number}") }),
        )
        .await;
    }
    let mut versions = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let history = page(client, &id, Some(7), after.as_deref()).await;
        let edges = history["edges"].as_array().expect("edges");
        versions.extend(
            edges
                .iter()
                .filter_map(|edge| edge["node"]["version"].as_u64()),
        );
        after = history["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        if history["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert_eq!(edges.len(), 7);
    }
    assert_eq!(versions, (1..=25).collect::<Vec<u64>>());
}

tests::both_ways!(tells_every_event_in_order, comes_in_pages);
