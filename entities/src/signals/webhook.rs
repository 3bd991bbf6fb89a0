//! Telling somebody outside that a signal has ended. This is the port; `workers` has what sends over HTTP. What is sent follows
//! from the event alone, so every attempt sends the same body under the same id, by which a receiver knows repeats.

use ::events::Event;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde::Serialize;

use super::{Signal, SignalEvent};

/// Something that can deliver to a configured receiver.
pub trait Webhook: Send + Sync + 'static {
    /// Delivers once; ends when the receiver has acknowledged it.
    fn deliver<'a>(
        &'a self,
        delivery: &'a WebhookDelivery,
    ) -> BoxFuture<'a, Result<(), WebhookFailure>>;
}

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Names the message: the same for every attempt.
    pub id: String,
    /// JSON: the type, the time, and the signal.
    pub body: String,
    /// When this attempt is made, by the database's clock: receivers refuse what looks old, or ahead of time.
    pub sent_at: DateTime<Utc>,
}

/// Why it was not acknowledged. The texts name no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFailure {
    /// The receiver did not take it; it may the next time.
    #[error("{0}")]
    Refused(String),
    /// It will never be taken.
    #[error("{0}")]
    Impossible(String),
    /// The receiver is not there.
    #[error("{0}")]
    Unavailable(String),
}

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: DateTime<Utc>,
    data: &'a Signal,
}

impl WebhookDelivery {
    /// What is delivered of a signal's end.
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
        })
    }
}
