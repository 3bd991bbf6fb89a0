//! Dead letters: what a handler or a follower has given up. They are in the database, so they outlive processes, and refer
//! to their events in the log. Operators list, replay and discard them. The argument that a replay in a follower is in order
//! and exactly once is in `replay.rs`. A handler's letter and its delivery change in one transaction: `dead` is the state
//! of the delivery if and only if it has a letter, and a replay makes it wait again with its attempts forgotten.

mod apply;
mod fingerprint;
mod replay;
mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) use apply::{Tried, apply_carefully, apply_or_park, panic_message, set_aside};
pub(crate) use store::{Kind, Letter, insert, is_held, replace_by_rebuilt, reset_rebuilt};

use crate::{Event, EventLog, Result, boxed, read};

/// Something that was given up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its name for operators. Later letters have greater ids.
    pub id: Uuid,
    /// The handler or follower.
    pub consumer: String,
    /// Which of the two.
    pub kind: LetterKind,
    /// The event's position.
    pub position: u64,
    /// The kind of the event's stream.
    pub stream: String,
    /// The stream's id.
    pub stream_id: Uuid,
    /// The event's place in its stream.
    pub version: i64,
    /// What happened.
    pub event_type: String,
    /// The event's id.
    pub event_id: Uuid,
    /// Why it failed the last time, one cause a line; nothing for those that only wait.
    pub error: Option<String>,
    /// The same for failures of the same consumer on the same type of event with the same error, but for its numbers.
    pub fingerprint: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: DateTime<Utc>,
    /// When it was last tried.
    pub last_at: DateTime<Utc>,
    /// Whether it did not fail itself, but waits behind an earlier event of its stream that did.
    pub is_parked: bool,
}

/// Whose letter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// A handler's.
    Handler,
    /// A follower's.
    Follower,
}

/// Which letters to list.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// Of this handler or follower.
    pub consumer: Option<String>,
    /// With this fingerprint.
    pub fingerprint: Option<String>,
    /// Of this stream.
    pub stream_id: Option<Uuid>,
    /// Those whose ids are greater.
    pub after: Option<Uuid>,
    /// So many at most.
    pub limit: u64,
}

/// Which letters to replay or to discard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(Uuid),
    /// Those that failed in this way.
    Fingerprint(String),
    /// Those there are now.
    All,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Letters that are no more: a follower has applied them, or a handler is to handle them.
    pub replayed: u64,
    /// Letters that are still there: a follower failed on them again, or they wait behind one.
    pub left: u64,
}

/// What a discard did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Letters whose events are given up for good.
    pub discarded: u64,
    /// Letters that waited behind those and were applied.
    pub replayed: u64,
    /// Letters that waited behind those and are still there, as one of them failed.
    pub left: u64,
}

impl EventLog {
    /// The letters, oldest first.
    #[boxed]
    pub async fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetter>> {
        store::list(&self.database().reader, filter).await
    }

    /// How many letters the filter means, whatever its `after` and `limit`.
    #[boxed]
    pub async fn count_dead_letters(&self, filter: &LetterFilter) -> Result<u64> {
        store::count(&self.database().reader, filter).await
    }

    /// One letter.
    #[boxed]
    pub async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>> {
        store::find(&self.database().reader, id).await
    }

    /// The event of a letter, if the log still has it.
    #[boxed]
    pub async fn event_of(&self, letter: &DeadLetter) -> Result<Option<Event>> {
        let database = &self.database().reader;
        let events = read::read_positions(database, [letter.position].into_iter()).await?;
        Ok(events.into_iter().next())
    }
}
