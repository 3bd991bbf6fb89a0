//! Keyset paging in every order and both directions, against a sorted list in memory: random pages of random filters must be
//! exactly the slices of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::{Setup, extent, graphql::Client, records::Kind};

const RECORDS: usize = 60;

/// One record as the model knows it.
struct Row {
    id: String,
    values: Value,
}

pub(super) async fn pages_are_slices_of_the_list(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let rows = fill(client, kind).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..extent::of(25, 60) {
        let (field, key) = kind.sorts[random.usize(..kind.sorts.len())];
        let descending = random.bool();
        let status = random.bool().then(|| kind.statuses[random.usize(..2)]);
        let expected = model(&rows, key, descending, status);
        let filter = status.map_or(json!({}), |status| json!({ "status": { "in": [status] } }));
        let sort = json!({ "field": field, "direction": if descending { "DESC" } else { "ASC" } });
        let size = random.usize(1..25);
        let list = List {
            client,
            kind,
            filter,
            sort,
        };
        if random.bool() {
            list.walk_forward(&expected, size).await;
        } else {
            list.walk_backward(&expected, size).await;
        }
    }
}

/// Records of which many share names and times, so that only the id tells them apart.
async fn fill(client: &Client, kind: &Kind) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..RECORDS {
        let mut values = kind.create(client, number).await;
        if number % 4 == 0 {
            values = kind.set_text(client, &values["id"], "ada").await;
        }
        let id = values["id"].as_str().expect("an id").to_owned();
        rows.push(Row { id, values });
    }
    rows
}

/// The order by the text that updates set.
fn by_text(kind: &Kind) -> Value {
    let mut sorts = kind.sorts.iter();
    let (field, _) = sorts.find(|(_, key)| *key == kind.text).expect("an order");
    json!({ "field": field, "direction": "ASC" })
}

/// The ids that the list must have, in order: by the field's code points or number, then by id.
fn model(rows: &[Row], key: &str, descending: bool, status: Option<&str>) -> Vec<String> {
    let mut rows: Vec<&Row> = rows
        .iter()
        .filter(|row| status.is_none_or(|status| row.values["status"] == status))
        .collect();
    let value = |row: &Row| {
        let text = row.values[key].as_str().unwrap_or_default();
        let text = match key {
            "email" | "course" | "code" => text.to_lowercase(),
            // Whoever has no family name is listed by the given names.
            "familyName" => match (text, row.values["givenName"].as_str().unwrap_or_default()) {
                ("", given) => given.to_owned(),
                (family, given) => format!("{family}\n{given}"),
            },
            _ => text.to_owned(),
        };
        (row.values[key].as_i64(), text)
    };
    rows.sort_by_key(|row| (value(row), row.id.clone()));
    if descending {
        rows.reverse();
    }
    rows.into_iter().map(|row| row.id.clone()).collect()
}

async fn page(client: &Client, kind: &Kind, variables: Value) -> Value {
    client.run(&kind.page(), variables).await.data()[kind.many].clone()
}

fn ids(page: &Value) -> Vec<&str> {
    page["edges"]
        .as_array()
        .expect("edges")
        .iter()
        .filter_map(|edge| edge["node"]["id"].as_str())
        .collect()
}

/// A list with its filter and its order.
struct List<'a> {
    client: &'a Client,
    kind: &'a Kind,
    filter: Value,
    sort: Value,
}

impl List<'_> {
    async fn walk_forward(&self, expected: &[String], size: usize) {
        let Self {
            client,
            kind,
            filter,
            sort,
        } = self;
        let mut after = Value::Null;
        let mut at = 0;
        loop {
            let page = page(
                client,
                kind,
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

    async fn walk_backward(&self, expected: &[String], size: usize) {
        let Self {
            client,
            kind,
            filter,
            sort,
        } = self;
        let mut before = Value::Null;
        let mut at = expected.len();
        loop {
            let page = page(
                client,
                kind,
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
}

/// A row that is inserted or deleted elsewhere moves nobody over a page's edge.
pub(super) async fn pages_hold_while_others_write(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let rows = fill(client, kind).await;
    let sort = by_text(kind);
    let expected = model(&rows, kind.text, false, None);
    let mut seen: Vec<String> = Vec::new();
    let mut after = Value::Null;
    for turn in 0.. {
        let page = page(
            client,
            kind,
            json!({ "first": 7, "after": after, "sort": sort }),
        )
        .await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        // The row that the cursor is made of goes, and a new one comes before it.
        if turn % 2 == 0 {
            let id = seen.last().expect("a row");
            kind.apply(client, "delete", json!({ "id": id })).await;
        } else {
            kind.set_text(
                client,
                &kind.create(client, RECORDS + turn).await["id"],
                "AAA",
            )
            .await;
        }
    }
    assert_eq!(seen, expected);
}

pub(super) async fn cursors_of_elsewhere_are_refused(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    fill(client, kind).await;
    let by_name = json!({ "field": "NAME", "direction": "ASC" });
    let cursor =
        page(client, kind, json!({ "first": 3, "sort": by_name })).await["pageInfo"]["endCursor"]
            .clone();
    let log_cursor = client.head().await;
    let other_sorts = [
        json!({ "field": "CREATED_AT", "direction": "ASC" }),
        json!({ "field": "NAME", "direction": "DESC" }),
    ];
    for sort in &other_sorts {
        let answer = client
            .run(
                &kind.page(),
                json!({ "first": 3, "after": cursor, "sort": sort }),
            )
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
    for cursor in ["", "x", "AAAA", "!!!!", &log_cursor, &"A".repeat(10_000)] {
        let answer = client
            .run(
                &kind.page(),
                json!({ "first": 3, "after": cursor, "sort": by_name }),
            )
            .await;
        answer.expect_code("CURSOR_INVALID");
        let answer = client
            .run(
                &kind.page(),
                json!({ "last": 3, "before": cursor, "sort": by_name }),
            )
            .await;
        answer.expect_code("CURSOR_INVALID");
    }
}

/// Cursors are readable to whoever takes them apart; putting in what no row has must not get through to the database.
pub(super) async fn forged_cursors_do_no_harm(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    fill(client, kind).await;
    let sort = by_text(kind);
    let page = page(client, kind, json!({ "first": 3, "sort": sort })).await;
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
        expect_page_or_refusal(client, kind, &forged, &sort).await;
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
        expect_page_or_refusal(client, kind, &forged, &by_time).await;
    }
}

async fn expect_page_or_refusal(client: &Client, kind: &Kind, forged: &str, sort: &Value) {
    let variables = json!({ "first": 3, "after": forged, "sort": sort });
    let answer = client.run(&kind.page(), variables).await;
    assert!(
        matches!(answer.code(), None | Some("CURSOR_INVALID")),
        "{forged}: {}",
        answer.http.text()
    );
}

pub(super) async fn page_sizes_have_limits(setup: Setup, kind: &Kind) {
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
        let answer = client.run(&kind.page(), variables.clone()).await;
        let code = answer
            .code()
            .unwrap_or_else(|| panic!("{variables}: {}", answer.http.text()));
        assert!(
            matches!(code, "BAD_REQUEST" | "VALIDATION" | "LIMIT_EXCEEDED"),
            "{variables}: {code}"
        );
    }
    let full = page(client, kind, json!({ "first": 100 })).await;
    assert_eq!(full["totalCount"], 0);
}
