//! Which customers a list has: search, filters, deleted ones, and the total.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, customers};

const LIST: &str = "query List($filter: CustomerFilter) { \
    customers(first: 100, filter: $filter, sort: { field: NAME, direction: ASC }) { nodes { name } totalCount } }";

/// The names that a filter leaves, in order; the total agrees.
async fn names(client: &Client, filter: Value) -> Vec<String> {
    let answer = client.run(LIST, json!({ "filter": filter })).await;
    let page = &answer.data()["customers"];
    let nodes = page["nodes"].as_array().expect("nodes");
    assert_eq!(page["totalCount"], nodes.len(), "{filter}");
    nodes
        .iter()
        .map(|node| node["name"].as_str().expect("a name").to_owned())
        .collect()
}

async fn search_looks_at_names_and_addresses(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for (name, email) in [
        ("Ada Lovelace", "ada@example.com"),
        ("Grace Hopper", "grace@navy.example"),
        ("Émile Zola", "emile@example.fr"),
        ("100% Sure", "sure@example.com"),
        ("Under_score", "under@example.com"),
        ("Back\\slash", "back@example.com"),
        ("O'Brien", "obrien@example.com"),
    ] {
        customers::create(client, name, email).await;
    }
    for (search, expected) in [
        ("ada", vec!["Ada Lovelace"]),
        ("LOVE", vec!["Ada Lovelace"]),
        ("NAVY.EXAMPLE", vec!["Grace Hopper"]),
        ("émile", vec!["Émile Zola"]),
        ("ÉMILE", vec!["Émile Zola"]),
        ("%", vec!["100% Sure"]),
        ("_", vec!["Under_score"]),
        ("\\", vec!["Back\\slash"]),
        ("o'b", vec!["O'Brien"]),
        ("a%e", vec![]),
        ("no such", vec![]),
    ] {
        assert_eq!(
            names(client, json!({ "search": search })).await,
            expected,
            "{search:?}"
        );
    }
    assert_eq!(
        names(client, json!({ "search": "" })).await.len(),
        7,
        "an empty search finds all"
    );
}

async fn filters_narrow_the_list(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut times = Vec::new();
    for (name, status) in [
        ("A", "PROSPECT"),
        ("B", "ACTIVE"),
        ("C", "SUSPENDED"),
        ("D", "CLOSED"),
        ("E", "ACTIVE"),
    ] {
        let input =
            json!({ "name": name, "email": format!("{name}@example.com"), "status": status });
        let created = customers::apply(client, "create", input).await;
        times.push((created["createdAt"].clone(), created["id"].clone()));
    }
    assert_eq!(
        names(client, json!({ "status": { "eq": "ACTIVE" } })).await,
        ["B", "E"]
    );
    assert_eq!(
        names(client, json!({ "status": { "in": ["ACTIVE", "CLOSED"] } })).await,
        ["B", "D", "E"]
    );
    assert_eq!(
        names(client, json!({ "createdAt": { "gte": times[2].0 } })).await,
        ["C", "D", "E"],
        "from is inclusive"
    );
    assert_eq!(
        names(client, json!({ "createdAt": { "lt": times[2].0 } })).await,
        ["A", "B"],
        "before is exclusive"
    );
    assert_eq!(
        names(
            client,
            json!({ "createdAt": { "gte": times[1].0, "lt": times[4].0 }, "status": { "eq": "ACTIVE" } })
        )
        .await,
        ["B"]
    );
    assert_eq!(
        names(
            client,
            json!({ "createdAt": { "gte": "2999-01-01T00:00:00Z" } })
        )
        .await,
        [""; 0]
    );
    assert_eq!(
        names(
            client,
            json!({ "createdAt": { "gte": "1999-01-01T00:00:00+02:00" } })
        )
        .await
        .len(),
        5,
        "any offset"
    );

    customers::apply(client, "delete", json!({ "id": times[0].1 })).await;
    assert_eq!(
        names(client, json!({})).await,
        ["B", "C", "D", "E"],
        "the living, unless asked otherwise"
    );
    assert_eq!(
        names(client, json!({ "deletedAt": { "isNull": true } })).await,
        ["B", "C", "D", "E"]
    );
    assert_eq!(
        names(client, json!({ "deletedAt": { "isNull": false } })).await,
        ["A"]
    );
}

async fn lists_begin_empty_and_have_a_default_order(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let document = "{ customers { nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let empty = client.run(document, json!({})).await.data()["customers"].clone();
    assert_eq!(empty["nodes"], json!([]));
    assert_eq!(empty["totalCount"], 0);
    assert_eq!(
        (
            &empty["pageInfo"]["hasNextPage"],
            &empty["pageInfo"]["endCursor"]
        ),
        (&json!(false), &Value::Null)
    );
    for number in 0..25 {
        customers::create(
            client,
            &format!("C {number:02}"),
            &format!("c{number}@example.com"),
        )
        .await;
    }
    let page = client.run(document, json!({})).await.data()["customers"].clone();
    let names: Vec<&str> = page["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .filter_map(|node| node["name"].as_str())
        .collect();
    let newest: Vec<String> = (5..25)
        .rev()
        .map(|number| format!("C {number:02}"))
        .collect();
    assert_eq!(names, newest, "twenty, the newest first");
    assert_eq!(
        (&page["totalCount"], &page["pageInfo"]["hasNextPage"]),
        (&json!(25), &json!(true))
    );
}

tests::both_ways!(
    search_looks_at_names_and_addresses,
    filters_narrow_the_list,
    lists_begin_empty_and_have_a_default_order
);
