//! A graphql-transport-ws client that returns every frame as it came, and can send any. It answers no pings and hides nothing:
//! the resuming client is `subscriber`.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::waiting::SOON;

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    acknowledged: bool,
}

/// A frame from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    Message(Value),
    Closed {
        code: u16,
        reason: String,
    },
    /// The connection ended without a close frame.
    Cut(String),
}

impl Socket {
    /// Does only the upgrade, with the given subprotocol.
    pub async fn upgrade(address: SocketAddr, protocol: &str) -> Result<Self, Error> {
        Self::upgrade_with(address, protocol, &[]).await
    }

    /// Does the same with more headers.
    pub async fn upgrade_with(
        address: SocketAddr,
        protocol: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.map_err(Error::Io)?;
        Self::upgrade_on(stream, address, protocol, headers).await
    }

    /// Does the same with a receive buffer of this size, so that the server soon notices a client that does not read.
    pub async fn upgrade_narrow(address: SocketAddr, receive_bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_recv_buffer_size(receive_bytes)
            .expect("a receive buffer");
        let stream = socket.connect(address).await.expect("a connection");
        Self::upgrade_on(stream, address, "graphql-transport-ws", &[])
            .await
            .expect("an upgrade")
    }

    async fn upgrade_on(
        stream: TcpStream,
        address: SocketAddr,
        protocol: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        stream.set_nodelay(true).map_err(Error::Io)?;
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        if !protocol.is_empty() {
            let protocol = HeaderValue::from_str(protocol).expect("a header value");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request.headers_mut().insert(*name, value);
        }
        let (stream, _) = client_async(request, stream).await?;
        Ok(Self {
            stream,
            acknowledged: false,
        })
    }

    /// Connects without a token, and waits for the acknowledgement; `Client::socket` signs in.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut socket = Self::upgrade(address, "graphql-transport-ws")
            .await
            .expect("an upgrade");
        socket.initialise().await.expect("an acknowledgement");
        socket
    }

    pub async fn initialise(&mut self) -> Result<(), String> {
        self.initialise_as(None).await
    }

    pub async fn initialise_as(&mut self, token: Option<&str>) -> Result<(), String> {
        let mut init = json!({ "type": "connection_init" });
        if let Some(token) = token {
            init["payload"] = authorization(token);
        }
        self.try_send(&init).await?;
        match self.receive_within(SOON).await {
            Some(Frame::Message(message)) if message["type"] == "connection_ack" => {
                self.acknowledged = true;
                Ok(())
            }
            other => Err(format!("no acknowledgement but {other:?}")),
        }
    }

    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    pub async fn send(&mut self, message: Value) {
        self.try_send(&message)
            .await
            .expect("the socket takes a message");
    }

    pub async fn try_send(&mut self, message: &Value) -> Result<(), String> {
        self.stream
            .send(Message::text(message.to_string()))
            .await
            .map_err(|error| error.to_string())
    }

    /// Sends any frame. The other side may have hung up already, which the next `receive` reports.
    pub async fn send_raw(&mut self, message: Message) {
        let _ = self.stream.send(message).await;
    }

    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) {
        self.send(subscribe_message(id, document, variables)).await;
    }

    /// Sends another token; the answer is a pong, or the end.
    pub async fn renew(&mut self, token: &str) {
        self.send_raw(Message::text(
            json!({ "type": "ping", "payload": authorization(token) }).to_string(),
        ))
        .await;
    }

    pub async fn complete(&mut self, id: &str) {
        self.send(json!({ "type": "complete", "id": id })).await;
    }

    /// Returns the next message or the end.
    pub async fn receive(&mut self) -> Frame {
        self.receive_within(SOON)
            .await
            .unwrap_or_else(|| panic!("no frame in {SOON:?}"))
    }

    /// Returns the next frame; `None` if nothing came in time.
    pub async fn receive_within(&mut self, within: Duration) -> Option<Frame> {
        tokio::time::timeout(within, self.next_frame()).await.ok()
    }

    async fn next_frame(&mut self) -> Frame {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message =
                        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
                    return Frame::Message(message);
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Frame::Closed {
                        code: close.code.into(),
                        reason: close.reason.to_string(),
                    };
                }
                Some(Ok(Message::Close(None))) => {
                    return Frame::Closed {
                        code: 1005,
                        reason: String::new(),
                    };
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("an unexpected frame: {other:?}"),
                Some(Err(error)) => return Frame::Cut(error.to_string()),
                None => return Frame::Cut("the end".into()),
            }
        }
    }

    /// Returns the next message that is neither ping nor pong.
    pub async fn message(&mut self) -> Value {
        tokio::time::timeout(SOON, self.next_message())
            .await
            .unwrap_or_else(|_| panic!("no message in {SOON:?}"))
    }

    async fn next_message(&mut self) -> Value {
        loop {
            match self.receive().await {
                Frame::Message(message) if message["type"] == "ping" => {
                    self.send(json!({ "type": "pong" })).await
                }
                Frame::Message(message) if message["type"] == "pong" => {}
                Frame::Message(message) => return message,
                end => panic!("the socket ended: {end:?}"),
            }
        }
    }

    /// Returns the next text as it came, for the benchmark; `None` at the end.
    pub async fn text(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => return Some(text),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Returns the payload of the next `next` message of an operation; no other may come before it.
    pub async fn payload(&mut self, id: &str) -> Value {
        let message = self.message().await;
        assert!(
            message["type"] == "next" && message["id"] == id,
            "not the next of {id}: {message}"
        );
        message["payload"].clone()
    }

    /// Returns the next change of a `customerChanged` subscription.
    pub async fn change(&mut self, id: &str) -> Value {
        let payload = self.payload(id).await;
        assert!(payload.get("errors").is_none(), "{payload}");
        payload["data"]["customerChanged"].clone()
    }

    /// Returns the code that the server closes with. Earlier messages are skipped.
    pub async fn closed(&mut self) -> u16 {
        // Pings would keep it waiting without end.
        tokio::time::timeout(SOON, self.next_close())
            .await
            .unwrap_or_else(|_| panic!("not closed in {SOON:?}"))
    }

    async fn next_close(&mut self) -> u16 {
        loop {
            match self.receive().await {
                Frame::Message(_) => {}
                Frame::Closed { code, .. } => return code,
                Frame::Cut(problem) => panic!("cut without a close frame: {problem}"),
            }
        }
    }

    /// Closes the socket in order.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
    }
}

/// Returns the payload that signs in on a socket.
pub fn authorization(token: &str) -> Value {
    json!({ "authorization": format!("Bearer {token}") })
}

pub fn subscribe_message(id: &str, document: &str, variables: Value) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": document, "variables": variables } })
}
