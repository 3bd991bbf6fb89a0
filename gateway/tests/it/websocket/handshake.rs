//! The upgrade and `connection_init`: subprotocol, origin, time and refusal.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use super::client::{SUBPROTOCOL, connect, handshake, ready};
use crate::toy;

#[tokio::test]
async fn only_the_known_subprotocol_stays() {
    let server = toy::start().await;
    // A client that offers no or another subprotocol gets the code, not a failed handshake without a reason.
    let mut client = handshake(&server, &[]).await.expect("a handshake");
    client.closed_with(4406).await;
    let offered = ("sec-websocket-protocol", "graphql-ws");
    let refused = handshake(&server, &[offered]).await;
    if let Ok(mut client) = refused {
        client.closed_with(4406).await;
    }
    let several = ("sec-websocket-protocol", "graphql-ws, graphql-transport-ws");
    assert!(handshake(&server, &[several]).await.is_ok());
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let mut config = toy::config();
    config.http.allowed_origins = vec!["https://app.example.org".parse().expect("an origin")];
    let server = toy::start_with(config).await;
    let own = format!("http://{}", server.address);
    for origin in [own.as_str(), "https://app.example.org"] {
        assert!(
            handshake(&server, &[SUBPROTOCOL, ("origin", origin)])
                .await
                .is_ok(),
            "{origin}"
        );
    }
    for origin in ["https://evil.example.org", "null"] {
        match handshake(&server, &[SUBPROTOCOL, ("origin", origin)]).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403),
            _ => panic!("{origin} was let in"),
        }
    }
}

#[tokio::test]
async fn init_must_come_in_time() {
    let mut config = toy::config();
    config.websocket.init_timeout = Duration::from_millis(100);
    let server = toy::start_with(config).await;
    let started = Instant::now();
    let mut client = connect(&server).await;
    client.closed_with(4408).await;
    assert!(started.elapsed() >= Duration::from_millis(100));
    let mut client = ready(&server).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.receive().await["type"], "next");
}

#[tokio::test]
async fn init_comes_once() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client.send(json!({ "type": "connection_init" })).await;
    client.closed_with(4429).await;
    let mut client = connect(&server).await;
    client
        .send(json!({ "type": "connection_init", "payload": {} }))
        .await;
    client
        .send(json!({ "type": "connection_init", "payload": null }))
        .await;
    client.closed_with(4429).await;
}

fn init(token: &str) -> serde_json::Value {
    json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })
}

fn ping(token: &str) -> serde_json::Value {
    json!({ "type": "ping", "payload": { "authorization": format!("Bearer {token}") } })
}

#[tokio::test]
async fn who_is_not_let_in_is_told_whether_to_come_back() {
    let server = toy::start().await;
    for (token, close) in [
        ("deny", (4403, "Forbidden")),
        ("later", (1013, "Try again later")),
    ] {
        let mut client = connect(&server).await;
        client.send(init(token)).await;
        assert_eq!(client.closed().await, (close.0, close.1.into()));
    }
}

#[tokio::test]
async fn a_ping_can_bring_a_new_token() {
    let server = toy::start().await;
    let mut client = connect(&server).await;
    client.send(init("first")).await;
    assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
    // Messages after the ping are handled under the new token, and the pong does not repeat it.
    client.send(ping("second")).await;
    client.subscribe("1", "{ token }").await;
    assert_eq!(client.receive().await, json!({ "type": "pong" }));
    let next = client.receive().await;
    assert_eq!(next["payload"]["data"], json!({ "token": "second" }));
    assert_eq!(client.receive().await["type"], "complete");
    client.send(ping("deny")).await;
    assert_eq!(client.closed().await, (4403, "Forbidden".into()));
}

#[tokio::test]
async fn a_socket_whose_caller_has_to_leave_is_closed() {
    let server = toy::start().await;
    let mut client = connect(&server).await;
    client.send(init("leave")).await;
    assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
    assert_eq!(client.closed().await, (4403, "Forbidden".into()));
}

#[tokio::test]
async fn a_socket_whose_caller_is_disconnected_is_told() {
    let server = toy::start().await;
    let mut client = connect(&server).await;
    client.send(init("disconnect")).await;
    assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
    let reason = "Disconnected by an administrator".into();
    assert_eq!(client.closed().await, (4410, reason));
}

#[tokio::test]
async fn nothing_runs_before_the_acknowledgement() {
    let server = toy::start().await;
    let mut client = connect(&server).await;
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.closed().await, (4401, "Unauthorized".into()));
}
