//! Frames that no client in order sends: each closes the socket with its code, or is a typed error of its operation. None of it
//! comes as far as a database, so it runs embedded.

use serde_json::{Value, json};
use tests::socket::{Frame, Socket, subscribe_message};
use tests::{Setup, customers};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame as RawFrame, FrameHeader};

use super::Before;

/// What must come of it: a close code, or the error of operation `x`.
enum Outcome {
    Close(u16),
    Error(&'static [&'static str]),
}

use Outcome::{Close, Error};

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// A frame that the library itself would not make; tungstenite masks it.
fn raw(opcode: OpCode, payload: impl Into<Vec<u8>>) -> Message {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    Message::Frame(RawFrame::from_payload(header, payload.into().into()))
}

/// Before `connection_init`.
fn early() -> Vec<(&'static str, Message, u16)> {
    vec![
        (
            "subscribe before init",
            text(&subscribe_message("x", "{ __typename }", json!({}))),
            4401,
        ),
        ("no JSON", Message::text("hello"), 4400),
        ("null", Message::text("null"), 4400),
        ("a list", Message::text("[]"), 4400),
        ("a number", Message::text("1"), 4400),
        ("an empty text", Message::text(""), 4400),
        ("no type", text(&json!({ "id": "1" })), 4400),
        ("a type that is a number", text(&json!({ "type": 1 })), 4400),
        ("an unknown type", text(&json!({ "type": "start" })), 4400),
        (
            "a server's message",
            text(&json!({ "type": "connection_ack" })),
            4400,
        ),
        (
            "an init payload that is a text",
            text(&json!({ "type": "connection_init", "payload": "x" })),
            4400,
        ),
        ("a binary frame", Message::binary(vec![0, 1, 2]), 4400),
        (
            "a text that is no UTF-8",
            raw(OpCode::Data(Data::Text), [0xff, 0xfe]),
            1007,
        ),
        (
            "a continuation of nothing",
            raw(OpCode::Data(Data::Continue), "x"),
            1002,
        ),
        ("a frame of 4 MB", Message::text(" ".repeat(4 << 20)), 1009),
        (
            "JSON 100,000 deep",
            Message::text("[".repeat(100_000)),
            4400,
        ),
    ]
}

/// After it.
fn late() -> Vec<(&'static str, Value, Outcome)> {
    let payload = |payload: Value| json!({ "type": "subscribe", "id": "x", "payload": payload });
    let run = |document: &str| payload(json!({ "query": document }));
    let aliases: Vec<String> = (0..10_000)
        .map(|number| format!("a{number}: __typename"))
        .collect();
    vec![
        (
            "a second init",
            json!({ "type": "connection_init" }),
            Close(4429),
        ),
        (
            "no id",
            json!({ "type": "subscribe", "payload": { "query": "{ __typename }" } }),
            Close(4400),
        ),
        (
            "an id that is a number",
            json!({ "type": "subscribe", "id": 1, "payload": { "query": "{ __typename }" } }),
            Close(4400),
        ),
        (
            "an empty id",
            json!({ "type": "subscribe", "id": "", "payload": { "query": "{ __typename }" } }),
            Close(4400),
        ),
        (
            "an id of 100 KB",
            json!({ "type": "subscribe", "id": "x".repeat(100_000), "payload": { "query": "{ __typename }" } }),
            Close(4400),
        ),
        (
            "no payload",
            json!({ "type": "subscribe", "id": "x" }),
            Close(4400),
        ),
        ("a payload that is a text", payload(json!("x")), Close(4400)),
        (
            "a query that is a number",
            payload(json!({ "query": 1 })),
            Close(4400),
        ),
        (
            "variables that are a list",
            payload(json!({ "query": "{ __typename }", "variables": [1] })),
            Close(4400),
        ),
        (
            "a document that does not parse",
            run("{"),
            Error(&["GRAPHQL_PARSE_FAILED"]),
        ),
        (
            "an unknown field",
            run("{ nothing }"),
            Error(&["GRAPHQL_VALIDATION_FAILED"]),
        ),
        (
            "an unknown subscription",
            run("subscription { everything }"),
            Error(&["GRAPHQL_VALIDATION_FAILED"]),
        ),
        (
            "two roots in a subscription",
            run("subscription { customerStatistics { total } customerChanged { type } }"),
            Error(&["GRAPHQL_VALIDATION_FAILED"]),
        ),
        (
            "an invalid cursor",
            payload(json!({ "query": customers::CHANGES, "variables": { "after": "x" } })),
            Error(&["CURSOR_INVALID"]),
        ),
        (
            "an invalid id",
            payload(json!({ "query": customers::CHANGES, "variables": { "id": "user_1" } })),
            Error(&["BAD_REQUEST", "VALIDATION", "NOT_FOUND"]),
        ),
        (
            "10,000 aliases",
            run(&format!("{{ {} }}", aliases.join(" "))),
            Error(&["LIMIT_EXCEEDED"]),
        ),
        (
            "an unknown operation",
            payload(json!({ "query": "query A { __typename }", "operationName": "B" })),
            Error(&["BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"]),
        ),
        (
            "an idempotency key that is a number",
            payload(
                json!({ "query": customers::CREATE, "variables": { "input": { "name": "B", "email": "b@example.com" } }, "extensions": { "idempotencyKey": 1 } }),
            ),
            Error(&["BAD_REQUEST"]),
        ),
    ]
}

async fn bad_frames(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let mut problems = Vec::new();
    for (what, message, code) in early() {
        let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
            .await
            .expect("an upgrade");
        socket.send_raw(message).await;
        let end = socket.receive().await;
        if !matches!(end, Frame::Closed { code: found, .. } if found == code) {
            problems.push(format!("{what}: not {code} but {end:?}"));
        }
    }
    for (what, message, outcome) in late() {
        let mut socket = app.client().socket().await;
        socket.send_raw(text(&message)).await;
        let end = socket.receive().await;
        let is_right = match (&outcome, &end) {
            (Close(code), Frame::Closed { code: found, .. }) => code == found,
            (Error(codes), Frame::Message(message)) => {
                let errors = if message["type"] == "error" {
                    &message["payload"]
                } else {
                    &message["payload"]["errors"]
                };
                errors[0]["extensions"]["code"]
                    .as_str()
                    .is_some_and(|code| codes.contains(&code))
            }
            _ => false,
        };
        if !is_right {
            problems.push(format!("{what}: {end:?}"));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
    before.compare(&mut app).await;
}

/// Ten thousand operations on one socket: those over the limit are refused, the socket and the others live.
async fn floods(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let mut socket = app.client().socket().await;
    for number in 0..10_000 {
        socket
            .send_raw(text(&subscribe_message(
                &number.to_string(),
                customers::CHANGES,
                json!({}),
            )))
            .await;
        if number % 100 == 0 {
            socket.send_raw(text(&json!({ "type": "ping" }))).await;
        }
    }
    let mut refused = 0;
    loop {
        match socket.receive().await {
            Frame::Message(message) if message["type"] == "pong" => {}
            Frame::Message(message) => {
                assert_eq!(
                    message["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED",
                    "{message}"
                );
                refused += 1;
                if refused == 9_900 {
                    break;
                }
            }
            Frame::Closed { code, .. } => {
                assert!(matches!(code, 4400 | 4429 | 1008), "closed with {code}");
                break;
            }
            Frame::Cut(problem) => panic!("cut: {problem}"),
        }
    }
    drop(socket);

    let mut pings = app.client().socket().await;
    for _ in 0..10_000 {
        pings
            .send_raw(text(
                &json!({ "type": "ping", "payload": { "x": "y".repeat(100) } }),
            ))
            .await;
    }
    drop(pings);

    let mut odd = app.client().socket().await;
    let frame = CloseFrame {
        code: 4999.into(),
        reason: "bye".into(),
    };
    odd.send_raw(Message::Close(Some(frame))).await;
    assert!(matches!(
        odd.receive().await,
        Frame::Closed { .. } | Frame::Cut(_)
    ));
    before.compare(&mut app).await;
}

tests::embedded!(bad_frames, floods);
