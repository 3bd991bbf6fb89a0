//! Well-formed requests with values that cannot be: ids, cursors, page sizes, times, texts. Most are errors of a field, in an
//! answer of status 200.

use serde_json::{Value, json};
use tests::http::post;
use tests::{Setup, customers};

use super::{Before, Case, STRICT, check};

const VALUE: &[&str] = &["BAD_REQUEST", "VALIDATION", "GRAPHQL_VALIDATION_FAILED"];
const GONE: &[&str] = &["NOT_FOUND", "BAD_REQUEST", "VALIDATION"];
const CURSOR: &[&str] = &["CURSOR_INVALID"];
/// No column and no id can hold it, so it may be refused before anybody looks at what it is for.
const NUL: &[&str] = &["BAD_REQUEST", "VALIDATION", "CURSOR_INVALID"];
const SIZE: &[&str] = &["BAD_REQUEST", "VALIDATION", "LIMIT_EXCEEDED"];

fn case(
    what: &'static str,
    document: &str,
    variables: Value,
    codes: &'static [&'static str],
) -> Case {
    let body = json!({ "query": document, "variables": variables }).to_string();
    Case {
        what,
        request: post("/graphql", &[STRICT], body.as_bytes()),
        statuses: &[200, 400],
        codes,
        may_succeed: false,
    }
}

fn list(what: &'static str, variables: Value, codes: &'static [&'static str]) -> Case {
    let document = "query($first: Int, $after: String, $last: Int, $before: String, $filter: CustomerFilter, $sort: CustomerSort) { \
        customers(first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: $sort) { nodes { id } } }";
    case(what, document, variables, codes)
}

fn create(what: &'static str, input: Value, codes: &'static [&'static str]) -> Case {
    case(what, customers::CREATE, json!({ "input": input }), codes)
}

fn delete(what: &'static str, id: impl Into<Value>, codes: &'static [&'static str]) -> Case {
    case(
        what,
        customers::DELETE,
        json!({ "input": { "id": id.into() } }),
        codes,
    )
}

fn values(log_cursor: &str) -> Vec<Case> {
    vec![
        list("first: -1", json!({ "first": -1 }), SIZE),
        list("first: 10^9", json!({ "first": 1_000_000_000 }), SIZE),
        list("first: 2^31", json!({ "first": 2_147_483_648_u64 }), VALUE),
        list("first: 1.5", json!({ "first": 1.5 }), VALUE),
        list("first: true", json!({ "first": true }), VALUE),
        list("first and last", json!({ "first": 1, "last": 1 }), VALUE),
        list("last: -1", json!({ "last": -1 }), SIZE),
        list(
            "an invalid cursor",
            json!({ "first": 1, "after": "nonsense" }),
            CURSOR,
        ),
        list(
            "a cursor of the log",
            json!({ "first": 1, "after": log_cursor }),
            CURSOR,
        ),
        list(
            "a cursor of 100 KB",
            json!({ "first": 1, "after": "A".repeat(100_000) }),
            CURSOR,
        ),
        list(
            "a cursor with NUL",
            json!({ "last": 1, "before": "\u{0}" }),
            NUL,
        ),
        list(
            "a time that is none",
            json!({ "filter": { "createdAt": { "gte": "yesterday" } } }),
            VALUE,
        ),
        list(
            "a day that is none",
            json!({ "filter": { "createdAt": { "gte": "2026-02-30T00:00:00Z" } } }),
            VALUE,
        ),
        list(
            "a time without a zone",
            json!({ "filter": { "createdAt": { "lt": "2026-02-03T00:00:00" } } }),
            VALUE,
        ),
        list(
            "a time as a number",
            json!({ "filter": { "createdAt": { "lt": 1_700_000_000 } } }),
            VALUE,
        ),
        list(
            "a status that is none",
            json!({ "filter": { "status": { "in": ["VIP"] } } }),
            VALUE,
        ),
        list(
            "a time beyond all",
            json!({ "filter": { "createdAt": { "gte": "+262142-12-31T23:59:59Z" } } }),
            VALUE,
        )
        .or_data(),
        list(
            "a time before all",
            json!({ "filter": { "createdAt": { "gte": "-9999-01-01T00:00:00Z" } } }),
            VALUE,
        )
        .or_data(),
        list(
            "a search of 100 KB",
            json!({ "filter": { "search": "x".repeat(100_000) } }),
            SIZE,
        )
        .or_data(),
        list(
            "a search with NUL",
            json!({ "filter": { "search": "a\u{0}b" } }),
            VALUE,
        )
        .or_data(),
        list(
            "an unknown sort",
            json!({ "sort": { "field": "PASSWORD", "direction": "ASC" } }),
            VALUE,
        ),
        delete(
            "an id of another kind",
            "user_01h455vb4pex5vsknk084sn02q",
            GONE,
        ),
        delete(
            "an id that overflows",
            "customer_zzzzzzzzzzzzzzzzzzzzzzzzzz",
            GONE,
        ),
        delete(
            "an id of 100 KB",
            format!("customer_{}", "0".repeat(100_000)),
            GONE,
        ),
        delete("an id with NUL", "customer_\u{0}", GONE),
        delete("an empty id", "", GONE),
        delete(
            "an id in capitals",
            "CUSTOMER_01H455VB4PEX5VSKNK084SN02Q",
            GONE,
        ),
        delete("an id that is an object", json!({}), VALUE),
        delete("an id that is SQL", "' or 1=1 --", GONE),
        case(
            "a negative version",
            customers::UPDATE,
            json!({ "input": { "id": "customer_01h455vb4pex5vsknk084sn02q", "expectedVersion": -1 } }),
            GONE,
        ),
        create("no input", Value::Null, VALUE),
        create("no address", json!({ "name": "Ada" }), VALUE),
        create(
            "a name that is a number",
            json!({ "name": 42, "email": "b@example.com" }),
            VALUE,
        ),
        create(
            "a name with NUL",
            json!({ "name": "a\u{0}b", "email": "b@example.com" }),
            NUL,
        ),
        create(
            "a name of 500 KB",
            json!({ "name": "x".repeat(500_000), "email": "b@example.com" }),
            &["VALIDATION"],
        ),
        create(
            "an address with a line break",
            json!({ "name": "B", "email": "b@example.com\r\nBcc: all" }),
            &["VALIDATION"],
        ),
        create(
            "a field of another",
            json!({ "name": "B", "email": "b@example.com", "version": 7 }),
            VALUE,
        ),
        create(
            "a status that is none",
            json!({ "name": "B", "email": "b@example.com", "status": "VIP" }),
            VALUE,
        ),
        case(
            "a variable of another type",
            "query($id: Int!) { customer(id: $id) { id } }",
            json!({ "id": 1 }),
            VALUE,
        ),
        case(
            "a variable left out",
            "query($id: ID!) { customer(id: $id) { id } }",
            json!({}),
            VALUE,
        ),
    ]
}

async fn bad_values(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let log_cursor = app.client().head().await;
    check(&app, values(&log_cursor)).await;
    before.compare(&mut app).await;
}

tests::both_ways!(bad_values);
