//! Documents and one-line calls for signals: tests say what they want, and an API change is followed here.

use serde_json::{Value, json};

use crate::eventually;
use crate::graphql::{Answer, Client};
use crate::socket::Socket;
use crate::waiting::SOON;

pub const FIELDS: &str = "id source number value status missing version submittedBy submittedAt deadlineAt completedAt \
    deliveredAt notification { text recordedAt } results { processor isLate recordedAt finding { __typename \
    ... on SignalStatistics { count mean deviation zScore isAnomaly } \
    ... on SignalTrend { trendCount: count slope fit direction } \
    ... on SignalLevel { level previousLevel isChange } } }";

/// Sends one, whatever comes of it.
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

/// The signal as it was submitted.
pub async fn submit(client: &Client, source: &str, value: f64) -> Value {
    let answer = send(client, source, value, None).await;
    answer.data()["submitSignal"]["signal"].clone()
}

/// Null when there is none.
pub async fn find(client: &Client, id: &Value) -> Value {
    let document = format!("query Find($id: ID!) {{ signal(id: $id) {{ {FIELDS} }} }}");
    client.run(&document, json!({ "id": id })).await.data()["signal"].clone()
}

/// The signal once `is_so`.
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

/// The signal once it has ended and was told of.
pub async fn await_end(client: &Client, id: &Value) -> Value {
    await_signal(client, id, "the signal ends", |signal| {
        signal["notification"].is_object()
    })
    .await
}

/// What a processor found; null if it has not answered.
pub fn finding<'a>(signal: &'a Value, processor: &str) -> &'a Value {
    let results = signal["results"].as_array().expect("results");
    let result = results.iter().find(|it| it["processor"] == processor);
    result.map_or(&Value::Null, |it| &it["finding"])
}

/// Subscribes to the steps of a signal.
pub async fn follow(socket: &mut Socket, operation: &str, id: &Value, after: Option<&str>) {
    let document = format!(
        "subscription Progress($id: ID!, $after: String) {{ signalProgress(id: $id, after: $after) {{ \
         cursor type actor occurredAt processors signal {{ {FIELDS} }} }} }}"
    );
    let variables = json!({ "id": id, "after": after });
    socket.subscribe(operation, &document, variables).await;
}

/// The next step of a signal.
pub async fn step(socket: &mut Socket, operation: &str) -> Value {
    let payload = socket.payload(operation).await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"]["signalProgress"].clone()
}

/// The steps up to one of this type, which is the last.
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
