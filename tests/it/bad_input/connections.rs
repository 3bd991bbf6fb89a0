//! Connections that mean ill: bodies of 100 MB, headers without end, half of a handshake, one byte now and then. None of it comes
//! as far as a database, so it runs embedded.

use std::time::{Duration, Instant};

use tests::http::Connection;
use tests::waiting::SOON;
use tests::{Running, Setup};

use super::Before;

const MEGABYTES: usize = 100;

async fn huge_bodies(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let announced = format!("content-length: {}\r\n", MEGABYTES << 20);
    send_much(&app, &announced, |block| block.to_vec()).await;
    send_much(&app, "transfer-encoding: chunked\r\n", |block| {
        let mut chunk = format!("{:x}\r\n", block.len()).into_bytes();
        chunk.extend_from_slice(block);
        chunk.extend_from_slice(b"\r\n");
        chunk
    })
    .await;
    before.compare(&mut app).await;
}

/// Sends until the gateway has had enough, which it says with 413.
async fn send_much(app: &Running, framing: &str, wrap: impl Fn(&[u8]) -> Vec<u8>) {
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{framing}\r\n"
    );
    connection
        .write(head.as_bytes())
        .await
        .expect("the head goes out");
    let block = wrap(&vec![b' '; 1 << 20]);
    for _ in 0..MEGABYTES {
        if connection.write(&block).await.is_err() {
            break;
        }
    }
    // Its answer may be lost when it hangs up on a client that goes on sending; then there is none to look at.
    if let Ok(response) = connection.read_response().await {
        assert_eq!(response.status, 413, "{}", response.text());
        assert!(
            response.text().contains("PAYLOAD_TOO_LARGE"),
            "{}",
            response.text()
        );
    }
}

/// A client that waits for leave to send is told no at once.
async fn huge_bodies_are_refused_by_their_announcement(setup: Setup) {
    let app = setup.start();
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        MEGABYTES << 20
    );
    let response = connection.send(head.as_bytes()).await.expect("an answer");
    assert_eq!(response.status, 413, "{}", response.text());
    assert!(
        response.text().contains("PAYLOAD_TOO_LARGE"),
        "{}",
        response.text()
    );
}

async fn broken_requests(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let long = "x".repeat(1 << 20);
    let upgrade = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: graphql-transport-ws\r\n";
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let cases: Vec<(&str, String, &[u16])> = vec![
        ("no HTTP", "\u{1}\u{2}\u{3} hello\r\n\r\n".into(), &[400]),
        ("another protocol", "EHLO example.com\r\n\r\n".into(), &[400]),
        ("a header of 1 MB", format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"), &[400, 431]),
        ("a target of 1 MB", format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"), &[400, 414, 431]),
        ("10,000 headers", format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(10_000)), &[400, 431]),
        ("a length that is none", "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: much\r\n\r\n".into(), &[400]),
        ("two lengths", "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".into(), &[400]),
        ("a chunk that is none", "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".into(), &[400]),
        ("an upgrade without a key", format!("{upgrade}sec-websocket-version: 13\r\n\r\n"), &[400]),
        ("an upgrade of another version", format!("{upgrade}{key}sec-websocket-version: 8\r\n\r\n"), &[400, 426]),
        ("an upgrade from elsewhere", format!("{upgrade}{key}sec-websocket-version: 13\r\norigin: https://evil.example\r\n\r\n"), &[403]),
    ];
    let mut problems = Vec::new();
    for (what, request, statuses) in cases {
        let mut connection = Connection::open(app.address()).await.expect("a connection");
        let _ = connection.write(request.as_bytes()).await;
        match tokio::time::timeout(SOON, connection.read_response()).await {
            Ok(Ok(response)) if statuses.contains(&response.status) => {}
            Ok(Ok(response)) => problems.push(format!(
                "{what}: not {statuses:?} but {} {}",
                response.status,
                response.text()
            )),
            // Hanging up on what is no HTTP is an answer too.
            Ok(Err(_)) => {}
            Err(_) => problems.push(format!("{what}: neither an answer nor the end")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    before.compare(&mut app).await;
}

/// Two hundred connections that send a byte of a header now and then hold nobody up.
async fn slow_requests(setup: Setup) {
    let mut app = setup.start();
    let before = Before::look(&setup, &app).await;
    let mut dripping = Vec::new();
    for _ in 0..200 {
        let mut connection = Connection::open(app.address()).await.expect("a connection");
        let head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx: ";
        connection.write(head).await.expect("a beginning");
        dripping.push(connection);
    }
    let mut half = Connection::open(app.address()).await.expect("a connection");
    let upgrade = b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgr";
    half.write(upgrade).await.expect("half of it");
    half.finish_writing().await.expect("the end");

    for _ in 0..20 {
        for connection in &mut dripping {
            connection.write(b"x").await.expect("a byte more");
        }
        let started = Instant::now();
        app.client().head().await;
        app.client().socket().await;
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "others had to wait: {:?}",
            started.elapsed()
        );
    }
    drop(dripping);
    before.compare(&mut app).await;
}

tests::embedded!(
    huge_bodies,
    huge_bodies_are_refused_by_their_announcement,
    broken_requests,
    slow_requests
);
