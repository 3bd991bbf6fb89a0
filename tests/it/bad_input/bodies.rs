//! Requests that are no GraphQL requests: bodies, headers, methods and media types. None of it comes as far as a database, so it
//! runs embedded.

use serde_json::json;
use tests::http::{post, request};
use tests::{Setup, customers};

use super::{Before, Case, STRICT, check};

const BAD: &[&str] = &["BAD_REQUEST"];
const QUERY: &str = r#"{"query":"{ __typename }"}"#;

fn bodies() -> Vec<Case> {
    let create = json!({ "query": customers::CREATE, "variables": { "input": { "name": "B", "email": "b@example.com" } } });
    vec![
        Case::body("no body", "", &[400], BAD),
        Case::body("white space", "  \n ", &[400], BAD),
        Case::body(
            "half of an object",
            "{\"query\": \"{ __typename }\"",
            &[400],
            BAD,
        ),
        Case::body(
            "something after the object",
            format!("{QUERY} {{}}"),
            &[400],
            BAD,
        ),
        Case::body("null", "null", &[400], BAD),
        Case::body("a number", "42", &[400], BAD),
        Case::body("a string", "\"{ __typename }\"", &[400], BAD),
        Case::body(
            "a batch",
            format!("[{create},{create}]"),
            &[400],
            &["BATCHING_DISABLED"],
        ),
        Case::body(
            "an empty batch",
            "[]",
            &[400],
            &["BATCHING_DISABLED", "BAD_REQUEST"],
        ),
        Case::body(
            "bytes that are no UTF-8",
            b"{\"query\":\"{ __typename } #\xff\xfe\"}",
            &[400],
            BAD,
        ),
        Case::body(
            "a lone surrogate",
            r#"{"query":"{ __typename }","variables":{"a":"\ud800"}}"#,
            &[400],
            BAD,
        ),
        Case::body(
            "UTF-16",
            QUERY
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
            &[400],
            BAD,
        ),
        Case::body(
            "a number beyond all bounds",
            r#"{"query":"{ __typename }","variables":{"a":1e999999}}"#,
            &[400],
            BAD,
        ),
        Case::body(
            "variables 100,000 deep",
            format!(
                r#"{{"query":"{{ __typename }}","variables":{{"a":{}{}}}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            &[400],
            BAD,
        ),
        Case::body(
            "the same key twice",
            r#"{"query":"{ __typename }","query":"mutation { deleteCustomer(input: {id: \"x\"}) { customer { id } } }"}"#,
            &[400],
            BAD,
        ),
        Case::refused("no query", json!({}), BAD),
        Case::refused("a query that is null", json!({ "query": null }), BAD),
        Case::refused("a query that is a number", json!({ "query": 42 }), BAD),
        Case::refused(
            "an empty query",
            json!({ "query": "" }),
            &["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"],
        ),
        Case::refused(
            "variables that are a text",
            json!({ "query": "{ __typename }", "variables": "{}" }),
            BAD,
        ),
        Case::refused(
            "variables that are a list",
            json!({ "query": "{ __typename }", "variables": [] }),
            BAD,
        ),
        Case::refused(
            "an operation name that is a number",
            json!({ "query": "{ __typename }", "operationName": 1 }),
            BAD,
        ),
        Case::refused(
            "extensions that are a text",
            json!({ "query": "{ __typename }", "extensions": "x" }),
            BAD,
        ),
        Case::refused(
            "an idempotency key that is a list",
            json!({ "query": "{ __typename }", "extensions": { "idempotencyKey": [] } }),
            BAD,
        ),
    ]
}

fn with_headers(
    what: &'static str,
    headers: &[(&str, &str)],
    statuses: &'static [u16],
    codes: &'static [&'static str],
) -> Case {
    Case {
        what,
        request: post("/graphql", headers, QUERY.as_bytes()),
        statuses,
        codes,
        may_succeed: false,
    }
}

fn by(
    what: &'static str,
    method: &str,
    target: &str,
    statuses: &'static [u16],
    codes: &'static [&'static str],
) -> Case {
    Case {
        what,
        request: request(method, target, &[STRICT, ("content-length", "0")]),
        statuses,
        codes,
        may_succeed: false,
    }
}

fn headers() -> Vec<Case> {
    const MEDIA: &[&str] = &["UNSUPPORTED_MEDIA_TYPE"];
    const METHOD: &[&str] = &["METHOD_NOT_ALLOWED"];
    let long_key = "k".repeat(5_000);
    let no_type = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{QUERY}",
        QUERY.len()
    );
    vec![
        Case {
            what: "no content type",
            request: no_type.into_bytes(),
            statuses: &[415, 400],
            codes: &["UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST"],
            may_succeed: false,
        },
        with_headers(
            "a form",
            &[("content-type", "application/x-www-form-urlencoded")],
            &[415],
            MEDIA,
        ),
        with_headers(
            "multipart",
            &[("content-type", "multipart/form-data; boundary=x")],
            &[403],
            &["FORBIDDEN"],
        ),
        with_headers(
            "multipart that is none",
            &[
                ("content-type", "multipart/form-data; boundary=x"),
                ("graphql-preflight", "1"),
            ],
            &[400],
            BAD,
        ),
        with_headers(
            "multipart without a boundary",
            &[
                ("content-type", "multipart/form-data"),
                ("graphql-preflight", "1"),
            ],
            &[415],
            MEDIA,
        ),
        with_headers("text", &[("content-type", "text/plain")], &[415], MEDIA),
        with_headers(
            "almost JSON",
            &[("content-type", "application/jsonp")],
            &[415],
            MEDIA,
        ),
        with_headers(
            "application/graphql",
            &[("content-type", "application/graphql")],
            &[415],
            MEDIA,
        ),
        with_headers(
            "another charset",
            &[("content-type", "application/json; charset=utf-16")],
            &[415],
            MEDIA,
        ),
        with_headers(
            "no media type at all",
            &[("content-type", ";;;")],
            &[415],
            MEDIA,
        ),
        with_headers(
            "compressed, it says",
            &[("content-encoding", "gzip")],
            &[415, 400],
            &["UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST"],
        ),
        with_headers("accepting only XML", &[("accept", "text/xml")], &[406], BAD),
        with_headers(
            "an endless idempotency key",
            &[("idempotency-key", &long_key)],
            &[400],
            BAD,
        ),
        with_headers(
            "an empty idempotency key",
            &[("idempotency-key", "")],
            &[400],
            BAD,
        ),
        with_headers(
            "two idempotency keys",
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
            &[400],
            BAD,
        ),
        by("DELETE of no stream", "DELETE", "/graphql", &[400], BAD),
        by(
            "DELETE of an unknown stream",
            "DELETE",
            "/graphql?token=x&operationId=y",
            &[404],
            &["NOT_FOUND"],
        ),
        by("PATCH", "PATCH", "/graphql", &[405], METHOD),
        by("GET without a query", "GET", "/graphql", &[400], BAD),
        by(
            "GET with variables that are no JSON",
            "GET",
            "/graphql?query=%7B__typename%7D&variables=x",
            &[400],
            BAD,
        ),
        by(
            "GET with bytes that are no UTF-8",
            "GET",
            "/graphql?query=%FF%FE",
            &[400],
            &["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"],
        ),
        by(
            "GET with a broken escape",
            "GET",
            "/graphql?query=%7B__typename%7D%",
            &[400],
            &["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"],
        ),
        by(
            "a mutation by GET",
            "GET",
            "/graphql?query=mutation%7BdeleteCustomer(input%3A%7Bid%3A%22x%22%7D)%7Bcustomer%7Bid%7D%7D%7D",
            &[405],
            METHOD,
        ),
        by("an upgrade to nothing", "GET", "/graphql?x", &[400], BAD),
        by(
            "a path that climbs",
            "GET",
            "/../../etc/passwd",
            &[400, 404],
            &["NOT_FOUND", "BAD_REQUEST"],
        ),
    ]
}

async fn bad_bodies(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    check(&app, bodies()).await;
    before.compare(&mut app).await;
}

async fn bad_headers(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    check(&app, headers()).await;
    before.compare(&mut app).await;
}

tests::embedded!(bad_bodies, bad_headers);
