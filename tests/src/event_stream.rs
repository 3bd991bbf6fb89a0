//! A response that streams, read as it comes: an event stream or a multipart one. Used by tests of transports and of their ends.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::graphql::Client;
use crate::waiting::SOON;

/// A stream, and what came of it so far.
pub struct EventStream {
    connection: TcpStream,
    pub text: String,
}

impl EventStream {
    /// Sends a request on a connection of its own, as the client's user.
    pub async fn open(client: &Client, request: &[u8]) -> Self {
        let connection = TcpStream::connect(client.address).await;
        let mut connection = connection.expect("a connection");
        let request = client.signed(request);
        let written = connection.write_all(&request).await;
        written.expect("it takes the request");
        Self {
            connection,
            text: String::new(),
        }
    }

    /// Reads until this has come so many times; fails when the stream ends before.
    pub async fn until(&mut self, what: &str, times: usize) {
        while self.text.matches(what).count() < times {
            assert!(self.read().await > 0, "it ended: {}", self.text);
        }
    }

    /// Reads all that comes until the end of the body, or of the connection.
    pub async fn rest(mut self) -> String {
        while !self.text.ends_with("0\r\n\r\n") && self.read().await > 0 {}
        self.text
    }

    /// Returns what came as the fields of this name, such as `data`.
    pub fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.text.lines();
        let fields = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        fields.collect()
    }

    /// Returns what came as JSON.
    pub fn results(&self) -> Vec<Value> {
        let data = self.fields("data").into_iter();
        data.map(|data| serde_json::from_str(data).expect("JSON"))
            .collect()
    }

    async fn read(&mut self) -> usize {
        let mut buffer = [0; 4096];
        let reading = tokio::time::timeout(SOON, self.connection.read(&mut buffer)).await;
        let read = reading.expect("something or the end").unwrap_or(0);
        let text = String::from_utf8_lossy(&buffer[..read]);
        self.text.push_str(&text);
        read
    }
}
