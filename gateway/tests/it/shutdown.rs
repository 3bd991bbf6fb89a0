//! The graceful stop: not ready at once, work in progress is finished, sockets close with 1001, and then nothing is
//! left.

use std::time::Duration;

use crate::http::send;
use crate::toy;
use crate::websocket::client::ready;

#[tokio::test]
async fn sockets_close_and_requests_finish() {
    let mut config = toy::config();
    config.websocket.drain_time = Duration::from_millis(200);
    let server = toy::start_with(config).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = ready(&server).await;
        client.subscribe("1", "subscription { quiet }").await;
        client.subscribe("2", "{ hello }").await;
        assert_eq!(client.receive().await["id"], "2");
        clients.push(client);
    }
    assert_eq!(server.shutdown.open_sockets(), 20);
    let body = r#"{"query":"{ slow(ms: 300) }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.shutdown.begin();
    };
    let (reply, ()) = tokio::join!(send(&server, &head, body.as_bytes()), stop);
    assert_eq!(reply.status, 200);
    for client in &mut clients {
        client.closed_with(1001).await;
    }
    let ended = tokio::time::timeout(Duration::from_secs(3), server.task).await;
    ended
        .expect("in time")
        .expect("no panic")
        .expect("no error");
    assert_eq!(server.shutdown.open_sockets(), 0);
}

#[tokio::test]
async fn endless_streams_and_stalled_readers_do_not_hold_up_the_stop() {
    let mut config = toy::config();
    config.websocket.drain_time = Duration::from_millis(10);
    let server = toy::start_with(config).await;
    let mut endless = ready(&server).await;
    endless
        .subscribe("1", "subscription { flood(size: 10) }")
        .await;
    let mut stalled = ready(&server).await;
    stalled
        .subscribe("1", "subscription { flood(size: 100000) }")
        .await;
    assert_eq!(endless.receive().await["type"], "next");
    server.shutdown.begin();
    endless.closed_with(1001).await;
    let ended = tokio::time::timeout(Duration::from_secs(4), server.task).await;
    ended
        .expect("in time")
        .expect("no panic")
        .expect("no error");
}
