//! Connections that say nothing shut nobody out, however many they are, and each is closed in the end. The deadlines themselves are
//! tested beside the code.

use tests::http::Connection;
use tests::waiting::SOON;
use tests::{Setup, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Beside;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n";

async fn silent_connections_shut_nobody_out_and_end(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-clients", "100"]);
    let beside = Beside::begin(&app).await;
    let mut silent = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(app.address())
            .await
            .expect("a connection");
        if number % 2 == 0 {
            // It may have had to go already.
            let _ = stream.write_all(PREFACE).await;
        }
        silent.push(stream);
    }
    let mut ended = 0;
    for mut stream in silent {
        let mut said = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut said))
            .await
            .expect("its end");
        ended += 1;
    }
    assert_eq!(ended, 300);
    beside
        .end("300 silent connections where there is room for 100")
        .await;
}

/// Sockets that are open are busy: they are not closed for newcomers, which are told that there is no room.
async fn who_is_busy_is_not_closed_for_others(setup: Setup) {
    let flags = ["--max-clients", "20", "--max-clients-per-address", "10"];
    let app = setup.start_many(1, 0, &flags);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(app.client().socket().await);
    }
    let mut refused = Connection::open(app.address()).await.expect("a connection");
    let answer = refused.read_response().await.expect("an answer");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("UNAVAILABLE"), "{}", answer.text());
    sockets.truncate(9);
    eventually("its place is free", SOON, async || {
        app.client().try_socket().await.ok()
    })
    .await;
}

tests::embedded!(
    silent_connections_shut_nobody_out_and_end,
    who_is_busy_is_not_closed_for_others
);
