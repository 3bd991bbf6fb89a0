//! GraphQL over HTTP, as a careful client does it: with keep-alive connections, a limit for every answer, and a distinction
//! between an answer and none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::http::{self, Connection, Response};
use crate::ids;
use crate::socket::Socket;
use crate::waiting::{SOON, eventually};

/// A server, idle connections to it, and the caller. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    token: Option<Arc<str>>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A GraphQL answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub http: Response,
}

impl Answer {
    /// Reads the answer in a response.
    pub fn new(http: Response) -> Self {
        let body = serde_json::from_slice(&http.body).unwrap_or(Value::Null);
        Self {
            status: http.status,
            body,
            http,
        }
    }

    /// Returns the code of the first error.
    pub fn code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }

    /// Returns whether the first error asks the client to try again.
    pub fn is_passing(&self) -> bool {
        self.code().is_some_and(is_passing)
    }

    /// Returns the first error's extensions.
    pub fn extensions(&self) -> &Value {
        &self.body["errors"][0]["extensions"]
    }

    /// Returns the data; there must be no error.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(
            self.status == 200 && self.body.get("errors").is_none(),
            "an error: {} {}",
            self.status,
            self.http.text()
        );
        &self.body["data"]
    }

    /// Asserts that the answer is this error, and returns its extensions.
    #[track_caller]
    pub fn expect_code(&self, code: &str) -> &Value {
        assert_eq!(
            self.code(),
            Some(code),
            "{} {}",
            self.status,
            self.http.text()
        );
        self.extensions()
    }

    /// Returns the cursor that every answer carries.
    #[track_caller]
    pub fn cursor(&self) -> String {
        let cursor = self.body["extensions"]["cursor"].as_str();
        cursor
            .unwrap_or_else(|| panic!("no cursor: {} {}", self.status, self.http.text()))
            .to_owned()
    }
}

impl Client {
    /// Returns a client without a token.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            idle: Arc::default(),
        }
    }

    /// Returns a client of the same server without a token.
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Returns a client of the same server with this access token, valid or not.
    pub fn signed_in_as(&self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Opens a socket of the same caller, and waits for the acknowledgement.
    pub async fn socket(&self) -> Socket {
        self.try_socket()
            .await
            .unwrap_or_else(|problem| panic!("no connection: {problem}"))
    }

    pub async fn try_socket(&self) -> Result<Socket, String> {
        let mut socket = Socket::upgrade(self.address, "graphql-transport-ws")
            .await
            .map_err(|error| error.to_string())?;
        socket.initialise_as(self.token()).await?;
        Ok(socket)
    }

    /// Sends a document; any kind of answer is accepted.
    pub async fn run(&self, document: &str, variables: Value) -> Answer {
        self.run_with(document, variables, &[]).await
    }

    pub async fn run_with(
        &self,
        document: &str,
        variables: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = json!({ "query": document, "variables": variables });
        self.post(&body, headers).await.expect("an answer")
    }

    /// Sends a request body. An error means that there was no answer: the request may have been executed.
    pub async fn post(&self, body: &Value, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let request = http::post("/graphql", headers, body.to_string().as_bytes());
        self.send(&self.signed(&request)).await.map(Answer::new)
    }

    /// Returns a request's bytes with the token inserted after the request line.
    pub fn signed(&self, request: &[u8]) -> Vec<u8> {
        let line = request.windows(2).position(|pair| pair == b"\r\n");
        let (Some(token), Some(line)) = (&self.token, line) else {
            return request.to_vec();
        };
        let (before, after) = request.split_at(line);
        let header = format!("\r\nauthorization: Bearer {token}");
        [before, header.as_bytes(), after].concat()
    }

    /// Sends any bytes as they are, and reads one response.
    pub async fn send(&self, request: &[u8]) -> io::Result<Response> {
        let mut connection = self.connection().await?;
        let response = match tokio::time::timeout(SOON, connection.send(request)).await {
            Ok(response) => response?,
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")),
        };
        let closes = response
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !closes {
            self.idle.lock().push(connection);
        }
        Ok(response)
    }

    pub async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        self.send(&self.signed(&http::request("GET", target, headers)))
            .await
            .expect("an answer")
    }

    async fn connection(&self) -> io::Result<Connection> {
        loop {
            let idle = self.idle.lock().pop();
            match idle {
                Some(connection) if connection.is_stale() => continue,
                Some(connection) => return Ok(connection),
                None => return Connection::open(self.address).await,
            }
        }
    }

    /// Returns the head once the log has this many events after the cursor: an event gets its position a moment after its
    /// mutation is answered.
    pub async fn head_after(&self, start: &str, events: u64) -> String {
        eventually("the log has more events", SOON, async || {
            let head = self.head().await;
            (ids::position(&head) >= ids::position(start) + events).then_some(head)
        })
        .await
    }

    /// Returns the log's head from the API.
    pub async fn head(&self) -> String {
        self.run("{ __typename }", json!({})).await.cursor()
    }
}

/// Returns whether an error with this code asks the client to try again: as it is, or after its last cursor.
pub fn is_passing(code: &str) -> bool {
    matches!(code, "UNAVAILABLE" | "TIMEOUT")
}
