//! An erasure and its steps.

use async_graphql::{Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use events::{ErasurePhase, ErasureStatus};

use crate::{id, users};

/// Erasing what is personal to a user.
pub(crate) struct Erasure(pub(crate) ErasureStatus);

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

#[Object]
impl Erasure {
    /// The global id of the user.
    async fn user_id(&self) -> ID {
        id::encode(users::KIND, self.0.subject)
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime<Utc> {
        self.0.requested_at
    }

    /// Who asked for it.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// When everything was done; null while it is not.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// The steps, in their order.
    async fn steps(&self) -> Vec<ErasureStep> {
        let status = &self.0;
        [
            (ErasurePlace::User, Some(status.requested_at)),
            (ErasurePlace::Log, status.log_at),
            (ErasurePlace::Tables, status.tables_at),
            (ErasurePlace::Streams, status.streams_at),
            (ErasurePlace::Archive, status.archive_at),
            (ErasurePlace::LateWrites, status.finished_at),
        ]
        .into_iter()
        .map(|(place, done_at)| ErasureStep { place, done_at })
        .collect()
    }

    /// How much of the log was looked through, from 0 to 1: in the first pass, and again in the second.
    async fn log_progress(&self) -> f64 {
        match (self.0.phase, self.0.to_look_at) {
            (ErasurePhase::Log, 0) => 0.0,
            (ErasurePhase::Log, total) => self.0.looked_at as f64 / total as f64,
            _ => 1.0,
        }
    }

    /// Events that were redacted.
    async fn events_redacted(&self) -> u64 {
        self.0.events
    }

    /// Rows of tables that were changed, besides the user's.
    async fn rows_erased(&self) -> u64 {
        self.0.rows
    }

    /// Files of the archive that were written anew; null when the workers have no archive.
    async fn files_rewritten(&self) -> Option<u64> {
        self.0.files
    }
}
