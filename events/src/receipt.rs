//! What a request has written: a token that names the last event of its last transaction. All events of a transaction become
//! visible at once and are numbered in the order in which they were appended, so the last one's position is past all of them.
//! Positions are not known at commit; stream and version are, so the token names these. `applied` waits for the event.

use std::{fmt, str::FromStr, sync::Arc};

use parking_lot::Mutex;
use uuid::Uuid;

/// No kind of ours has a longer name.
const MAX_KIND_BYTES: usize = 32;

/// An event that was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The kind of its stream.
    pub kind: String,
    /// The stream's id.
    pub stream_id: Uuid,
    /// The event's version in the stream.
    pub version: i64,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.stream_id.simple();
        write!(f, "{}-{id}-{}", self.kind, self.version)
    }
}

/// The text is not a token.
#[derive(Debug, thiserror::Error)]
#[error("this is not a token from a mutation's `extensions.readAfter`")]
pub struct NotWritten;

impl FromStr for Written {
    type Err = NotWritten;

    fn from_str(text: &str) -> Result<Self, NotWritten> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(NotWritten);
        let (kind, id, version) = (next()?, next()?, next()?);
        let is_kind = (1..=MAX_KIND_BYTES).contains(&kind.len())
            && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let stream_id = Uuid::try_parse(id).map_err(|_| NotWritten)?;
        let version: i64 = version.parse().map_err(|_| NotWritten)?;
        if !is_kind || version < 1 {
            return Err(NotWritten);
        }
        Ok(Self {
            kind: kind.to_owned(),
            stream_id,
            version,
        })
    }
}

/// Collects what a request writes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Receipt(Arc<Mutex<Option<Receipted>>>);

/// The events written, and who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipted {
    /// The last event written.
    pub written: Written,
    /// The actor as the event names them; for a request that signs somebody in, that is the user.
    pub actor: String,
}

impl Receipt {
    /// Returns the last event that was written, if any was.
    pub fn last(&self) -> Option<Receipted> {
        self.0.lock().clone()
    }

    /// Records an event that the answer shows and that was written earlier, by somebody else or by this request under its
    /// idempotency key. It is older than anything that the request writes, so it never replaces that: waiting for the later event
    /// waits for both.
    pub fn record_earlier(&self, written: Written, actor: String) {
        let mut last = self.0.lock();
        last.get_or_insert(Receipted { written, actor });
    }

    /// Records that a transaction has committed, with this as its last event.
    pub(crate) fn record(&self, written: Written, actor: String) {
        let mut last = self.0.lock();
        *last = Some(Receipted { written, actor });
    }
}

impl PartialEq for Receipt {
    /// Two requests never share a receipt; the comparison is of the rest of the metadata.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Receipt {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_waited_for_and_not_what_was() {
        let at = |version| Written {
            kind: "post".to_owned(),
            stream_id: Uuid::from_u128(7),
            version,
        };
        let receipt = Receipt::default();
        let last = || receipt.last().map(|last| last.written);
        let ada = || "ada".to_owned();
        receipt.record_earlier(at(1), ada());
        assert_eq!(last(), Some(at(1)));
        receipt.record(at(2), ada());
        receipt.record_earlier(at(1), ada());
        assert_eq!(last(), Some(at(2)));
        receipt.record(at(3), ada());
        assert_eq!(last(), Some(at(3)));
    }

    #[test]
    fn tokens_survive_the_trip_and_nothing_else_is_one() {
        let written = Written {
            kind: "student_cache".to_owned(),
            stream_id: Uuid::from_u128(7),
            version: 3,
        };
        let token = written.to_string();
        assert_eq!(token.parse::<Written>().ok(), Some(written));
        let id = "00000000000000000000000000000007";
        for refused in [
            String::new(),
            format!("post-{id}"),
            format!("post-{id}-0"),
            format!("post-{id}--1"),
            format!("-{id}-1"),
            format!("Post-{id}-1"),
            "post-7-1".to_owned(),
            format!("post-{id}-99999999999999999999"),
        ] {
            assert!(refused.parse::<Written>().is_err(), "{refused}");
        }
    }
}
