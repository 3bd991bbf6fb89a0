//! GraphQL over HTTP, as a careful client does it: keep-alive connections, a limit for every answer, and the difference
//! between an answer and no answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::http::{self, Connection, Response};
use crate::ids;
use crate::socket::Socket;
use crate::waiting::{SOON, eventually};

/// How long an answer may take.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// One server, idle connections to it, and who asks. Clones share the connections.
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
    fn new(http: Response) -> Self {
        let body = serde_json::from_slice(&http.body).unwrap_or(Value::Null);
        Self {
            status: http.status,
            body,
            http,
        }
    }

    /// The code of the first error.
    pub fn code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }

    /// The first error's extensions.
    pub fn extensions(&self) -> &Value {
        &self.body["errors"][0]["extensions"]
    }

    /// The data; there must be no error.
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

    /// Asserts that it is this error, and gives the error's extensions.
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

    /// The cursor that every answer carries.
    #[track_caller]
    pub fn cursor(&self) -> String {
        let cursor = self.body["extensions"]["cursor"].as_str();
        cursor
            .unwrap_or_else(|| panic!("no cursor: {} {}", self.status, self.http.text()))
            .to_owned()
    }
}

impl Client {
    /// Of nobody in particular.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            idle: Arc::default(),
        }
    }

    /// The same server, asked by nobody in particular.
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// The same server, asked with this access token, whatever it is worth.
    pub fn signed_in_as(&self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A socket of whom this client is, acknowledged.
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

    /// Sends a document, and expects an answer of any kind.
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

    /// Sends a request body. An error means that there was no answer: what was asked for may have been done.
    pub async fn post(&self, body: &Value, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let request = http::post("/graphql", headers, body.to_string().as_bytes());
        self.send(&self.signed(&request)).await.map(Answer::new)
    }

    /// A request's bytes with the token behind the request line.
    pub fn signed(&self, request: &[u8]) -> Vec<u8> {
        let line = request.windows(2).position(|pair| pair == b"\r\n");
        let (Some(token), Some(line)) = (&self.token, line) else {
            return request.to_vec();
        };
        let (before, after) = request.split_at(line);
        let header = format!("\r\nauthorization: Bearer {token}");
        [before, header.as_bytes(), after].concat()
    }

    /// Sends any bytes as they are and reads one response.
    pub async fn send(&self, request: &[u8]) -> io::Result<Response> {
        let mut connection = self.connection().await?;
        let response = match tokio::time::timeout(ANSWER_LIMIT, connection.send(request)).await {
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

    /// The head once the log is so many events after the cursor: an event gets its position a moment after its mutation
    /// is answered.
    pub async fn head_after(&self, start: &str, events: u64) -> String {
        eventually("the log has more events", SOON, async || {
            let head = self.head().await;
            (ids::position(&head) >= ids::position(start) + events).then_some(head)
        })
        .await
    }

    /// The log's head as the API tells it.
    pub async fn head(&self) -> String {
        self.run("{ __typename }", json!({})).await.cursor()
    }
}
