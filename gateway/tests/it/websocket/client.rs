//! A client that does exactly what a test says, well-behaved or not.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::toy::Server;

pub(crate) type HandshakeResult = Result<Client, tokio_tungstenite::tungstenite::Error>;

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

pub(crate) async fn handshake(
    server: &Server,
    headers: &[(&'static str, &str)],
) -> HandshakeResult {
    let mut request = format!("ws://{}/graphql", server.address).into_client_request()?;
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_str(value).expect("a header"));
    }
    let stream = TcpStream::connect(server.address).await.expect("connects");
    let (socket, _) = client_async(request, stream).await?;
    Ok(Client { socket })
}

pub(crate) const SUBPROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// Returns a socket that has sent nothing yet.
pub(crate) async fn connect(server: &Server) -> Client {
    handshake(server, &[SUBPROTOCOL])
        .await
        .expect("a handshake")
}

/// Returns an acknowledged socket.
pub(crate) async fn ready(server: &Server) -> Client {
    let mut client = connect(server).await;
    client.send(json!({ "type": "connection_init" })).await;
    assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
    client
}

impl Client {
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("sends");
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } }))
            .await;
    }

    /// Returns the next frame, within five seconds.
    pub(crate) async fn frame(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(5), self.socket.next());
        next.await
            .expect("in time")
            .expect("still open")
            .expect("a frame")
    }

    /// Returns the next message of the protocol, skipping pings.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Returns the close code and reason; all frames before them are dropped.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.frame().await {
                let frame = frame.expect("a close frame with a code");
                assert!(frame.reason.len() <= 123);
                return (CloseCode::into(frame.code), frame.reason.to_string());
            }
        }
    }

    pub(crate) async fn closed_with(&mut self, code: u16) {
        let (found, reason) = self.closed().await;
        assert_eq!(found, code, "{reason}");
    }
}
