//! Operations that go well: results, order, completion, cancellation, concurrency.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::ready;
use crate::toy;

#[tokio::test]
async fn queries_and_mutations_have_one_result() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client
        .send(json!({
            "id": "q\"1\"", "type": "subscribe",
            "payload": {
                "query": "query A($n: String) { hello(name: $n) } query B { slow(ms: 0) }",
                "operationName": "A", "variables": { "n": "you" }, "extensions": null,
            },
        }))
        .await;
    let expected =
        json!({ "data": { "hello": "hello you" }, "extensions": { "cursor": "epoch-1" } });
    assert_eq!(
        client.receive().await,
        json!({ "id": "q\"1\"", "type": "next", "payload": expected })
    );
    assert_eq!(
        client.receive().await,
        json!({ "id": "q\"1\"", "type": "complete" })
    );
    client.subscribe("m", "mutation { touch }").await;
    assert_eq!(client.receive().await["payload"]["data"]["touch"], true);
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn errors_of_fields_are_results() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client.subscribe("1", "{ conflict }").await;
    let message = client.receive().await;
    assert_eq!(message["type"], "next");
    assert_eq!(
        message["payload"]["errors"][0]["extensions"]["code"],
        "CONFLICT"
    );
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn subscriptions_are_in_order_and_complete() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    let query = "subscription { ...F } fragment F on Subscription { count(to: 500) }";
    client.subscribe("1", query).await;
    for n in 1..=500 {
        let expected = json!({ "id": "1", "type": "next", "payload": { "data": { "count": n } } });
        assert_eq!(client.receive().await, expected);
    }
    assert_eq!(
        client.receive().await,
        json!({ "id": "1", "type": "complete" })
    );
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.receive().await["type"], "next");
}

#[tokio::test]
async fn complete_cancels_and_frees_the_id() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client.subscribe("1", "subscription { ticks(ms: 1) }").await;
    assert_eq!(client.receive().await["payload"]["data"]["ticks"], 0);
    client.send(json!({ "id": "1", "type": "complete" })).await;
    client
        .send(json!({ "id": "unknown", "type": "complete" }))
        .await;
    client.subscribe("1", "subscription { count(to: 1) }").await;
    // Ticks already on their way may come first, but none after the new operation has begun.
    let mut message = client.receive().await;
    while message["payload"]["data"].get("ticks").is_some() {
        message = client.receive().await;
    }
    assert_eq!(message["payload"]["data"]["count"], 1);
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn a_slow_operation_holds_up_no_other() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client.subscribe("slow", "{ slow(ms: 300) }").await;
    client.subscribe("fast", "{ hello }").await;
    client
        .subscribe("stream", "subscription { count(to: 1) }")
        .await;
    let mut ids = Vec::new();
    while !ids.contains(&json!("slow")) {
        ids.push(client.receive().await["id"].clone());
    }
    assert_eq!(ids.len(), 5, "{ids:?}");
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let server = toy::start().await;
    let mut client = super::client::connect(&server).await;
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.receive().await, json!({ "type": "pong" }));
    client
        .send(json!({ "type": "ping", "payload": { "a": [1] } }))
        .await;
    assert_eq!(
        client.receive().await,
        json!({ "type": "pong", "payload": { "a": [1] } })
    );
    client.send(json!({ "type": "pong" })).await;
    client.send_raw(Message::Ping("x".into())).await;
    assert_eq!(client.frame().await, Message::Pong("x".into()));
}
