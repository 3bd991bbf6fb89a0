//! TLS of the listener: requests, sockets and HTTP/2 by it, certificates that are renewed while it runs, and clients that do not go on.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::certificates::{Authority, Files};
use tests::recipe::{finish, product_command};
use tests::setup::Gateway;
use tests::waiting::SOON;
use tests::{Setup, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Connects as a client who trusts only this authority.
async fn connect(
    address: SocketAddr,
    authority: &Authority,
    protocol: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(authority.trusted(&[protocol]))
        .connect(name, stream)
        .await
}

/// Sends a request on a connection of its own; returns all of the answer.
async fn ask(address: SocketAddr, authority: &Authority, body: &str) -> io::Result<String> {
    let mut stream = connect(address, authority, "http/1.1").await?;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;

async fn is_answered(address: SocketAddr, authority: &Authority) {
    let answer = ask(address, authority, TYPENAME).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(r#""__typename":"Query""#), "{answer}");
}

fn start(setup: &mut Setup, files: &Files) -> Gateway {
    let text = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let certificate = text(&files.certificate);
    setup.settings.set("MILLRACE_TLS_CERTIFICATE", &certificate);
    setup.settings.set("MILLRACE_TLS_KEY", &text(&files.key));
    setup.gateway(&[])
}

async fn everything_is_spoken_by_tls(mut setup: Setup) {
    let authority = Authority::new();
    let files = authority.sign(&setup.directory);
    let gateway = start(&mut setup, &files);
    let address = gateway.address;
    is_answered(address, &authority).await;

    // HTTP/2 is agreed on before the first request.
    let stream = connect(address, &authority, "h2").await.expect("a line");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    // A socket hears of a change.
    let stream = connect(address, &authority, "http/1.1")
        .await
        .expect("a line");
    let mut request = format!("wss://{address}/graphql")
        .into_client_request()
        .expect("a request");
    let protocol = "graphql-transport-ws".parse().expect("a value");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let upgraded = tokio_tungstenite::client_async(request, stream).await;
    let (mut socket, _) = upgraded.expect("a socket");
    let token = &setup.admin().access_token;
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    let sent = socket.send(Message::text(init.to_string())).await;
    sent.expect("it is sent");
    let mutation = json!({ "query":
        "mutation { createCustomer(input: { name: \"Ada\", email: \"ada@example.org\" }) { customer { id } } }" });
    let heard = loop {
        let message = tokio::time::timeout(SOON, socket.next()).await;
        let message = message
            .expect("in time")
            .expect("a message")
            .expect("a line");
        let Ok(text) = message.to_text() else {
            continue;
        };
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        match message["type"].as_str() {
            Some("next") => break message,
            // It begins with what comes after this place, whenever it begins.
            Some("connection_ack") => {
                let subscribe = json!({ "id": "1", "type": "subscribe", "payload": {
                    "query": "subscription($after: String) { customerChanged(after: $after) { customer { name } } }",
                    "variables": { "after": message["payload"]["cursor"] } } });
                let sent = socket.send(Message::text(subscribe.to_string())).await;
                sent.expect("it is sent");
                create(address, &authority, token, &mutation).await;
            }
            _ => {}
        }
    };
    let name = &heard["payload"]["data"]["customerChanged"]["customer"]["name"];
    assert_eq!(name, "Ada", "{heard}");
}

async fn create(address: SocketAddr, authority: &Authority, token: &str, mutation: &Value) {
    let mut stream = connect(address, authority, "http/1.1")
        .await
        .expect("a line");
    let body = mutation.to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is sent");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("an answer");
    assert!(answer.contains("customer_"), "{answer}");
}

async fn certificates_are_renewed(mut setup: Setup) {
    let (old, new) = (Authority::new(), Authority::new());
    let files = old.sign(&setup.directory);
    let gateway = start(&mut setup, &files);
    let address = gateway.address;
    is_answered(address, &old).await;
    assert!(ask(address, &new, TYPENAME).await.is_err());
    // What does not fit together is told once, and changes nothing.
    let good = std::fs::read(&files.key).expect("the key");
    std::fs::write(&files.key, "no key").expect("the file is written");
    eventually("it is told", SOON, async || {
        gateway
            .process
            .log()
            .contains("the certificate stays as it was")
            .then_some(())
    })
    .await;
    is_answered(address, &old).await;
    std::fs::write(&files.key, good).expect("the file is written");
    new.sign(&setup.directory);
    eventually("the new one is shown", SOON, async || {
        ask(address, &new, TYPENAME).await.ok().map(drop)
    })
    .await;
    assert!(ask(address, &old, TYPENAME).await.is_err());
    // Half of it is a mistake, wherever it is set: nobody is answered in the open instead.
    let file = setup.directory.join("half.toml");
    let half = format!("tls-certificate = {:?}\n", files.certificate);
    std::fs::write(&file, half).expect("the file is written");
    let mut command = product_command("serve", &setup.directory);
    command
        .args(["--listen", "127.0.0.1:0", "--config"])
        .arg(&file);
    let refused = tokio::task::block_in_place(|| finish(&mut command));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        super::text(&refused).contains("need each other"),
        "{refused:?}"
    );
    // A start with files that cannot be used says so.
    std::fs::write(&files.certificate, "nothing").expect("the file is written");
    let mut command = setup.command(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = tokio::task::block_in_place(|| finish(&mut command));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        super::text(&refused).contains("has no certificate"),
        "{refused:?}"
    );
}

async fn who_does_not_go_on_is_let_go(mut setup: Setup) {
    let authority = Authority::new();
    let files = authority.sign(&setup.directory);
    let gateway = start(&mut setup, &files);
    let address = gateway.address;
    let mut silent = TcpStream::connect(address).await.expect("a line");
    let mut plain = TcpStream::connect(address).await.expect("a line");
    let began = Instant::now();
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    plain.write_all(request).await.expect("it is sent");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, plain.read_to_end(&mut answer))
        .await
        .expect("an end");
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    is_answered(address, &authority).await;
    let mut nothing = [0; 16];
    let read = tokio::time::timeout(SOON, silent.read(&mut nothing)).await;
    assert!(matches!(read.expect("an end"), Ok(0) | Err(_)));
    assert!(began.elapsed() > Duration::from_secs(5), "it has a moment");
}

/// One that has not shaken hands yet is idle, and has to make room like any other: at once, and not when its time is over.
async fn who_has_not_shaken_hands_makes_room(mut setup: Setup) {
    let authority = Authority::new();
    let files = authority.sign(&setup.directory);
    setup.settings.set("MILLRACE_MAX_CLIENTS", "20");
    setup.settings.set("MILLRACE_MAX_CLIENTS_PER_ADDRESS", "20");
    let gateway = start(&mut setup, &files);
    let began = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(gateway.address).await.expect("a line"));
    }
    let ends = silent.into_iter().map(|mut silent| async move {
        let read = tokio::time::timeout(SOON, silent.read(&mut [0; 16])).await;
        assert!(matches!(read.expect("an end"), Ok(0) | Err(_)));
        began.elapsed()
    });
    let ends = futures::future::join_all(ends).await;
    let early = ends.iter().filter(|end| **end < Duration::from_secs(7));
    // There may be others that were there before.
    assert!((15..=20).contains(&early.count()), "{ends:?}");
    is_answered(gateway.address, &authority).await;
}

tests::embedded!(
    everything_is_spoken_by_tls,
    certificates_are_renewed,
    who_does_not_go_on_is_let_go,
    who_has_not_shaken_hands_makes_room
);
