//! Multipart subscriptions: parts, their boundaries, and their ends.

use crate::http::{Reply, send};
use crate::toy;

const ACCEPT: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";
const PART: &str = "\r\ncontent-type: application/json\r\n\r\n";

async fn answer(headers: &str, query: &str) -> Reply {
    let server = toy::start().await;
    let body = serde_json::json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\naccept: {ACCEPT}\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}",
        body.len()
    );
    send(&server, &head, body.as_bytes()).await
}

/// Returns the pieces of a chunked body as one.
fn whole(chunked: &str) -> String {
    let (mut rest, mut whole) = (chunked, String::new());
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        whole.push_str(&more[..size]);
        rest = &more[size + 2..];
        if size == 0 {
            break;
        }
    }
    whole
}

#[tokio::test]
async fn subscriptions_are_parts_until_the_last_boundary() {
    let reply = answer("", "subscription { count(to: 2) }").await;
    let media_type = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0";
    assert_eq!(reply.header("content-type"), Some(media_type));
    let parts = [
        "{}",
        r#"{"payload":{"data":{"count":1}}}"#,
        r#"{"payload":{"data":{"count":2}}}"#,
    ];
    let parts: String = parts
        .map(|part| format!("{PART}{part}\r\n--graphql"))
        .concat();
    assert_eq!(whole(&reply.body), format!("\r\n--graphql{parts}--\r\n"));
}

#[tokio::test]
async fn what_is_no_stream_is_answered_as_usual() {
    for query in [
        "{ hello }",
        "mutation { touch }",
        "{",
        "subscription { nope }",
        "subscription { failing }",
    ] {
        let reply = answer("", query).await;
        let media_type = reply.header("content-type").unwrap_or_default();
        let is_usual = media_type.starts_with("application/json");
        // What fails when it executes has begun as a stream.
        assert!(
            is_usual || query.contains("failing"),
            "{query}: {media_type}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_ends_with_an_error_of_the_transport() {
    let reply = answer(
        "authorization: Bearer disconnect\r\n",
        "subscription { quiet }",
    )
    .await;
    let body = whole(&reply.body);
    assert!(
        body.contains(r#"{"payload":null,"errors":[{"message":"#),
        "{body}"
    );
    assert!(body.contains(r#""code":"UNAVAILABLE""#), "{body}");
    assert!(body.ends_with("\r\n--graphql--\r\n"), "{body}");
}
