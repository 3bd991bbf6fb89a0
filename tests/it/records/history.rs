//! The history of a record: every event that made it what it is, newest last, in pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Setup, graphql::Client, records::Kind};

async fn page(client: &Client, kind: &Kind, id: &Value, first: u32, after: Option<&str>) -> Value {
    let document = format!(
        "query History($id: ID!, $first: Int, $after: String) {{ node(id: $id) {{ ... on {} {{ \
         history(first: $first, after: $after) {{ nodes {{ cursor type version actor occurredAt data }} \
         edges {{ cursor node {{ version }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }} }}",
        kind.name
    );
    let variables = json!({ "id": id, "first": first, "after": after });
    let answer = client.run(&document, variables).await;
    answer.data()["node"]["history"].clone()
}

pub(super) async fn tells_every_event_in_order(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let record = kind.create(client, 1).await;
    let id = &record["id"];
    kind.set_text(client, id, "Another").await;
    let mut count = 2;
    // What is deleted for good is found by nobody, and its history neither.
    if kind.restores {
        kind.apply(client, "delete", json!({ "id": id })).await;
        kind.apply(client, "restore", json!({ "id": id })).await;
        count = 4;
    }
    let history = page(client, kind, id, 20, None).await;
    let nodes = history["nodes"].as_array().expect("nodes");
    let versions: Vec<_> = nodes.iter().map(|node| node["version"].as_u64()).collect();
    assert_eq!(versions, (1..=count).map(Some).collect::<Vec<_>>());
    let types: BTreeSet<_> = nodes
        .iter()
        .filter_map(|node| node["type"].as_str())
        .collect();
    assert_eq!(types.len() as u64, count, "each of another type: {types:?}");
    let unique = record[kind.unique[0]].as_str().expect("a text");
    assert!(
        nodes[0]["data"].to_string().contains(unique),
        "{}",
        nodes[0]
    );
    assert!(
        nodes[1]["data"].to_string().contains("Another"),
        "{}",
        nodes[1]
    );
    assert_eq!(history["pageInfo"]["hasNextPage"], false);
}

pub(super) async fn comes_in_pages(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let id = kind.create(client, 1).await["id"].clone();
    for number in 2..=25 {
        kind.set_text(client, &id, &format!("Text {number}")).await;
    }
    let mut versions = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let history = page(client, kind, &id, 7, after.as_deref()).await;
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
