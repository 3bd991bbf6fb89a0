//! Documents and one-line calls for signals. Tests say only what they need, and a change of the API is made here.

use serde_json::{Value, json};

use crate::eventually;
use crate::graphql::{Answer, Client};
use crate::socket::Socket;
use crate::waiting::SOON;

pub const FIELDS: &str = "id source number value status missing version submittedBy { ... on User { id } } submittedAt deadlineAt completedAt \
    deliveredAt notification { text recordedAt } results { processor isLate recordedAt finding { __typename \
    ... on StatisticsFinding { count mean deviation zScore isAnomaly } \
    ... on TrendFinding { trendCount: count slope fit direction } \
    ... on LevelFinding { level previousLevel isChange } } }";

/// Submits a signal; returns any answer.
pub async fn send(client: &Client, source: &str, value: f64, key: Option<&str>) -> Answer {
    let document = format!(
        "mutation Submit($input: SubmitSignalInput!) {{ submitSignal(input: $input) {{ signal {{ {FIELDS} }} }} }}"
    );
    let headers: Vec<(&str, &str)> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    let input = json!({ "source": source, "value": value });
    client
        .run_with(&document, json!({ "input": input }), &headers)
        .await
}

/// Returns the signal as it was submitted.
pub async fn submit(client: &Client, source: &str, value: f64) -> Value {
    let answer = send(client, source, value, None).await;
    answer.data()["submitSignal"]["signal"].clone()
}

/// Returns the signal, or null if it does not exist.
pub async fn find(client: &Client, id: &Value) -> Value {
    let document = format!("query Find($id: ID!) {{ signal(id: $id) {{ {FIELDS} }} }}");
    client.run(&document, json!({ "id": id })).await.data()["signal"].clone()
}

/// Waits until the signal satisfies `is_so`, and returns it.
pub async fn await_signal(
    client: &Client,
    id: &Value,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    eventually(what, SOON, async || {
        let signal = find(client, id).await;
        is_so(&signal).then_some(signal)
    })
    .await
}

/// Waits until the signal has ended and its notification is recorded, and returns it.
pub async fn await_end(client: &Client, id: &Value) -> Value {
    await_signal(client, id, "the signal ends", |signal| {
        signal["notification"].is_object()
    })
    .await
}

/// Returns a processor's finding; null if it has not answered.
pub fn finding<'a>(signal: &'a Value, processor: &str) -> &'a Value {
    let results = signal["results"].as_array().expect("results");
    let result = results.iter().find(|it| it["processor"] == processor);
    result.map_or(&Value::Null, |it| &it["finding"])
}

/// Subscribes to the steps of a signal.
pub async fn follow(socket: &mut Socket, operation: &str, id: &Value, after: Option<&str>) {
    let document = format!(
        "subscription Progress($id: ID!, $after: String) {{ signalProgress(id: $id, after: $after) {{ \
         cursor type actor {{ name ... on User {{ id }} }} occurredAt processors signal {{ {FIELDS} }} }} }}"
    );
    let variables = json!({ "id": id, "after": after });
    socket.subscribe(operation, &document, variables).await;
}

/// Returns the next step of a signal.
pub async fn step(socket: &mut Socket, operation: &str) -> Value {
    let payload = socket.payload(operation).await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"]["signalProgress"].clone()
}

/// Returns the steps up to the first one of this type.
pub async fn steps_until(socket: &mut Socket, operation: &str, last: &str) -> Vec<Value> {
    let mut steps = Vec::new();
    loop {
        let step = step(socket, operation).await;
        steps.push(step.clone());
        if step["type"] == last {
            return steps;
        }
        assert!(steps.len() < 20, "no {last}: {steps:?}");
    }
}
