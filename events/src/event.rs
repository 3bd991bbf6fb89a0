//! Events are facts: written once, self-contained, in the past tense. The version gives the order within a stream, the position
//! the order of everything. Shared by the writers and all readers of the log.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Proof, Receipt};

/// The number of parts that the streams are spread over. It is fixed: checkpoints and Redis streams are kept by part.
pub const PARTS: i16 = 16;

/// The kind of stream whose events record a redaction of the log; the stream's id is that of the data's subject. Whoever remembers
/// events forgets them when it sees one.
pub const ERASURE_STREAM: &str = "erasure";

/// The key of an aggregate's stream: its kind and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// The kind of aggregate, such as `customer`.
    pub kind: &'static str,
    /// The aggregate's id.
    pub id: Uuid,
}

/// Returns the part that a stream belongs to: FNV-1a of its id, modulo the number of parts.
pub fn part_of(stream_id: Uuid) -> i16 {
    let hash = stream_id
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash % PARTS as u64) as i16
}

/// Who and what caused an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The actor: a user's id, `anonymous`, or a process such as `seed`.
    pub actor: String,
    /// Identifies everything that one request led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The idempotency key that the client gave the request, so that it may repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The receipt in which the request collects what it writes; not part of the event.
    #[serde(skip)]
    pub receipt: Receipt,
}

/// An event with its position.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Its place among all events: 1, 2, 3, … without gaps.
    pub position: u64,
    /// The position of the event before it in its part, 0 for the part's first. It shows readers that they missed nothing.
    pub previous: u64,
    /// Its id, for inboxes and causation.
    pub event_id: Uuid,
    /// The hash bucket of its stream.
    pub part: i16,
    /// The kind of aggregate.
    pub stream: String,
    /// The aggregate's id.
    pub stream_id: Uuid,
    /// Its place within its stream: 1, 2, 3, … without gaps.
    pub version: i64,
    /// What happened, such as `CustomerCreated`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of the schema of `data`.
    pub schema_version: i16,
    /// The facts, as JSON.
    pub data: Box<RawValue>,
    /// Who and what caused it.
    pub meta: Meta,
    /// When it happened, by the writer's clock.
    pub occurred_at: DateTime<Utc>,
    /// The proof of the event at the position before it, if that was read too. It shows a tail that it continues in the same log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Proof>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_stable_and_even() {
        // Stored data depends on this value: it must never change.
        assert_eq!(
            part_of(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001)),
            13
        );
        let mut counts = [0_u32; PARTS as usize];
        for _ in 0..16_000 {
            counts[part_of(Uuid::now_v7()) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (700..1300).contains(count)),
            "{counts:?}"
        );
    }
}
