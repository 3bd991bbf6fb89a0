//! graphql-sse, distinct connections mode.

use crate::http::send;
use crate::toy;

async fn stream(query: &str) -> (u16, String) {
    stream_as("", query).await
}

async fn stream_as(headers: &str, query: &str) -> (u16, String) {
    let server = toy::start().await;
    let body = serde_json::json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}",
        body.len()
    );
    let reply = send(&server, &head, body.as_bytes()).await;
    assert!(
        reply
            .header("content-type")
            .is_some_and(|found| found.starts_with("text/event-stream"))
    );
    (reply.status, reply.body)
}

#[tokio::test]
async fn subscriptions_stream_until_complete() {
    let (status, body) = stream("subscription { count(to: 3) }").await;
    assert_eq!(status, 200);
    let events: Vec<&str> = body
        .lines()
        .filter(|line| line.starts_with("event: "))
        .collect();
    assert_eq!(
        events,
        [
            "event: next",
            "event: next",
            "event: next",
            "event: complete"
        ]
    );
    assert!(body.contains(r#"data: {"data":{"count":3}}"#), "{body}");
}

#[tokio::test]
async fn single_results_and_errors_are_one_event() {
    for query in [
        "{ hello }",
        "mutation { touch }",
        "{",
        "{ nope }",
        "subscription { nope }",
    ] {
        let (_, body) = stream(query).await;
        let events: Vec<&str> = body
            .lines()
            .filter(|line| line.starts_with("event: "))
            .collect();
        assert_eq!(
            events,
            ["event: next", "event: complete"],
            "{query}: {body}"
        );
    }
}

#[tokio::test]
async fn a_stream_whose_caller_is_disconnected_ends_without_complete() {
    let headers = "authorization: Bearer disconnect\r\n";
    let (status, body) = stream_as(headers, "subscription { quiet }").await;
    // There is no event at all, only a comment, and the last, empty chunk.
    assert_eq!((status, body.as_str()), (200, "3\r\n:\n\n\r\n0\r\n\r\n"));
}
