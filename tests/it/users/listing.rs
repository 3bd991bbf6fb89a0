//! Lists of users: search, filters, orders and pages in both directions, and what they cost.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, people};

const LIST: &str = "query List($first: Int, $after: String, $last: Int, $before: String, \
    $filter: UserFilter, $sort: UserSort) { \
    users(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) { \
    edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage } totalCount } }";

async fn list(client: &Client, variables: Value) -> Value {
    client.run(LIST, variables).await.data()["users"].clone()
}

fn names(page: &Value) -> Vec<&str> {
    let edges = page["edges"].as_array().expect("edges");
    edges
        .iter()
        .filter_map(|edge| edge["node"]["name"].as_str())
        .collect()
}

async fn search_and_filters(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut people = Vec::new();
    for name in ["Ada Lovelace", "Émile Zola", "100% Sure", "Under_score"] {
        people.push(people::register(client, name).await);
    }
    people::set_role(client, &people[0].id, "STAFF")
        .await
        .data();
    let by_name = json!({ "field": "NAME", "direction": "ASC" });
    for (filter, expected) in [
        (json!({ "search": "LOVE" }), vec!["Ada Lovelace"]),
        (json!({ "search": "émile" }), vec!["Émile Zola"]),
        (json!({ "search": "%" }), vec!["100% Sure"]),
        (json!({ "search": "_" }), vec!["Under_score"]),
        (json!({ "search": "people.example.com" }), vec![]),
        (json!({ "role": { "eq": "STAFF" } }), vec!["Ada Lovelace"]),
        (
            json!({ "role": { "eq": "MEMBER" } }),
            vec!["100% Sure", "Under_score", "Émile Zola"],
        ),
        (
            json!({ "role": { "in": ["STAFF", "MEMBER"] }, "search": "l" }),
            vec!["Ada Lovelace", "Émile Zola"],
        ),
    ] {
        let page = list(client, json!({ "filter": filter, "sort": by_name })).await;
        assert_eq!(names(&page), expected, "{filter}");
        assert_eq!(page["totalCount"], expected.len());
    }
    people::deactivate(client, Some(&people[2].id)).await.data();
    let members = json!({ "role": { "eq": "MEMBER" } });
    let page = list(client, json!({ "filter": members, "sort": by_name })).await;
    assert_eq!(names(&page), ["Under_score", "Émile Zola"]);
    let all = json!({ "role": { "eq": "MEMBER" }, "or": [{ "deactivatedAt": { "isNull": true } }, { "deactivatedAt": { "isNull": false } }] });
    let page = list(client, json!({ "filter": all, "sort": by_name })).await;
    assert_eq!(names(&page), ["100% Sure", "Under_score", "Émile Zola"]);
    client
        .anonymous()
        .run(LIST, json!({}))
        .await
        .expect_code("UNAUTHENTICATED");
    let member = people[3].client(client);
    assert_eq!(
        list(&member, json!({ "filter": members })).await["totalCount"],
        2
    );
}

async fn pages_are_slices_of_the_list(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for number in 0..23 {
        // Some share a name, so that the id decides.
        people::register(client, &format!("User {}", number % 7)).await;
    }
    let filter = json!({ "search": "user" });
    for (field, direction) in [
        ("NAME", "ASC"),
        ("NAME", "DESC"),
        ("CREATED_AT", "ASC"),
        ("CREATED_AT", "DESC"),
    ] {
        let sort = json!({ "field": field, "direction": direction });
        let whole = list(
            client,
            json!({ "first": 100, "filter": filter, "sort": sort }),
        )
        .await;
        let whole = whole["edges"].as_array().expect("edges").clone();
        assert_eq!(whole.len(), 23);
        let mut forwards = Vec::new();
        let mut after = Value::Null;
        loop {
            let page = list(
                client,
                json!({ "first": 5, "after": after, "filter": filter, "sort": sort }),
            )
            .await;
            let edges = page["edges"].as_array().expect("edges").clone();
            after = edges.last().expect("an edge")["cursor"].clone();
            forwards.extend(edges);
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(forwards, whole, "{field} {direction}");
        let mut backwards = Vec::new();
        let mut before = Value::Null;
        loop {
            let page = list(
                client,
                json!({ "last": 5, "before": before, "filter": filter, "sort": sort }),
            )
            .await;
            let mut edges = page["edges"].as_array().expect("edges").clone();
            before = edges[0]["cursor"].clone();
            edges.append(&mut backwards);
            backwards = edges;
            if page["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
        }
        assert_eq!(backwards, whole, "{field} {direction} backwards");
        let other =
            json!({ "field": field, "direction": if direction == "ASC" { "DESC" } else { "ASC" } });
        let variables = json!({ "after": whole[3]["cursor"], "sort": other });
        client
            .run(LIST, variables)
            .await
            .expect_code("CURSOR_INVALID");
    }
    client
        .run(LIST, json!({ "first": 0 }))
        .await
        .expect_code("VALIDATION");
    client
        .run(LIST, json!({ "first": 101 }))
        .await
        .expect_code("VALIDATION");
    client
        .run(LIST, json!({ "first": 1, "last": 1 }))
        .await
        .expect_code("VALIDATION");
}

/// A cursor of another list, with a key that this column does not have.
async fn forged_cursors_are_refused(setup: Setup) {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let app = setup.start();
    let client = app.client();
    people::register(client, "Ada").await;
    let sort = json!({ "field": "NAME", "direction": "ASC" });
    let page = list(client, json!({ "sort": sort })).await;
    let cursor = page["edges"][0]["cursor"].as_str().expect("a cursor");
    let cursor = BASE64_URL_SAFE_NO_PAD.decode(cursor).expect("base 64");
    let cursor: Value = serde_json::from_slice(&cursor).expect("JSON");
    for key in [
        json!({ "Time": "2026-01-01T00:00:00Z" }),
        json!({ "Number": 1 }),
        json!({ "Text": "a\0" }),
    ] {
        let mut forged = cursor.clone();
        forged["e"]["key"] = key;
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged.to_string());
        let answer = client
            .run(LIST, json!({ "after": forged, "sort": sort }))
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
}

tests::both_ways!(
    search_and_filters,
    pages_are_slices_of_the_list,
    forged_cursors_are_refused,
);
