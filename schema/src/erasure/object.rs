//! An erasure and its steps.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use events::{ErasurePhase, ErasureStatus};

use entities::users::UserId;

use crate::list::List;
use crate::{actor::ActorRef, users::UserRef};

/// The erasure of the personal data of a user.
#[derive(SimpleObject)]
pub(crate) struct Erasure {
    /// The user, without a name.
    user: UserRef,
    /// When the erasure was requested.
    requested_at: DateTime<Utc>,
    /// Who requested the erasure.
    requested_by: ActorRef,
    /// When the erasure was completed. Null until then.
    finished_at: Option<DateTime<Utc>>,
    /// The steps, in their order.
    steps: List<ErasureStep>,
    /// The share of the log that was examined, from 0 to 1: in the first pass, and again in the second.
    log_progress: f64,
    /// The number of events that were redacted.
    events_redacted: u64,
    /// The number of rows that were changed, besides that of the user.
    rows_erased: u64,
    /// The number of archive files that were rewritten. Null when the workers have no archive.
    files_rewritten: Option<u64>,
}

/// A place where personal data is erased.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
pub(crate) enum ErasurePlace {
    /// The user's own row, password and sessions: erased when the erasure is requested.
    User,
    /// The events of the log, and the copies that processes hold in memory.
    Log,
    /// What the user wrote, in the tables, and responses that are stored for repeated requests.
    Tables,
    /// The copies of events in Redis or, with SQLite, the remains of overwritten data in the database file.
    Streams,
    /// The files of the archive.
    Archive,
    /// All places once more, as requests that the user had begun may have written after the first pass.
    LateWrites,
}

/// A step of an erasure.
#[derive(SimpleObject)]
pub(crate) struct ErasureStep {
    /// The place.
    place: ErasurePlace,
    /// When the step was completed. Null until then.
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
            user: UserId::from_uuid(status.subject).into(),
            requested_at: status.requested_at,
            requested_by: status.requested_by.into(),
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
