//! What the log need not keep forever: archives its events to files, prunes events that every consumer has passed, and redacts
//! the personal data of users who are gone. Called by workers, and by the commands of operators.
//!
//! Pruning removes a dense prefix of the log, up to a position that `log_head.pruned` names. Why that hurts nobody:
//!
//! - **Followers, handlers, rebuilds** hold the prefix back (`bound`), so none of them ever misses an event.
//! - **Subscribers** are told. Events are removed and recorded as pruned in one transaction, and a read on behalf of a
//!   subscriber checks the pruned position after reading (`EventLog::read_whole`): either nothing was missing, or the
//!   subscriber is told that its cursor has expired.
//! - **A process that was away** and has not handed on the pruned events skips them, ends its subscriptions, and lets its
//!   caches start over (`Tail::set_pruned`).
//! - **Chains** of `previous` continue: the first remaining event names a pruned one, which is where every checkpoint of its
//!   part stands. On SQLite, where the chain is read from the events, `pruned_part` remembers where it ended.
//! - **Streams that are state** (`Keeps::whole`) stay until they have ended (`compact`), with their positions; readers by position do
//!   not notice, as nobody reads by position before the pruned one. Streams whose versions are kept nowhere else (`Keeps::last`) keep their last
//!   event, so a version is never given out twice.
//! - **Redis**: a stream that ends before the pruned position cannot be refilled; it begins anew (`relay`).

mod age;
mod archive;
mod bound;
mod compact;
mod erase;
mod lease;
mod personal;
mod prune;

pub use archive::{
    ArchiveConfig, ArchiveError, ArchiveProgress, ArchiveReport, ArchivedStretch, archive,
    archived_stretch,
};
pub use bound::HeldBy;
pub use erase::{
    Eraser, ErasureConfig, ErasurePhase, ErasureStatus, ErasureWaits, REDACTED,
    bring_archive_up_to_date, read_erasures, request_erasure, work_on_erasure,
};
pub use lease::lease_job;
pub use personal::{PersonalData, Replacement, Subject, Whose};
pub use prune::{PruneConfig, PruneProgress, PruneReport, prune};

/// The replacement for an erased text.
pub const ERASED: &str = "[erased]";

/// What the log keeps regardless of age.
#[derive(Debug, Clone, Copy)]
pub struct Keeps {
    /// Kinds of streams that are state: all of their events are kept, unless the stream has ended.
    pub whole: &'static [&'static str],
    /// Kinds of streams among these whose state, once they have ended, is that of their last event.
    pub ends: &'static [StreamEnd],
    /// Kinds of streams whose versions are stored nowhere else: the last event of each stream is kept.
    pub last: &'static [&'static str],
}

/// How streams of a kind end: no event follows one of this type, and it alone says what became of the stream.
#[derive(Debug, Clone, Copy)]
pub struct StreamEnd {
    /// The kind of stream.
    pub stream: &'static str,
    /// The type of the last event.
    pub event_type: &'static str,
}
