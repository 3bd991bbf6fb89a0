//! A watcher of a live query, as a client would write it: it keeps the data, applies patches to it, and holds the gateway to what it promises
//! of every answer. No answer is older than the one before, and none says what the client already has.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use crate::graphql::Client;
use crate::http;
use crate::ids;
use crate::socket::{Frame, Socket};
use crate::waiting::SOON;

const ID: &str = "live";

/// A live query on a socket of its own.
pub struct Watch {
    socket: Socket,
    state: Watched,
}

/// What a watcher has been told.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    pub data: Value,
    /// The errors of the last answer; null if there were none.
    pub errors: Value,
    pub cursor: String,
    pub digest: String,
    pub revision: u64,
    /// Whether the last answer says that its parts may be of two moments.
    pub is_mixed: bool,
    /// How many answers came, and how many of them were patches.
    pub answers: usize,
    pub patches: usize,
}

impl Watch {
    /// Watches a query, and waits for the first answer.
    pub async fn open(client: &Client, document: &str, variables: Value) -> Self {
        Self::open_with(client, document, variables, Watched::default(), json!({})).await
    }

    /// Watches a query again, with what the client still has of it.
    pub async fn resume(client: &Client, document: &str, variables: Value, had: Watched) -> Self {
        let known = json!({ "live": { "digest": had.digest, "cursor": had.cursor } });
        Self::open_with(client, document, variables, had, known).await
    }

    async fn open_with(
        client: &Client,
        document: &str,
        variables: Value,
        state: Watched,
        extensions: Value,
    ) -> Self {
        let mut socket = client.socket().await;
        let payload =
            json!({ "query": document, "variables": variables, "extensions": extensions });
        socket
            .send(json!({ "type": "subscribe", "id": ID, "payload": payload }))
            .await;
        let mut watch = Self { socket, state };
        watch.next().await;
        watch
    }

    pub fn state(&self) -> &Watched {
        &self.state
    }

    pub fn data(&self) -> &Value {
        &self.state.data
    }

    /// Takes the next answer, and returns the data after it.
    pub async fn next(&mut self) -> &Value {
        let payload = self.socket.payload(ID).await;
        self.state.take(&payload);
        &self.state.data
    }

    /// Takes answers until the data is as wanted.
    pub async fn until(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> &Value {
        let waiting = async {
            while !is_wanted(&self.state.data) {
                self.next().await;
            }
        };
        let is_in_time = tokio::time::timeout(SOON, waiting).await.is_ok();
        assert!(is_in_time, "not in time: {what}; {:?}", self.state);
        &self.state.data
    }

    /// Takes the next answer, however long that takes.
    pub async fn next_ever(&mut self) -> &Value {
        loop {
            match self.socket.receive_within(Duration::MAX).await {
                Some(Frame::Message(message)) if message["type"] == "next" => {
                    self.state.take(&message["payload"]);
                    return &self.state.data;
                }
                Some(Frame::Message(message)) if message["type"] == "ping" => {
                    self.socket.send(json!({ "type": "pong" })).await;
                }
                other => panic!("not an answer: {other:?}"),
            }
        }
    }

    /// Returns the code of the error with which it ends; answers before it are taken.
    pub async fn end(&mut self) -> String {
        loop {
            let message = self.socket.message().await;
            match message["type"].as_str() {
                Some("next") => self.state.take(&message["payload"]),
                Some("error") => {
                    let code = &message["payload"][0]["extensions"]["code"];
                    return code.as_str().expect("a code").to_owned();
                }
                _ => panic!("neither an answer nor the end: {message}"),
            }
        }
    }

    pub async fn close(self) -> Watched {
        self.socket.close().await;
        self.state
    }
}

impl Watched {
    /// Takes a payload: an answer, or a patch of the one before, or the news that it is still right.
    pub fn take(&mut self, payload: &Value) {
        let text = |name: &str| {
            let text = payload["extensions"][name].as_str();
            text.unwrap_or_else(|| panic!("no {name}: {payload}"))
                .to_owned()
        };
        let (cursor, digest) = (text("cursor"), text("digest"));
        let is_unchanged = payload["extensions"]["unchanged"] == true;
        if !self.cursor.is_empty() {
            let (before, now) = (ids::position(&self.cursor), ids::position(&cursor));
            assert!(now >= before, "older than {before}: {payload}");
            assert_eq!(digest == self.digest, is_unchanged, "{payload}");
        }
        match payload["revision"].as_u64() {
            None | Some(1) => {}
            Some(revision) => assert_eq!(revision, self.revision + 1, "{payload}"),
        }
        self.revision = payload["revision"].as_u64().unwrap_or_default();
        match payload.get("patch") {
            Some(patch) => {
                let patch = serde_json::from_value::<json_patch::Patch>(patch.clone());
                let patch = patch.unwrap_or_else(|_| panic!("not a patch: {payload}"));
                json_patch::patch(&mut self.data, &patch)
                    .unwrap_or_else(|error| panic!("{error}: {payload} on {}", self.data));
                self.patches += 1;
            }
            None if is_unchanged => {}
            None => self.data = payload["data"].clone(),
        }
        self.errors = payload["errors"].clone();
        self.is_mixed = payload["extensions"]["mixed"] == true;
        (self.cursor, self.digest) = (cursor, digest);
        self.answers += 1;
    }
}

/// A live query as an event stream.
pub struct EventStream(Lines<BufReader<TcpStream>>);

impl EventStream {
    pub async fn open(client: &Client, document: &str) -> Self {
        let mut stream = TcpStream::connect(client.address)
            .await
            .expect("a connection");
        let body = json!({ "query": document }).to_string();
        let accept = [("accept", "text/event-stream")];
        let request = http::post("/graphql", &accept, body.as_bytes());
        let request = client.signed(&request);
        stream
            .write_all(&request)
            .await
            .expect("a request is taken");
        Self(BufReader::new(stream).lines())
    }

    /// Returns the next result.
    pub async fn next(&mut self) -> Value {
        let reading = async {
            loop {
                let line = self.0.next_line().await.expect("a line").expect("no end");
                if let Some(data) = line.strip_prefix("data: ") {
                    return serde_json::from_str(data).expect("JSON");
                }
            }
        };
        tokio::time::timeout(SOON, reading).await.expect("in time")
    }
}
