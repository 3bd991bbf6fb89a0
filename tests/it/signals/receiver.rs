//! A receiver of webhooks: a real HTTP server of the test's own that keeps what it gets, checks signatures, and answers as it is
//! told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What to answer; after the last, everything is taken.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// Elsewhere.
    Redirect(String),
    /// Nothing, for so long.
    Silence(Duration),
}

/// What was sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map_or("", |(_, value)| value)
    }

    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// As a receiver does it that has only the specification.
    pub fn is_signed(&self) -> bool {
        let key = SECRET.strip_prefix("whsec_").expect("the prefix");
        let key = BASE64_STANDARD.decode(key).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{timestamp}.{}", self.text).as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        let mut signatures = self.header("webhook-signature").split(' ');
        signatures.any(|signature| signature == expected)
    }
}

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    messages: Vec<Message>,
}

pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(replies, None).await
    }

    /// Starts one that speaks TLS.
    pub async fn start_secure(acceptor: TlsAcceptor) -> Self {
        Self::start_with([], Some(acceptor)).await
    }

    async fn start_with(
        replies: impl IntoIterator<Item = Reply>,
        acceptor: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            replies: replies.into_iter().collect(),
            messages: Vec::new(),
        }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    let Some(acceptor) = acceptor else {
                        return serve(stream, shared).await;
                    };
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, shared).await;
                    }
                });
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub fn messages(&self) -> Vec<Message> {
        self.state.lock().messages.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<Mutex<State>>) {
    let Some(message) = read(&mut stream).await else {
        return;
    };
    let reply = {
        let mut state = state.lock();
        state.messages.push(message);
        state.replies.pop_front().unwrap_or(Reply::Status(204))
    };
    let answer = match reply {
        Reply::Status(status) => format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n"),
        Reply::Redirect(to) => {
            format!("HTTP/1.1 307 Elsewhere\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        }
        Reply::Silence(time) => {
            tokio::time::sleep(time).await;
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Message> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(start)) = request.parse(&bytes) else {
            continue;
        };
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|it| {
                (
                    it.name.to_lowercase(),
                    String::from_utf8_lossy(it.value).into_owned(),
                )
            })
            .collect();
        let path = request.path.unwrap_or_default().to_owned();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        if bytes.len() < start + length {
            continue;
        }
        return Some(Message {
            path,
            headers,
            text: String::from_utf8_lossy(&bytes[start..start + length]).into_owned(),
        });
    }
}
