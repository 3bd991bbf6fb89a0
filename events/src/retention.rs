//! What the log need not keep for ever: archiving its events to files, pruning those that everybody has passed, and
//! redacting what is personal to somebody who is gone. Called by workers, and by the commands of operators.
//!
//! Pruning removes a dense prefix of the log, up to a position that `log_head.pruned` names. What keeps that from hurting
//! anybody:
//!
//! - **Followers, handlers, rebuilds** hold the prefix back (`bound`), so none of them ever misses an event.
//! - **Subscribers** are told. Removing events and saying so is one transaction, and whoever reads on behalf of a subscriber
//!   looks at what was pruned after reading (`EventLog::read_whole`): then nothing was missing, or the subscriber is told
//!   that its cursor has expired.
//! - **A process that was away** and has not handed on what was pruned skips it, ends its subscriptions, and lets its caches
//!   start over (`Tail::set_pruned`).
//! - **Chains** of `previous` go on: the first event that is left names one that is not, and that is what every checkpoint
//!   of its part says. On SQLite, where the chain is read from the events, `pruned_part` remembers where it ended.
//! - **Streams that are state** (`Keeps::whole`) stay, with their positions; readers by position do not notice, as nobody
//!   reads by position before what was pruned. Of streams whose versions are kept nowhere else (`Keeps::last`) the last
//!   event stays, so a version is never given twice.
//! - **Redis**: a stream that ends before what was pruned cannot be filled up; it begins anew (`relay`).

mod archive;
mod begin;
mod bound;
mod erase;
mod lease;
mod personal;
mod prune;

pub use archive::{
    ArchiveConfig, ArchiveError, ArchiveProgress, ArchiveReport, archive, archived_until,
};
pub(crate) use begin::{first_checkpoints, hold_pruning};
pub use bound::HeldBy;
pub use erase::{
    Eraser, ErasureConfig, ErasurePhase, ErasureStatus, REDACTED, bring_archive_up_to_date,
    read_erasures, request_erasure, work_on_erasure,
};
pub use lease::lease_job;
pub use personal::{PersonalData, Replacement, Subject, Whose};
pub use prune::{PruneConfig, PruneProgress, PruneReport, prune};

/// What takes the place of a text that was erased.
pub const ERASED: &str = "[erased]";

/// The kind of stream in which it is said that the log was redacted; its id is whose data it was.
pub const ERASURE_STREAM: &str = "erasure";

/// The advisory lock of pruning (exclusive) against whoever begins to need events (shared).
const EXCLUSION: i64 = 7_020_109_114_097_111;

/// What of the log is kept whatever its age.
#[derive(Debug, Clone, Copy)]
pub struct Keeps {
    /// Kinds of streams that are state: all of their events.
    pub whole: &'static [&'static str],
    /// Kinds of streams whose versions are nowhere else: the last event of each stream.
    pub last: &'static [&'static str],
}
