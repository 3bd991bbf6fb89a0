//! An erasure and its steps.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use events::{ErasurePhase, ErasureStatus};

use crate::{id, users};

/// Erasing what is personal to a user.
#[derive(SimpleObject)]
pub(crate) struct Erasure {
    /// The global id of the user.
    user_id: ID,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// Who asked for it.
    requested_by: String,
    /// When everything was done; null while it is not.
    finished_at: Option<DateTime<Utc>>,
    /// The steps, in their order.
    steps: Vec<ErasureStep>,
    /// How much of the log was looked through, from 0 to 1: in the first pass, and again in the second.
    log_progress: f64,
    /// Events that were redacted.
    events_redacted: u64,
    /// Rows of tables that were changed, besides the user's.
    rows_erased: u64,
    /// Files of the archive that were written anew; null when the workers have no archive.
    files_rewritten: Option<u64>,
}

/// Where something personal is looked for.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
pub(crate) enum ErasurePlace {
    /// The user's own row, password and sessions: done when it is asked for.
    User,
    /// The events of the log, and what the processes remember of them.
    Log,
    /// What the user wrote, in the tables, and answers that are kept for repeats.
    Tables,
    /// The copies of events in Redis; embedded, what the file of the database has left of what was overwritten.
    Streams,
    /// The files of the archive.
    Archive,
    /// All of it once more: what the user had begun may have ended after it was looked for.
    LateWrites,
}

/// A step of an erasure.
#[derive(SimpleObject)]
pub(crate) struct ErasureStep {
    /// What is looked through.
    place: ErasurePlace,
    /// When it was done; null while it is not.
    done_at: Option<DateTime<Utc>>,
}

impl From<ErasureStatus> for Erasure {
    fn from(status: ErasureStatus) -> Self {
        let steps = [
            (ErasurePlace::User, Some(status.requested_at)),
            (ErasurePlace::Log, status.log_at),
            (ErasurePlace::Tables, status.tables_at),
            (ErasurePlace::Streams, status.streams_at),
            (ErasurePlace::Archive, status.archive_at),
            (ErasurePlace::LateWrites, status.finished_at),
        ];
        let steps = steps.into_iter();
        Self {
            user_id: id::encode(users::KIND, status.subject),
            requested_at: status.requested_at,
            requested_by: status.requested_by,
            finished_at: status.finished_at,
            steps: steps
                .map(|(place, done_at)| ErasureStep { place, done_at })
                .collect(),
            log_progress: match (status.phase, status.to_look_at) {
                (ErasurePhase::Log, 0) => 0.0,
                (ErasurePhase::Log, total) => status.looked_at as f64 / total as f64,
                _ => 1.0,
            },
            events_redacted: status.events,
            rows_erased: status.rows,
            files_rewritten: status.files,
        }
    }
}
