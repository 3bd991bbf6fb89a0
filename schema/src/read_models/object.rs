//! A read model, its rebuild, and what that found.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use entities::read_models::ReadModelStatus;
use events::RebuildStatus;

/// Tables that are kept from the events of the log, and can be built anew from them while they are read.
#[derive(SimpleObject)]
pub(crate) struct ReadModel {
    /// Its name, such as `posts`.
    name: &'static str,
    /// The rebuild that is at work, or else the last one; null when there was none.
    rebuild: Option<Rebuild>,
}

impl From<ReadModelStatus> for ReadModel {
    fn from(status: ReadModelStatus) -> Self {
        Self {
            name: status.name,
            rebuild: status.rebuild.map(Rebuild::from),
        }
    }
}

/// What a rebuild is at.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "events::RebuildPhase")]
pub(crate) enum RebuildPhase {
    /// It was asked for; no worker has begun.
    Requested,
    /// The events there were at its beginning are applied.
    Building,
    /// The indexes of the new tables are made.
    Indexing,
    /// What came since is applied.
    Following,
    /// The old model is compared with the new one.
    Comparing,
    /// The new model takes the old one's place.
    Swapping,
    /// It has ended; the new model is what is read.
    Done,
}

/// A rebuild of a read model.
#[derive(SimpleObject)]
#[graphql(name = "ReadModelRebuild")]
pub(crate) struct Rebuild {
    /// What it is at.
    phase: RebuildPhase,
    /// Whether a process is at it now. One that was killed is missed after some seconds.
    is_running: bool,
    /// Events applied.
    events_applied: u64,
    /// Events to apply, as far as that is known.
    events_total: u64,
    /// When it was begun.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
    /// What differed between the old model and the new one, by table; null until it has ended.
    differences: Option<Vec<Differences>>,
}

impl From<RebuildStatus> for Rebuild {
    fn from(status: RebuildStatus) -> Self {
        let tables = status.report.map(|report| report.differences.into_iter());
        Self {
            phase: status.phase.into(),
            is_running: status.is_running,
            events_applied: status.done,
            events_total: status.total,
            started_at: status.started_at,
            finished_at: status.finished_at,
            differences: tables.map(|tables| tables.map(Differences::from).collect()),
        }
    }
}

/// What differed in one table.
#[derive(SimpleObject)]
#[graphql(name = "ReadModelDifferences")]
pub(crate) struct Differences {
    /// The table.
    table: String,
    /// Rows that only the old model had.
    only_old: u64,
    /// Rows that only the new model has.
    only_new: u64,
    /// Rows that both have, with other values.
    changed: u64,
    /// Some of them: the key, and what is different.
    examples: Vec<String>,
}

impl From<events::Differences> for Differences {
    fn from(found: events::Differences) -> Self {
        Self {
            table: found.table,
            only_old: found.only_old,
            only_new: found.only_new,
            changed: found.changed,
            examples: found.examples,
        }
    }
}
