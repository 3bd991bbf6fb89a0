//! A gateway that is told to stop sends its clients elsewhere first. Distributed only: what drains is the same embedded.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tests::http::{Connection, post, request};
use tests::waiting::SOON;
use tests::{Setup, eventually};

const QUERY: &str = "/graphql?query=%7B__typename%7D";
const ACCEPT: &[(&str, &str)] = &[("accept", "application/graphql-response+json")];

async fn status(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut connection = Connection::open(address).await?;
    let response = connection.send(&request("GET", path, &[])).await?;
    Ok(response.status)
}

/// A client behind a load balancer: it keeps its connection as long as it may, and goes away when readiness ends.
async fn send_until_it_is_not_ready(address: SocketAddr) -> (usize, usize) {
    let (mut answered, mut told_to_close) = (0, 0);
    let mut connection = Connection::open(address).await.expect("a connection");
    loop {
        let response = connection.send(&request("GET", QUERY, ACCEPT)).await;
        let response = response.unwrap_or_else(|error| panic!("a request was lost: {error}"));
        assert_eq!(response.status, 200, "{}", response.text());
        answered += 1;
        if response.header("connection") != Some("close") {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        told_to_close += 1;
        assert_eq!(status(address, "/health/ready").await.ok(), Some(503));
        if told_to_close == 4 {
            return (answered, told_to_close);
        }
        connection = Connection::open(address).await.expect("it is still there");
    }
}

/// From SIGTERM on readiness says 503, and whoever comes is served, until the delay is over.
async fn clients_are_sent_elsewhere(setup: Setup) {
    let mut gateway = setup.gateway(&["--drain-delay", "4s"]);
    let address = gateway.address;
    assert_eq!(status(address, "/health/ready").await.ok(), Some(200));
    let clients: Vec<_> = (0..8)
        .map(|_| tokio::spawn(send_until_it_is_not_ready(address)))
        .collect();
    // Connected, and used once, but busy with nothing when the stop comes.
    let mut idle = Connection::open(address).await.expect("a connection");
    let response = idle.send(&request("GET", QUERY, ACCEPT)).await;
    assert_eq!(response.expect("an answer").status, 200);
    gateway.process.signal(Signal::TERM);
    eventually("it is not ready", SOON, async || {
        (status(address, "/health/ready").await.ok()? == 503).then_some(())
    })
    .await;
    let response = idle.send(&request("GET", QUERY, ACCEPT)).await;
    let response = response.expect("it is served while it drains");
    assert_eq!(response.header("connection"), Some("close"));
    for client in clients {
        let (answered, told_to_close) = client.await.expect("a client");
        assert!(answered >= told_to_close, "{answered}, {told_to_close}");
    }
    assert_eq!(status(address, "/health/live").await.ok(), Some(200));
    let ended = tokio::task::block_in_place(|| gateway.process.wait(SOON));
    assert!(ended.success(), "it ended with {ended}");
    assert!(status(address, "/health/live").await.is_err());
}

/// Who is connected when the stop begins without a delay, and sends a request at that moment, is answered.
async fn a_request_under_way_is_answered(setup: Setup) {
    let mut gateway = setup.gateway(&[]);
    let mut connections = Vec::new();
    for _ in 0..20 {
        let mut connection = Connection::open(gateway.address).await.expect("one");
        let response = connection.send(&request("GET", QUERY, ACCEPT)).await;
        assert_eq!(response.expect("an answer").status, 200);
        connections.push(connection);
    }
    // It finds its signal and the requests at the same time.
    gateway.process.pause();
    gateway.process.signal(Signal::TERM);
    for connection in &mut connections {
        let sent = connection.write(&request("GET", QUERY, ACCEPT)).await;
        sent.expect("a request");
    }
    gateway.process.resume();
    for mut connection in connections {
        let response = connection.read_response().await;
        let response = response.expect("no request is lost");
        assert_eq!(response.status, 200);
    }
}

/// A request may take as long while the gateway stops as before. Here it waits for read models that nobody writes.
async fn a_slow_request_is_answered(setup: Setup) {
    let flags = ["--drain-time", "0s", "--read-after-timeout", "8s"];
    let mut gateway = setup.gateway(&flags);
    let client = setup.admin().client(&gateway.client);
    let document = "mutation { createCustomer(input: { name: \"Ada\", email: \"ada@example.com\" }) { customer { id } } }";
    let written = client.run(document, json!({})).await;
    let token = written.body["extensions"]["readAfter"]
        .as_str()
        .expect("a token")
        .to_owned();
    let bearer = format!("Bearer {}", setup.admin().access_token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("read-after", token.as_str()),
    ];
    let mut connection = Connection::open(gateway.address).await.expect("one");
    let response = connection.send(&request("GET", QUERY, ACCEPT)).await;
    assert_eq!(response.expect("an answer").status, 200);
    gateway.process.pause();
    gateway.process.signal(Signal::TERM);
    let asked = post("/graphql", &headers, br#"{"query":"{ me { id } }"}"#);
    connection.write(&asked).await.expect("a request");
    gateway.process.resume();
    let response = connection.read_response().await.expect("it is not lost");
    let text = response.text();
    assert!(text.contains("READ_AFTER_TIMEOUT"), "{text}");
    let ended = tokio::task::block_in_place(|| gateway.process.wait(SOON));
    assert!(ended.success(), "it ended with {ended}");
}

tests::distributed!(
    clients_are_sent_elsewhere,
    a_request_under_way_is_answered,
    a_slow_request_is_answered
);
