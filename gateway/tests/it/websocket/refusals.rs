//! What is not a message of the protocol closes the socket; what is a bad operation does not.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::ready;
use crate::toy;

#[tokio::test]
async fn invalid_messages_close_with_4400() {
    let server = toy::start().await;
    let long = "é".repeat(300);
    let texts = [
        "",
        "not json",
        "[]",
        r#"["ping"]"#,
        r#"["complete","1"]"#,
        r#"["subscribe","1",{"query":"{hello}"}]"#,
        "7",
        "null",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"unknown"}"#,
        r#"{"type":"start","id":"1","payload":{"query":"{hello}"}}"#,
        r#"{"type":"next","id":"1","payload":{}}"#,
        r#"{"type":"error","id":"1","payload":[]}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"connection_init","payload":7}"#,
        r#"{"type":"ping","payload":"x"}"#,
        r#"{"type":"pong","payload":[]}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"complete","id":7}"#,
        r#"{"type":"complete","id":""}"#,
        r#"{"type":"subscribe","payload":{"query":"{hello}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{hello}"}}"#,
        r#"{"type":"subscribe","id":7,"payload":{"query":"{hello}"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":null}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":7}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":"x"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{hello}","operationName":7}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{hello}","extensions":7}}"#,
    ];
    let unknown = json!({ "type": long }).to_string();
    for text in texts.into_iter().chain([unknown.as_str()]) {
        let mut client = ready(&server).await;
        client.send_raw(Message::text(text)).await;
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(!reason.is_empty(), "{text}");
    }
    let mut client = ready(&server).await;
    client.send_raw(Message::binary(r#"{"type":"ping"}"#)).await;
    client.closed_with(4400).await;
}

#[tokio::test]
async fn broken_frames_close_with_their_own_codes() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client
        .send_raw(Message::text("x".repeat(1024 * 1024 + 1)))
        .await;
    client.closed_with(1009).await;
    let mut client = ready(&server).await;
    let not_utf8 = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.send_raw(Message::Frame(not_utf8)).await;
    client.closed_with(1007).await;
    let mut client = ready(&server).await;
    let continued = Frame::message("x", OpCode::Data(Data::Continue), true);
    client.send_raw(Message::Frame(continued)).await;
    client.closed_with(1002).await;
}

#[tokio::test]
async fn ids_are_unique_while_active() {
    let server = toy::start().await;
    for query in ["subscription { quiet }", "{ slow(ms: 3000) }"] {
        let mut client = ready(&server).await;
        client.subscribe("same", query).await;
        client.subscribe("same", "{ hello }").await;
        assert_eq!(
            client.closed().await,
            (4409, "Subscriber for same already exists".into())
        );
    }
}

fn code(message: &Value) -> &str {
    message["payload"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or("none")
}

#[tokio::test]
async fn refused_operations_end_with_error_alone() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    let table = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { count(to: 1) quiet }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ hello(name: \"\\u0000\") }", "BAD_REQUEST"),
    ];
    for (query, expected) in table {
        client.subscribe("1", query).await;
        let message = client.receive().await;
        assert_eq!(
            (&message["type"], code(&message)),
            (&json!("error"), expected),
            "{query}: {message}"
        );
        assert!(message["payload"][0]["extensions"]["requestId"].is_string());
        // Neither a `complete` nor a reserved id is left behind.
        client.subscribe("1", "{ hello }").await;
        assert_eq!(client.receive().await["type"], "next");
        assert_eq!(
            client.receive().await,
            json!({ "id": "1", "type": "complete" })
        );
    }
}

#[tokio::test]
async fn operations_are_limited_by_a_typed_error() {
    let mut config = toy::config();
    config.websocket.max_operations = 2;
    let server = toy::start_with(config).await;
    let mut client = ready(&server).await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, "subscription { quiet }").await;
    }
    let message = client.receive().await;
    assert_eq!(
        (&message["id"], code(&message)),
        (&json!("3"), "LIMIT_EXCEEDED")
    );
    assert_eq!(message["payload"][0]["extensions"]["maximum"], 2);
    client.send(json!({ "id": "1", "type": "complete" })).await;
    client.subscribe("3", "{ hello }").await;
    assert_eq!(client.receive().await["type"], "next");
}
