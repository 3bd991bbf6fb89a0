//! The webhook that notifies an outside receiver when a signal has ended. This is the port; `workers` has the implementation
//! over HTTP. The message follows from the event alone, so every attempt sends the same body under the same id, by which a
//! receiver recognizes repeats.

use ::events::Event;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::{Signal, SignalEvent};

/// Something that can deliver to a configured receiver.
pub trait Webhook: Send + Sync + 'static {
    /// Delivers once; returns when the receiver has acknowledged the message.
    fn deliver<'a>(
        &'a self,
        delivery: &'a WebhookDelivery,
    ) -> BoxFuture<'a, Result<(), WebhookFailure>>;
}

/// A message to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The id of the message, which is the same for every attempt.
    pub id: String,
    /// The JSON body: type, time, and signal.
    pub body: String,
    /// When this attempt is made, by the database's clock: receivers refuse old and future timestamps.
    pub sent_at: DateTime<Utc>,
    /// The W3C trace context of the request that submitted the signal.
    pub traceparent: Option<String>,
}

/// Why the message was not acknowledged. The texts contain no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFailure {
    /// The receiver did not accept it now, and may the next time.
    #[error("{0}")]
    Refused(String),
    /// The receiver will never accept it.
    #[error("{0}")]
    Impossible(String),
    /// The receiver cannot be reached, does not answer, or takes nothing now.
    #[error("{0}")]
    Unavailable(String),
}

/// The body of a webhook about the end of a signal.
#[derive(Serialize, JsonSchema)]
struct Message<'a> {
    /// What the message is about: `signal.completed`.
    r#type: &'static str,
    /// When the signal ended.
    timestamp: DateTime<Utc>,
    /// The signal as it was then.
    data: &'a Signal,
}

/// Returns the contract of the webhook: the JSON Schema of its body.
pub fn webhook_schema() -> serde_json::Value {
    schema_for!(Message<'_>).to_value()
}

impl WebhookDelivery {
    /// Returns the message about a signal's end.
    pub(super) fn of(event: &Event, sent_at: DateTime<Utc>) -> ::events::Result<Self> {
        let signal = SignalEvent::decode(event)?.signal;
        let message = Message {
            r#type: "signal.completed",
            timestamp: event.occurred_at,
            data: &signal,
        };
        let body =
            serde_json::to_string(&message).map_err(|source| ::events::Error::Malformed {
                what: "webhook message",
                source,
            })?;
        Ok(Self {
            id: format!("msg_{}", event.event_id.simple()),
            body,
            sent_at,
            traceparent: ::events::trace::context_after(event),
        })
    }
}
