//! Lists: search, filters and every order, page by page.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, students};

const PAGE: &str = "query Page($first: Int, $after: String, $filter: StudentFilter, $sort: StudentSort) { \
    students(first: $first, after: $after, filter: $filter, sort: $sort) { \
        totalCount nodes { name } pageInfo { hasNextPage endCursor } } }";

/// All names of a list, read in pages of two.
async fn names(client: &Client, filter: Value, sort: Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "first": 2, "after": after, "filter": filter, "sort": sort });
        let page = client.run(PAGE, variables).await.data()["students"].clone();
        let nodes = page["nodes"].as_array().expect("nodes");
        names.extend(
            nodes
                .iter()
                .map(|node| node["name"].as_str().expect("a name").to_owned()),
        );
        assert!(page["totalCount"].as_u64().expect("a number") >= names.len() as u64);
        if page["pageInfo"]["hasNextPage"] == false {
            return names;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

async fn search_filter_and_sort(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let rows = [
        ("Ada", "zoe@example.com", Some("N-3"), "Law", 3, "ENROLLED"),
        (
            "Bob",
            "yan@example.com",
            None,
            "Mathematics",
            1,
            "APPLICANT",
        ),
        ("Cid", "xia@example.com", Some("N-1"), "law", 2, "ENROLLED"),
        ("Élodie", "wim@example.com", None, "Physics", 2, "GRADUATED"),
        (
            "Dan",
            "val@example.com",
            Some("M-2"),
            "Mathematics",
            1,
            "WITHDRAWN",
        ),
    ];
    for (name, email, number, course, year, status) in rows {
        let input = json!({
            "name": name, "email": email, "studentNumber": number, "course": course, "year": year, "status": status,
        });
        students::apply(client, "create", input).await;
    }
    let sorted = async |field: &str, direction: &str| {
        let sort = json!({ "field": field, "direction": direction });
        names(client, Value::Null, sort).await.join(" ")
    };
    assert_eq!(sorted("CREATED_AT", "DESC").await, "Dan Élodie Cid Bob Ada");
    assert_eq!(sorted("NAME", "ASC").await, "Ada Bob Cid Dan Élodie");
    assert_eq!(sorted("EMAIL", "ASC").await, "Dan Élodie Cid Bob Ada");
    assert_eq!(sorted("YEAR", "ASC").await, "Bob Dan Cid Élodie Ada");
    assert_eq!(sorted("COURSE", "ASC").await, "Ada Cid Bob Dan Élodie");
    assert_eq!(sorted("COURSE", "DESC").await, "Élodie Dan Bob Cid Ada");
    let by_name = json!({ "field": "NAME", "direction": "ASC" });
    let filtered = async |filter: Value| names(client, filter, by_name.clone()).await.join(" ");
    assert_eq!(filtered(json!({ "search": "éLO" })).await, "Élodie");
    assert_eq!(filtered(json!({ "search": "n-" })).await, "Ada Cid");
    assert_eq!(filtered(json!({ "search": "%" })).await, "");
    assert_eq!(filtered(json!({ "search": "PHYS" })).await, "Élodie");
    assert_eq!(
        filtered(json!({ "course": { "in": ["LAW", "Physics"] } })).await,
        "Ada Cid Élodie"
    );
    assert_eq!(
        filtered(json!({ "year": { "in": [1, 3] } })).await,
        "Ada Bob Dan"
    );
    assert_eq!(
        filtered(json!({ "status": { "eq": "ENROLLED" }, "year": { "eq": 2 } })).await,
        "Cid"
    );
}

tests::both_ways!(search_filter_and_sort);
