//! Dead letters: events that a handler or a follower has given up on. They are in the database, so they outlive processes, and refer
//! to their events in the log. Operators list, replay and discard them. `replay.rs` argues why a replay in a follower is in order
//! and exactly once. A handler's letter and its delivery change in one transaction: the delivery is `dead` if and only if it has
//! a letter, and a replay makes it wait again with its attempts reset.

mod apply;
mod fingerprint;
mod pages;
mod replay;
mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) use apply::{Tried, apply_carefully, apply_or_park, panic_message, set_aside};
pub(crate) use store::{Kind, Letter, insert, is_held, replace_by_rebuilt, reset_rebuilt};

use crate::{Event, EventLog, Result, boxed, read};

/// A dead letter.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its id. Later letters have greater ids, as far as the clocks of processes agree.
    pub id: Uuid,
    /// The name of the handler or follower.
    pub consumer: String,
    /// Whether the consumer is a handler or a follower.
    pub kind: LetterKind,
    /// The event's position.
    pub position: u64,
    /// The kind of the event's stream.
    pub stream: String,
    /// The stream's id.
    pub stream_id: Uuid,
    /// The event's version in its stream.
    pub version: i64,
    /// The event's type.
    pub event_type: String,
    /// The event's id.
    pub event_id: Uuid,
    /// The last error, one cause per line; `None` for letters that only wait.
    pub error: Option<String>,
    /// Equal for failures of the same consumer on the same type of event with the same error, apart from its numbers.
    pub fingerprint: Option<String>,
    /// The number of attempts.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: DateTime<Utc>,
    /// When it was last tried.
    pub last_at: DateTime<Utc>,
    /// Whether the event did not fail itself, but waits behind an earlier event of its stream that did.
    pub is_parked: bool,
}

/// The kind of consumer that a letter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// A handler.
    Handler,
    /// A follower.
    Follower,
}

/// Selects letters. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Letters of this handler or follower.
    pub consumer: Option<String>,
    /// Letters with this fingerprint.
    pub fingerprint: Option<String>,
    /// Letters of the stream of this kind with this id.
    pub stream: Option<(String, Uuid)>,
}

/// Which of the letters that a filter selects to read.
#[derive(Debug, Clone, Default)]
pub struct LetterRange {
    /// Letters with greater ids than this.
    pub after: Option<Uuid>,
    /// Letters with smaller ids than this.
    pub before: Option<Uuid>,
    /// Whether to begin with the newest instead of the oldest.
    pub from_end: bool,
    /// The most letters to return.
    pub limit: u64,
}

/// Which letters to replay or to discard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The letter with this id.
    One(Uuid),
    /// The letters that the filter selects now.
    Matching {
        /// The filter.
        filter: LetterFilter,
        /// So many of them, the oldest.
        most: u64,
    },
}

impl Which {
    /// Selects all letters that match the filter now.
    pub fn matching(filter: LetterFilter) -> Self {
        let most = u64::MAX;
        Self::Matching { filter, most }
    }

    /// Selects all current letters.
    pub fn all() -> Self {
        Self::matching(LetterFilter::default())
    }
}

/// The outcome of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Letters that are gone: a follower has applied them, or a handler will handle them.
    pub replayed: u64,
    /// Letters that remain: a follower failed on them again, or they wait behind one that did.
    pub left: u64,
    /// Whether more letters match than were to be looked at.
    pub has_more: bool,
}

/// The outcome of a discard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Letters whose events are given up for good.
    pub discarded: u64,
    /// Letters that waited behind those and were applied.
    pub replayed: u64,
    /// Letters that waited behind those and remain, as one of them failed.
    pub left: u64,
    /// Whether more letters match than were to be looked at.
    pub has_more: bool,
}

impl EventLog {
    /// Returns letters that match the filter, in the order of the range.
    #[boxed]
    pub async fn dead_letters(
        &self,
        filter: &LetterFilter,
        range: &LetterRange,
    ) -> Result<Vec<DeadLetter>> {
        store::list(&self.database().reader, filter, range).await
    }

    /// Counts the letters that match the filter.
    #[boxed]
    pub async fn count_dead_letters(&self, filter: &LetterFilter) -> Result<u64> {
        store::count(&self.database().reader, filter).await
    }

    /// Returns one letter.
    #[boxed]
    pub async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>> {
        store::find(&self.database().reader, id).await
    }

    /// Returns the event of a letter, if the log still has it.
    #[boxed]
    pub async fn event_of(&self, letter: &DeadLetter) -> Result<Option<Event>> {
        let database = &self.database().reader;
        let events = read::read_positions(database, [letter.position].into_iter()).await?;
        Ok(events.into_iter().next())
    }
}
