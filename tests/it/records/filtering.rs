//! Filters select what a model selects, whatever their shape; and they are bounded.

use serde_json::{Value, json};
use tests::{Setup, extent, filters, graphql::Client, records::Kind};

const RECORDS: usize = 40;

pub(super) async fn lists_have_what_the_filter_selects(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let mut rows = Vec::new();
    for number in 0..RECORDS {
        let mut row = kind.create(client, number).await;
        if number % 3 == 0 {
            row = kind.set_text(client, &row["id"], "Zoë").await;
        }
        if number % 5 == 0 {
            row = kind
                .apply(client, "delete", json!({ "id": row["id"] }))
                .await;
        }
        rows.push(row);
    }
    let fields = kind.fields_of_filters();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut hits = 0;
    for _ in 0..extent::of(60, 1_000) {
        let filter = filters::random(&mut random, &fields, &rows, 3);
        let expected: Vec<_> = rows
            .iter()
            .filter(|row| filters::selects(&filter, row, &fields, Some("deletedAt")))
            .map(|row| row["id"].clone())
            .collect();
        hits += usize::from(!expected.is_empty() && expected.len() < RECORDS);
        assert_eq!(ids(client, kind, &filter).await, expected, "{filter}");
    }
    assert!(hits > 10, "only {hits} filters selected some of the rows");
}

async fn ids(client: &Client, kind: &Kind, filter: &Value) -> Vec<Value> {
    let sort = json!({ "field": "CREATED_AT", "direction": "ASC" });
    let variables = json!({ "first": 100, "filter": filter, "sort": sort });
    let answer = client.run(&kind.page(), variables).await;
    let page = &answer.data()[kind.many];
    let edges = page["edges"].as_array().expect("edges");
    assert_eq!(page["totalCount"], edges.len(), "{filter}");
    edges
        .iter()
        .map(|edge| edge["node"]["id"].clone())
        .collect()
}

pub(super) async fn a_value_is_found_exactly(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let mut rows = Vec::new();
    for number in 0..3 {
        rows.push(kind.create(client, number).await);
    }
    for field in kind.unique {
        let shouted = rows[1][*field].as_str().expect("a text").to_uppercase();
        let found = ids(client, kind, &json!({ *field: { "eq": shouted } })).await;
        assert_eq!(found, [rows[1]["id"].clone()], "{field}");
    }
    let deleted = &rows[2]["id"];
    kind.apply(client, "delete", json!({ "id": deleted })).await;
    let by_id = json!({ "id": { "in": [rows[0]["id"], deleted, kind.unknown(), "x", ""] } });
    assert_eq!(ids(client, kind, &by_id).await, [rows[0]["id"].clone()]);
    let gone = json!({ "deletedAt": { "isNull": false } });
    assert_eq!(
        ids(client, kind, &gone).await,
        std::slice::from_ref(deleted)
    );
    let any = json!({ "or": [gone, { "deletedAt": { "isNull": true } }] });
    assert_eq!(ids(client, kind, &any).await.len(), 3);
}

pub(super) async fn filters_are_bounded(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    kind.create(client, 1).await;
    let nested = |levels: usize| {
        (1..levels).fold(json!({ "version": { "eq": 1 } }), |filter, level| {
            match level % 2 {
                0 => json!({ "not": filter }),
                _ => json!({ "and": [filter] }),
            }
        })
    };
    let listed = |count: usize| json!({ "version": { "in": vec![1; count] } });
    let wide = |count: usize| json!({ "or": vec![json!({}); count] });
    for (filter, code) in [
        (nested(9), "depth"),
        (nested(40), "depth"),
        (listed(501), "length"),
        (wide(501), "length"),
        (
            json!({ "createdAt": { "gt": "9999-12-31T23:59:59.9999999Z" } }),
            "range",
        ),
    ] {
        let answer = client.run(&kind.page(), json!({ "filter": filter })).await;
        answer.expect_code("VALIDATION");
        let violation = &answer.body["errors"][0]["extensions"]["violations"][0];
        assert_eq!(
            (&violation["field"], &violation["code"]),
            (&json!("filter"), &json!(code))
        );
    }
    for filter in [nested(8), listed(500), wide(500)] {
        let answer = client.run(&kind.page(), json!({ "filter": filter })).await;
        assert!(answer.data()[kind.many]["totalCount"].is_u64());
    }
}
