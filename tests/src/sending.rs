//! A persistent client: it sends a mutation under an idempotency key to any of the gateways, and repeats it under the same key
//! until there is an answer. Used by all writers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::graphql::Client;
use crate::waiting::SOON;

const RETRY_DELAY: Duration = Duration::from_millis(50);

pub struct Sender {
    clients: Vec<Client>,
    repeated: AtomicUsize,
}

impl Sender {
    /// Returns a sender for one person, with their client of each gateway.
    pub fn new(clients: Vec<Client>) -> Self {
        Self {
            clients,
            repeated: AtomicUsize::new(0),
        }
    }

    /// Returns how often a mutation was repeated.
    pub fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Returns the mutation's payload.
    ///
    /// # Errors
    /// Returns the answer if it is a final failure, or the last problem when no answer came for several minutes.
    pub async fn send(
        &self,
        document: &str,
        field: &str,
        input: &Value,
        key: &str,
    ) -> Result<Value, String> {
        let body = json!({ "query": document, "variables": { "input": input } });
        let started = Instant::now();
        loop {
            let client = &self.clients[fastrand::usize(..self.clients.len())];
            let problem = match client.post(&body, &[("idempotency-key", key)]).await {
                Ok(mut answer) if answer.body["data"][field].is_object() => {
                    return Ok(answer.body["data"][field].take());
                }
                Ok(answer) if answer.is_passing() => answer.http.text(),
                Ok(answer) => {
                    let (status, text) = (answer.status, answer.http.text());
                    return Err(format!("{field} {input} under {key}: {status} {text}"));
                }
                Err(error) => error.to_string(),
            };
            // Longer than one try may take.
            if started.elapsed() > SOON * 2 {
                return Err(format!(
                    "{field} {input} under {key} got no answer: {problem}"
                ));
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }
}

/// Returns the document of a mutation whose input type is named after it, as all are.
pub fn document(field: &str, selection: &str) -> String {
    let (first, rest) = field.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    format!("mutation($input: {input}!) {{ {field}(input: $input) {{ {selection} }} }}")
}
