//! Silent peers are closed, slow ones are not, and neither costs more than a bound.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{connect, ready};
use crate::toy;

fn impatient() -> gateway::config::Config {
    let mut config = toy::config();
    config.websocket.ping_interval = Duration::from_millis(100);
    config.websocket.pong_timeout = Duration::from_millis(100);
    config
}

#[tokio::test]
async fn the_server_pings() {
    let server = toy::start_with(impatient()).await;
    let mut client = ready(&server).await;
    let (mut frames, mut messages) = (0, 0);
    // Reading answers the ping frames, which keeps the socket open much longer than one time-out.
    while frames < 5 || messages < 5 {
        match client.frame().await {
            Message::Ping(_) => frames += 1,
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).expect("JSON");
                assert_eq!(message, json!({ "type": "ping" }));
                messages += 1;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    client.subscribe("1", "{ hello }").await;
    assert_eq!(client.receive().await["type"], "next");
}

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let server = toy::start_with(impatient()).await;
    let _silent = ready(&server).await;
    assert_eq!(server.shutdown.open_sockets(), 1);
    // The client reads nothing, so nothing answers; the server must drop the socket by itself.
    let gone = async {
        while server.shutdown.open_sockets() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("closed in time");
}

#[tokio::test]
async fn a_vanished_peer_is_forgotten() {
    let server = toy::start().await;
    let mut client = ready(&server).await;
    client.subscribe("1", "subscription { quiet }").await;
    drop(client);
    let _unready = connect(&server).await;
    let gone = async {
        while server.shutdown.open_sockets() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("closed in time");
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_stream() {
    let server = toy::start().await;
    let mut stopped = ready(&server).await;
    stopped
        .subscribe("1", "subscription { flood(size: 10000) }")
        .await;
    // Other clients of the same gateway are served meanwhile.
    let mut other = ready(&server).await;
    for id in 0..200 {
        other.subscribe(&id.to_string(), "{ hello }").await;
        assert_eq!(other.receive().await["type"], "next");
        assert_eq!(other.receive().await["type"], "complete");
    }
    // The stopped client continues where it was.
    let mut taken = 0;
    for _ in 0..2_000 {
        let message = stopped.socket.next().await.expect("open").expect("a frame");
        taken += message.len();
    }
    assert!(taken > 20_000_000);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nothing_that_others_wait_for() {
    let server = toy::start().await;
    let mut slow = ready(&server).await;
    // The first operation holds something while the second fills the socket.
    slow.subscribe("1", "{ hold(ms: 500) }").await;
    slow.subscribe("2", "subscription { flood(size: 60000) }")
        .await;
    let mut other = ready(&server).await;
    other.subscribe("1", "{ hold(ms: 0) }").await;
    assert_eq!(other.receive().await["payload"]["data"]["hold"], true);
}
