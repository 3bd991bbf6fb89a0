//! The history of a record: every event that made it what it is, newest last, in pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Setup, graphql::Client, people, records::Kind};

async fn page(client: &Client, kind: &Kind, id: &Value, first: u32, after: Option<&str>) -> Value {
    let document = format!(
        "query History($id: ID!, $first: Int, $after: String) {{ node(id: $id) {{ ... on {} {{ \
         history(first: $first, after: $after) {{ nodes {{ cursor type version actor {{ name ... on User {{ id }} }} occurredAt data }} \
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
    // And backward.
    let document = format!(
        "query Back($id: ID!, $last: Int, $before: String, $after: String) {{ node(id: $id) {{ ... on {} {{ \
         history(last: $last, before: $before, after: $after) {{ nodes {{ version }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor }} firstVersion }} }} }} }}",
        kind.name
    );
    let mut pages = Vec::new();
    let mut before = Value::Null;
    loop {
        let variables = json!({ "id": id, "last": 7, "before": before });
        let answer = client.run(&document, variables).await;
        let history = answer.data()["node"]["history"].clone();
        assert_eq!(history["firstVersion"], 1);
        assert_eq!(history["pageInfo"]["hasNextPage"], !before.is_null());
        let nodes = history["nodes"].as_array().expect("nodes").clone();
        pages.push(nodes);
        before = history["pageInfo"]["startCursor"].clone();
        if history["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
    }
    let versions: Vec<_> = pages.iter().rev().flatten().collect();
    let versions: Vec<_> = versions.iter().map(|it| it["version"].as_u64()).collect();
    assert_eq!(versions, (1..=25).map(Some).collect::<Vec<_>>());
    let between = json!({ "id": id, "last": 9, "after": "v3", "before": "v6" });
    let between = client.run(&document, between).await;
    let nodes = between.data()["node"]["history"]["nodes"].clone();
    assert_eq!(nodes, json!([{ "version": 4 }, { "version": 5 }]));
    // Of an empty range, too, one sees where the history begins.
    let nothing = json!({ "id": id, "last": 9, "after": "v25" });
    let nothing = client.run(&document, nothing).await;
    let history = &nothing.data()["node"]["history"];
    assert_eq!(
        (&history["nodes"], &history["firstVersion"]),
        (&json!([]), &json!(1))
    );
}

/// Who wrote the first version of a record, and who the last.
pub(super) async fn names_who_created_and_changed(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let (admin, staff) = (app.client(), people::with_role(app.client(), "STAFF").await);
    let records = [kind.create(admin, 1).await, kind.create(admin, 2).await];
    let other = staff.client(admin);
    kind.set_text(&other, &records[1]["id"], "Another").await;
    let by = "createdBy { ... on User { id } } updatedBy { name ... on User { id } }";
    let document = format!(
        "query By($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {} {{ {by} }} }} }}",
        kind.name
    );
    let ids = json!({ "ids": [records[0]["id"], records[1]["id"]] });
    let answer = admin.run(&document, ids).await;
    let nodes = &answer.data()["nodes"];
    let admin_id = setup.admin().id.as_str();
    for node in [&nodes[0], &nodes[1]] {
        assert_eq!(node["createdBy"]["id"], admin_id);
    }
    assert_eq!(nodes[0]["updatedBy"]["id"], admin_id);
    assert_eq!(
        nodes[1]["updatedBy"],
        json!({ "id": staff.id, "name": staff.name })
    );
}
