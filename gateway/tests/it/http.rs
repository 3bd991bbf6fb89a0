//! GraphQL over HTTP: statuses, media types and refusals, as a table of requests written byte by byte.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::toy::{self, Server};

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(server: &Server, head: &str, body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let head = format!(
        "{head}\r\nhost: {}\r\nconnection: close\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.expect("writes");
    // The server may answer and close before it has read a body that it refuses.
    let _ = stream.write_all(body).await;
    reply(stream).await
}

/// Reads the answer to the last request of a connection.
pub(crate) async fn reply(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    Reply {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub(crate) async fn post_with(server: &Server, headers: &[&str], body: &[u8]) -> Reply {
    let mut head = format!("POST /graphql HTTP/1.1\r\ncontent-length: {}", body.len());
    for header in headers {
        head.push_str("\r\n");
        head.push_str(header);
    }
    send(server, &head, body).await
}

pub(crate) const JSON: &str = "content-type: application/json";
pub(crate) const STRICT: &str = "accept: application/graphql-response+json";

pub(crate) async fn post(server: &Server, body: &str) -> Reply {
    post_with(server, &[JSON], body.as_bytes()).await
}

async fn get(server: &Server, target: &str) -> Reply {
    send(server, &format!("GET {target} HTTP/1.1"), b"").await
}

#[tokio::test]
async fn answers_well_formed_requests() {
    let server = toy::start().await;
    let reply = post(&server, r#"{"query":"{ hello }"}"#).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        r#"{"data":{"hello":"hello world"},"extensions":{"cursor":"epoch-1"}}"#
    );
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert!(reply.header("x-request-id").is_some());

    let reply = get(
        &server,
        "/graphql?query=%7Bhello(name:%22you%22)%7D&variables=&operationName=",
    )
    .await;
    assert_eq!(
        (reply.status, reply.header("cache-control")),
        (200, Some("no-store"))
    );
    let body = r#"{"query":"query($n: String){ hello(name: $n) }","variables":{"n":"Zoë 🏃"}}"#;
    let reply = post_with(
        &server,
        &[STRICT, "content-type: application/json; charset=\"UTF-8\""],
        body.as_bytes(),
    )
    .await;
    assert_eq!(reply.json()["data"]["hello"], "hello Zoë 🏃");
    assert_eq!(
        reply.header("content-type"),
        Some("application/graphql-response+json; charset=utf-8")
    );
}

#[tokio::test]
async fn refuses_malformed_requests_whatever_is_accepted() {
    let server = toy::start().await;
    let table: &[(&str, &[u8])] = &[
        ("", b""),
        ("", b"{ \"not a JSON"),
        ("", b"{\"query\":\"{ hello }\"} x"),
        ("", b"\"text\""),
        ("", b"null"),
        ("", b"{\"nope\":1}"),
        ("", b"{\"query\":null}"),
        ("", b"{\"query\":0}"),
        ("", b"{\"query\":[\"{hello}\"]}"),
        ("", b"{\"query\":\"{hello}\",\"query\":\"{hello}\"}"),
        ("", b"{\"query\":\"{hello}\",\"operationName\":1}"),
        ("", b"{\"query\":\"{hello}\",\"variables\":[]}"),
        ("", b"{\"query\":\"{hello}\",\"variables\":\"{}\"}"),
        ("", b"{\"query\":\"{hello}\",\"extensions\":7}"),
        ("", b"{\"query\":\"{ hello }\xff\"}"),
        ("", b"{\"query\":\"\\ud800\"}"),
        ("idempotency-key: two words", b"{\"query\":\"{hello}\"}"),
        ("idempotency-key:", b"{\"query\":\"{hello}\"}"),
    ];
    for (header, body) in table {
        for accept in ["accept: application/json", STRICT] {
            let mut headers = vec![JSON, accept];
            headers.extend((!header.is_empty()).then_some(*header));
            let reply = post_with(&server, &headers, body).await;
            let shown = String::from_utf8_lossy(body);
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (400, "BAD_REQUEST"),
                "{shown}"
            );
            assert_eq!(
                reply.json()["errors"][0]["extensions"]["requestId"].as_str(),
                reply.header("x-request-id"),
            );
            assert!(reply.json().get("data").is_none());
        }
    }
    let reply = post(&server, "{\"query\":\n 0}").await;
    let error = &reply.json()["errors"][0];
    assert_eq!(error["extensions"]["line"], 2);
    assert!(
        error["message"].as_str().expect("text").contains("`query`"),
        "{error}"
    );
}

#[tokio::test]
async fn errors_in_documents_have_a_status_only_for_who_asks() {
    let server = toy::start().await;
    let deep = format!(
        r#"{{"query":"{}{}"}}"#,
        "{ myself ".repeat(30),
        "}".repeat(30)
    );
    let table = [
        (r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ nope }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (
            r#"{"query":"query($id: ID!){ __typename }","variables":{"id":null}}"#,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            r#"{"query":"{ hello }","operationName":"x"}"#,
            "BAD_REQUEST",
        ),
        (r#"{"query":"{ hello(name: \"\\u0000\") }"}"#, "BAD_REQUEST"),
        (r#"{"query":"subscription { quiet }"}"#, "BAD_REQUEST"),
        (deep.as_str(), "LIMIT_EXCEEDED"),
    ];
    for (body, code) in table {
        let loose = post(&server, body).await;
        assert_eq!((loose.status, loose.code().as_str()), (200, code), "{body}");
        let strict = post_with(&server, &[JSON, STRICT], body.as_bytes()).await;
        assert_eq!(
            (strict.status, strict.code().as_str()),
            (400, code),
            "{body}"
        );
        assert!(strict.json().get("data").is_none(), "{body}");
    }
}

#[tokio::test]
async fn errors_of_fields_keep_data_and_hide_internals() {
    let server = toy::start().await;
    let reply = post_with(&server, &[JSON, STRICT], br#"{"query":"{ broken }"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "INTERNAL"));
    assert_eq!(reply.json()["data"]["broken"], Value::Null);
    assert!(!reply.body.contains("digit"), "{}", reply.body);
    let reply = post(&server, r#"{"query":"{ conflict }"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "CONFLICT"));
    assert_eq!(reply.json()["data"], Value::Null);
}

#[tokio::test]
async fn refuses_types_methods_and_sizes() {
    let server = toy::start().await;
    let query = br#"{"query":"{ hello }"}"#;
    let types: &[&[&str]] = &[
        &[],
        &["content-type: text/plain"],
        &["content-type: application/x-www-form-urlencoded"],
        &["content-type: multipart/mixed; boundary=x"],
        &["content-type: application/json; charset=iso-8859-1"],
        &[JSON, "content-encoding: gzip"],
    ];
    for headers in types {
        let reply = post_with(&server, headers, query).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            "{headers:?}"
        );
    }
    let reply = post_with(&server, &[JSON, "accept: text/html"], query).await;
    assert_eq!((reply.status, reply.code().as_str()), (406, "BAD_REQUEST"));
    let reply = get(&server, "/graphql?query=mutation%7Btouch%7D").await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert_eq!(reply.header("allow"), Some("POST"));
    let reply = send(&server, "PATCH /graphql HTTP/1.1", b"").await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (405, "METHOD_NOT_ALLOWED")
    );
    let allowed = Some("GET, POST, PUT, DELETE, OPTIONS");
    assert_eq!(reply.header("allow"), allowed);
    for target in [
        "/graphql",
        "/graphql?query=",
        "/graphql?query=%7Ba%7D&query=%7Bb%7D",
    ] {
        let reply = get(&server, target).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "BAD_REQUEST"),
            "{target}"
        );
    }
    let reply = get(&server, "/graphql?query=%7Bhello%7D&variables=%5B%5D").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"));
    let reply = get(&server, "/nothing").await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "NOT_FOUND"));
    assert!(reply.header("x-request-id").is_some());
}

#[tokio::test]
async fn bodies_are_counted_as_they_arrive() {
    let server = toy::start().await;
    let large = vec![b' '; 1024 * 1024 + 1];
    let reply = post_with(&server, &[JSON], &large).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (413, "PAYLOAD_TOO_LARGE")
    );
    let mut chunked = Vec::new();
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let head = format!("POST /graphql HTTP/1.1\r\n{JSON}\r\ntransfer-encoding: chunked");
    let reply = send(&server, &head, &chunked).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (413, "PAYLOAD_TOO_LARGE")
    );
    let small = b"8\r\n{\"query\"\r\nc\r\n:\"{ hello }\"\r\n1\r\n}\r\n0\r\n\r\n";
    let reply = send(&server, &head, small).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn batches_are_off_unless_enabled_and_then_bounded() {
    let server = toy::start().await;
    let two = r#" [{"query":"{ hello }"},{"query":"{"}]"#;
    let reply = post(&server, two).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (400, "BATCHING_DISABLED")
    );

    let mut config = toy::config();
    config.http.batching = true;
    config.http.max_batch = 2;
    let server = toy::start_with(config).await;
    let reply = post(&server, two).await;
    let answers = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(answers[0]["data"]["hello"], "hello world");
    assert_eq!(
        answers[1]["errors"][0]["extensions"]["code"],
        "GRAPHQL_PARSE_FAILED"
    );
    let reply = post(
        &server,
        r#"[{"query":"{a}"},{"query":"{a}"},{"query":"{a}"}]"#,
    )
    .await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (400, "LIMIT_EXCEEDED")
    );
    let reply = post(&server, "[]").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"));
}

#[tokio::test]
async fn time_is_limited() {
    let mut config = toy::config();
    config.http.request_timeout = std::time::Duration::from_millis(50);
    let server = toy::start_with(config).await;
    let slow = r#"{"query":"{ slow(ms: 5000) }"}"#;
    let reply = post(&server, slow).await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "TIMEOUT"));
    let reply = post_with(&server, &[JSON, STRICT], slow.as_bytes()).await;
    assert_eq!((reply.status, reply.code().as_str()), (504, "TIMEOUT"));
    let head = format!("POST /graphql HTTP/1.1\r\n{JSON}\r\ncontent-length: 100");
    let reply = send(&server, &head, b"{").await;
    assert_eq!((reply.status, reply.code().as_str()), (408, "TIMEOUT"));
}

#[tokio::test]
async fn pages_and_health() {
    let server = toy::start().await;
    let table = [
        ("/", 200, None),
        ("/playground", 308, Some("/graphiql")),
        ("/graphiql", 200, None),
        ("/schema.graphql", 200, None),
        ("/health/live", 200, None),
        ("/health/ready", 200, None),
        ("/assets/nothing.js", 404, None),
    ];
    for (target, status, location) in table {
        let reply = get(&server, target).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (status, location),
            "{target}"
        );
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{target}"
        );
        assert!(reply.header("x-request-id").is_some(), "{target}");
    }
    let page = get(&server, "/graphiql").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("frame-ancestors 'none'"));
    let schema = get(&server, "/schema.graphql").await;
    assert_eq!(
        schema.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(schema.body.contains("type Query"));
}
