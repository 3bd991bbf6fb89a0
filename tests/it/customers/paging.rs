//! Keyset paging in every order and both directions, against a sorted list in memory: random pages of random filters must be
//! exactly the slices of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, customers, extent};

const CUSTOMERS: usize = 60;
const FIELDS: [(&str, &str); 4] = [
    ("CREATED_AT", "createdAt"),
    ("UPDATED_AT", "updatedAt"),
    ("NAME", "name"),
    ("EMAIL", "email"),
];

const PAGE: &str = "query Page($first: Int, $after: String, $last: Int, $before: String, $filter: CustomerFilter, $sort: CustomerSort) { \
    customers(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) { \
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }";

/// One customer as the model knows it.
#[derive(Clone)]
struct Row {
    id: String,
    status: String,
    values: Value,
}

async fn pages_are_slices_of_the_list(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let rows = fill(client).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..extent::of(25, 60) {
        let (field, key) = FIELDS[random.usize(..FIELDS.len())];
        let descending = random.bool();
        let status = random
            .bool()
            .then(|| ["ACTIVE", "CLOSED"][random.usize(..2)]);
        let expected = model(&rows, key, descending, status);
        let filter = status.map_or(json!({}), |status| json!({ "status": [status] }));
        let sort = json!({ "field": field, "direction": if descending { "DESC" } else { "ASC" } });
        let size = random.usize(1..25);
        if random.bool() {
            walk_forward(client, &expected, &filter, &sort, size).await;
        } else {
            walk_backward(client, &expected, &filter, &sort, size).await;
        }
    }
}

/// Customers of which many share names and times, so that only the id tells them apart.
async fn fill(client: &Client) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..CUSTOMERS {
        let name = ["ada", "Ada", "Bob", "Émile", "zoë", "Ångström"][number % 6];
        let status = if number % 3 == 0 { "ACTIVE" } else { "CLOSED" };
        let email = format!(
            "{}{}@example.com",
            ["x", "Y", "b"][number % 3],
            (number * 7919) % 1000
        );
        let created = customers::apply(
            client,
            "create",
            json!({ "name": name, "email": email, "status": status }),
        )
        .await;
        let values = if number % 4 == 0 {
            customers::apply(
                client,
                "update",
                json!({ "id": created["id"], "phone": "+1 555 0100" }),
            )
            .await
        } else {
            created
        };
        let id = values["id"].as_str().expect("an id").to_owned();
        rows.push(Row {
            id,
            status: status.to_owned(),
            values,
        });
    }
    rows
}

/// The ids that the list must have, in order: by the field's code points, then by id.
fn model(rows: &[Row], key: &str, descending: bool, status: Option<&str>) -> Vec<String> {
    let mut rows: Vec<&Row> = rows
        .iter()
        .filter(|row| status.is_none_or(|status| row.status == status))
        .collect();
    let value = |row: &Row| {
        let text = row.values[key].as_str().expect("a text").to_owned();
        if key == "email" {
            text.to_lowercase()
        } else {
            text
        }
    };
    rows.sort_by_key(|row| (value(row), row.id.clone()));
    if descending {
        rows.reverse();
    }
    rows.into_iter().map(|row| row.id.clone()).collect()
}

async fn page(client: &Client, variables: Value) -> Value {
    client.run(PAGE, variables).await.data()["customers"].clone()
}

fn ids(page: &Value) -> Vec<&str> {
    page["edges"]
        .as_array()
        .expect("edges")
        .iter()
        .filter_map(|edge| edge["node"]["id"].as_str())
        .collect()
}

async fn walk_forward(
    client: &Client,
    expected: &[String],
    filter: &Value,
    sort: &Value,
    size: usize,
) {
    let mut after = Value::Null;
    let mut at = 0;
    loop {
        let page = page(
            client,
            json!({ "first": size, "after": after, "filter": filter, "sort": sort }),
        )
        .await;
        let end = (at + size).min(expected.len());
        assert_eq!(
            ids(&page),
            expected[at..end],
            "first {size} after {at} by {sort}"
        );
        assert_eq!(page["totalCount"], expected.len());
        let info = &page["pageInfo"];
        assert_eq!(
            info["hasNextPage"],
            end < expected.len(),
            "first {size} after {at} by {sort}"
        );
        if at > 0 {
            assert_eq!(info["hasPreviousPage"], true);
        }
        if end == expected.len() {
            return;
        }
        assert_eq!(info["endCursor"], page["edges"][end - at - 1]["cursor"]);
        assert_eq!(info["startCursor"], page["edges"][0]["cursor"]);
        after = info["endCursor"].clone();
        at = end;
    }
}

async fn walk_backward(
    client: &Client,
    expected: &[String],
    filter: &Value,
    sort: &Value,
    size: usize,
) {
    let mut before = Value::Null;
    let mut at = expected.len();
    loop {
        let page = page(
            client,
            json!({ "last": size, "before": before, "filter": filter, "sort": sort }),
        )
        .await;
        let start = at.saturating_sub(size);
        assert_eq!(
            ids(&page),
            expected[start..at],
            "last {size} before {at} by {sort}"
        );
        let info = &page["pageInfo"];
        assert_eq!(
            info["hasPreviousPage"],
            start > 0,
            "last {size} before {at} by {sort}"
        );
        if start == 0 {
            return;
        }
        before = info["startCursor"].clone();
        at = start;
    }
}

/// A row that is inserted or deleted elsewhere moves nobody over a page's edge.
async fn pages_hold_while_others_write(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let rows = fill(client).await;
    let sort = json!({ "field": "NAME", "direction": "ASC" });
    let expected = model(&rows, "name", false, None);
    let mut seen: Vec<String> = Vec::new();
    let mut after = Value::Null;
    for turn in 0.. {
        let page = page(client, json!({ "first": 7, "after": after, "sort": sort })).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        // The row that the cursor is made of goes, and a new one comes before it.
        if turn % 2 == 0 {
            let id = seen.last().expect("a row");
            customers::apply(client, "delete", json!({ "id": id })).await;
        } else {
            customers::create(client, "AAA", &format!("new{turn}@example.com")).await;
        }
    }
    assert_eq!(seen, expected);
}

async fn cursors_of_elsewhere_are_refused(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    fill(client).await;
    let by_name = json!({ "field": "NAME", "direction": "ASC" });
    let cursor =
        page(client, json!({ "first": 3, "sort": by_name })).await["pageInfo"]["endCursor"].clone();
    let log_cursor = client.head().await;
    let other_sorts = [
        json!({ "field": "EMAIL", "direction": "ASC" }),
        json!({ "field": "NAME", "direction": "DESC" }),
    ];
    for sort in &other_sorts {
        let answer = client
            .run(PAGE, json!({ "first": 3, "after": cursor, "sort": sort }))
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
    for cursor in ["", "x", "AAAA", "!!!!", &log_cursor, &"A".repeat(10_000)] {
        let answer = client
            .run(
                PAGE,
                json!({ "first": 3, "after": cursor, "sort": by_name }),
            )
            .await;
        answer.expect_code("CURSOR_INVALID");
        let answer = client
            .run(
                PAGE,
                json!({ "last": 3, "before": cursor, "sort": by_name }),
            )
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
}

/// Cursors are readable to whoever takes them apart; putting in what no row has must not get through to the database.
async fn forged_cursors_do_no_harm(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    fill(client).await;
    let sort = json!({ "field": "NAME", "direction": "ASC" });
    let page = page(client, json!({ "first": 3, "sort": sort })).await;
    let cursor = page["pageInfo"]["endCursor"].as_str().expect("a cursor");
    let text = BASE64_URL_SAFE_NO_PAD.decode(cursor).map(String::from_utf8);
    let text = text.expect("base 64").expect("a text");
    assert!(
        text.contains("\"ada\"") || text.contains("\"Ada\""),
        "{text}"
    );
    for key in [
        r#""a\u0000b""#,
        r#""""#,
        "1",
        "null",
        "[]",
        r#""2026-01-01T00:00:00Z""#,
    ] {
        let forged = text.replace("\"ada\"", key).replace("\"Ada\"", key);
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
        let answer = client
            .run(PAGE, json!({ "first": 3, "after": forged, "sort": sort }))
            .await;
        assert!(
            matches!(answer.code(), None | Some("CURSOR_INVALID")),
            "{key}: {}",
            answer.http.text()
        );
    }
    let by_time = json!({ "field": "CREATED_AT", "direction": "ASC" });
    for time in [
        "-9999-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
    ] {
        let forged = format!(
            r#"{{"s":{{"field":"CreatedAt","direction":"Asc"}},"e":{{"key":{{"Time":"{time}"}},"id":"00000000-0000-0000-0000-000000000000"}}}}"#
        );
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
        let answer = client
            .run(
                PAGE,
                json!({ "first": 3, "after": forged, "sort": by_time }),
            )
            .await;
        assert!(
            matches!(answer.code(), None | Some("CURSOR_INVALID")),
            "{time}: {}",
            answer.http.text()
        );
    }
}

async fn page_sizes_have_limits(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for variables in [
        json!({ "first": -1 }),
        json!({ "first": 101 }),
        json!({ "first": 1_000_000_000 }),
        json!({ "last": -1 }),
        json!({ "last": 101 }),
        json!({ "first": 1, "last": 1 }),
    ] {
        let answer = client.run(PAGE, variables.clone()).await;
        let code = answer
            .code()
            .unwrap_or_else(|| panic!("{variables}: {}", answer.http.text()));
        assert!(
            matches!(code, "BAD_REQUEST" | "VALIDATION" | "LIMIT_EXCEEDED"),
            "{variables}: {code}"
        );
    }
    let full = page(client, json!({ "first": 100 })).await;
    assert_eq!(full["totalCount"], 0);
}

tests::both_ways!(
    pages_are_slices_of_the_list,
    pages_hold_while_others_write,
    cursors_of_elsewhere_are_refused,
    forged_cursors_do_no_harm,
    page_sizes_have_limits,
);
