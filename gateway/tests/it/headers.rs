//! The headers that HTTP and WebSocket demand: of requests, and of refusals, which say what would be accepted.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::http::{JSON, Reply, STRICT, post_with, reply, send};
use crate::toy::{self, Server};

const QUERY: &[u8] = br#"{"query":"{ hello }"}"#;

/// Sends exactly this.
async fn say(server: &Server, request: &str) -> Reply {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("writes");
    reply(stream).await
}

#[tokio::test]
async fn a_request_says_once_by_what_name_it_calls() {
    let server = toy::start().await;
    let target = "/graphql?query=%7Bhello%7D";
    for (version, hosts, expected) in [
        ("HTTP/1.1", "host: localhost\r\n", 200),
        ("HTTP/1.1", "", 400),
        ("HTTP/1.1", "host: localhost\r\nhost: localhost\r\n", 400),
        ("HTTP/1.1", "host: local host\r\n", 400),
        ("HTTP/1.1", "host: evil.example\r\n", 403),
        ("HTTP/1.0", "", 200),
        ("HTTP/1.0", "host: localhost\r\nhost: localhost\r\n", 400),
    ] {
        let request = format!("GET {target} {version}\r\n{hosts}connection: close\r\n\r\n");
        let reply = say(&server, &request).await;
        assert_eq!(reply.status, expected, "{request}: {}", reply.body);
    }
    // Who only asks whether it lives need not know its name.
    let probe = "GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert_eq!(say(&server, probe).await.status, 200);
}

#[tokio::test]
async fn refusals_say_what_would_be_accepted() {
    let server = toy::start().await;
    let reply = post_with(&server, &["content-type: text/plain"], QUERY).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
    assert_eq!(reply.header("accept"), Some("application/json"));
    assert_eq!(reply.header("accept-encoding"), None);
    let encoded = [
        [JSON, "content-encoding: gzip", "x: y"],
        [JSON, "content-encoding: identity", "content-encoding: br"],
    ];
    for headers in encoded {
        let reply = post_with(&server, &headers, QUERY).await;
        assert_eq!(reply.status, 415, "{headers:?}");
        assert_eq!(reply.header("accept-encoding"), Some("identity"));
        assert_eq!(reply.header("accept"), None);
    }
    for (coding, expected) in [("gzip, chunked", 501), ("Chunked", 200)] {
        let head = format!("POST /graphql HTTP/1.1\r\n{JSON}\r\ntransfer-encoding: {coding}");
        let chunked = b"15\r\n{\"query\":\"{ hello }\"}\r\n0\r\n\r\n";
        let reply = send(&server, &head, chunked).await;
        assert_eq!(reply.status, expected, "{coding}: {}", reply.body);
    }
    let plain = [JSON, "content-encoding: identity", "content-encoding:"];
    assert_eq!(post_with(&server, &plain, QUERY).await.status, 200);

    let unknown = "authorization: Bearer unknown";
    let reply = post_with(&server, &[JSON, STRICT, unknown], QUERY).await;
    let challenge = reply.header("www-authenticate").map(str::to_owned);
    assert_eq!(reply.status, 401);
    let expected = r#"Bearer realm="millrace", error="invalid_token""#;
    assert_eq!(challenge.as_deref(), Some(expected));
    let reply = send(&server, &format!("PUT /graphql HTTP/1.1\r\n{unknown}"), b"").await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), Some(expected));
    let reply = post_with(&server, &[JSON, unknown], QUERY).await;
    assert_eq!(
        (reply.status, reply.header("www-authenticate")),
        (200, None)
    );
}

#[tokio::test]
async fn a_batch_is_no_stream_even_if_streams_are_accepted_beside_answers() {
    let mut config = toy::config();
    config.http.batching = true;
    let server = toy::start_with(config).await;
    let batch = br#"[{"query":"{ hello }"}]"#;
    let either = "accept: multipart/mixed;subscriptionSpec=1.0, application/json";
    let reply = post_with(&server, &[JSON, either], batch).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()[0]["data"]["hello"], "hello world");
    let reply = post_with(&server, &[JSON, "accept: text/event-stream"], batch).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"));
}

#[tokio::test]
async fn a_handshake_of_another_version_is_told_which_one_is_spoken() {
    let server = toy::start().await;
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    for (key, version, expected) in [
        (key, "8", 426),
        (key, "13, 8", 426),
        ("", "13", 400),
        ("dGhlIHNhbXBsZQ==", "13", 400),
        ("dGhlIHNhbXBsZSBub25j?Q==", "13", 400),
        ("dGhlIHNhbXBsZSBub25jZTEyMw==", "13", 400),
    ] {
        let head = format!(
            "GET /graphql HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: {key}\r\n\
             sec-websocket-version: {version}"
        );
        let reply = send(&server, &head, b"").await;
        assert_eq!(reply.status, expected, "{key} {version}: {}", reply.body);
        assert_eq!(reply.code(), "BAD_REQUEST");
        let is_version = expected == 426;
        let spoken = reply.header("sec-websocket-version");
        assert_eq!(spoken, is_version.then_some("13"), "{key} {version}");
        let upgrade = reply.header("upgrade");
        assert_eq!(upgrade, is_version.then_some("websocket"));
    }
}

#[tokio::test]
async fn request_ids_are_echoed_when_sane() {
    let server = toy::start().await;
    let body = br#"{"query":"{"}"#;
    let reply = post_with(&server, &[JSON, "x-request-id: my.id-1"], body).await;
    assert_eq!(reply.header("x-request-id"), Some("my.id-1"));
    assert_eq!(
        reply.json()["errors"][0]["extensions"]["requestId"],
        "my.id-1"
    );
    let reply = post_with(&server, &[JSON, "x-request-id: <script>"], body).await;
    assert_ne!(reply.header("x-request-id"), Some("<script>"));
}
