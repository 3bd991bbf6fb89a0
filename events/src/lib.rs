//! The event log and everything that moves events: append, number, relay, tail, follow. This crate knows no domain and no GraphQL.
//! `EventLog` is its entry point, one for each process: `entities` appends to it and follows it, `schema` subscribes to it.

mod append;
mod applied;
mod backoff;
mod begin;
mod browse;
mod bus;
mod carrier;
mod clock;
mod connector;
mod control;
mod copies;
mod currency;
mod cursor;
mod database;
mod epoch;
mod error;
mod event;
mod examined;
mod feed;
mod follower;
mod fresh;
mod handler;
mod histories;
mod horizon;
mod kept;
#[cfg(test)]
mod kit;
mod letters;
mod log;
mod looks;
pub mod metrics;
mod pages;
mod proof;
mod pump;
mod read;
mod readiness;
mod rebuild;
mod receipt;
mod relay;
mod retention;
mod runner;
mod shared_store;
mod sole;
pub mod sql;
mod start;
mod status;
mod tail;
mod tidying;
mod together;
mod topic;
pub mod trace;
mod undying;
mod versions;
mod waiting;
mod whispers;

/// Boxes the future of an `async fn`, so that it is compiled once, in this crate, and not again in each crate that awaits it.
/// Every public function that is not generic has it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use append::{Appending, NewEvent, RowTable, Rows, Tx};
pub use backoff::Backoff;
pub use begin::Begin;
pub use browse::{LogFilter, LogPage, LogPlace};
pub use connector::redis_url_error;
pub use control::{
    BreakerState, BreakerStatus, Pause, first_needed_position, pause, read_breakers, read_pauses,
    resume,
};
pub use currency::{Behind, BehindBecause};
pub use cursor::{Cursor, CursorError};
pub use database::{
    AsRetryable, Claimant, Crowded, Database, DatabaseConfig, DatabaseConnection,
    DatabaseTransaction, HostFacts, PostgresHosts, Turn, Turns, now, replica_url_error,
    sqlite_file, warn_of_statements_over,
};
pub use epoch::continues;
pub use error::{Error, Result, error_chain};
pub use event::{ERASURE_STREAM, Event, Meta, PARTS, StreamKey, part_of};
pub use examined::{AheadFacts, DatabaseFacts, RedisFacts, ServerFacts, examine_redis};
pub use feed::{EventSource, FeedError, Range, Versioned};
pub use follower::{Applying, Checkpoint, Follower, read_checkpoint};
pub use handler::{
    Attempt, DELIVERIES_FOLLOWER, Effect, Handler, HandlerConfig, HandlerError, Handling,
    RetryPolicy, effect, no_effect, run_handlers,
};
pub use histories::{HistoryPage, Versions};
pub use horizon::{AsOf, Horizon, Model};
pub use letters::{DeadLetter, Discarded, LetterFilter, LetterKind, LetterRange, Replayed, Which};
pub use log::{EventLog, LogConfig};
pub use looks::Looks;
pub use proof::Proof;
pub use rebuild::{
    Differences, ModelTable, ReadModel, RebuildConfig, RebuildError, RebuildPhase, RebuildProgress,
    RebuildReport, RebuildStatus, read_rebuilds, rebuild, request_rebuild, requested_rebuilds,
};
pub use receipt::{NotWritten, Receipt, Receipted, Written};
pub use retention::{
    ArchiveConfig, ArchiveError, ArchiveProgress, ArchiveReport, ArchivedStretch, ERASED, Eraser,
    ErasureConfig, ErasurePhase, ErasureStatus, ErasureWaits, HeldBy, Keeps, PersonalData,
    PruneConfig, PruneProgress, PruneReport, REDACTED, Replacement, StreamEnd, Subject, Whose,
    archive, archived_stretch, bring_archive_up_to_date, lease_job, prune, read_erasures,
    request_erasure, work_on_erasure,
};
pub use runner::{FollowerConfig, run_follower};
pub use shared_store::SharedStore;
pub use sole::{NotSole, Sole};
pub use status::{
    Answered, Beginning, DeliveryCounts, FollowerStatus, Lag, LogHealth, MOST_COUNTED, Member,
    PartStatus, Sizes, TableSize, WorkersStatus,
};
pub use tail::{Gap, Tail};
pub use tidying::remove_ended_deliveries;
pub use together::{Bounds, Caller, Group, Members, Together};
pub use topic::{Interest, Topic};
pub use undying::undying;
