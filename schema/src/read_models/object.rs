//! A read model, its rebuild, and the rebuild's findings.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use entities::read_models::ReadModelStatus;
use events::RebuildStatus;

use crate::list::List;

/// A read model: tables derived from the events of the log, which can be rebuilt from them while they are read.
#[derive(SimpleObject)]
pub(crate) struct ReadModel {
    /// The name, such as `posts`.
    name: &'static str,
    /// The rebuild in progress, or else the last one. Null when there was none.
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

/// The phase of a rebuild.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "events::RebuildPhase")]
pub(crate) enum RebuildPhase {
    /// The rebuild was requested, and no worker has started it.
    Requested,
    /// The events that existed at the start are applied.
    Building,
    /// The indexes of the new tables are created.
    Indexing,
    /// The events that arrived since are applied.
    Following,
    /// The old model is compared with the new one.
    Comparing,
    /// The new model replaces the old one.
    Swapping,
    /// The rebuild has ended, and the new model is in use.
    Done,
}

/// A rebuild of a read model.
#[derive(SimpleObject)]
#[graphql(name = "ReadModelRebuild")]
pub(crate) struct Rebuild {
    /// The phase.
    phase: RebuildPhase,
    /// Whether a process is working on it. It takes some seconds to notice that one was killed.
    is_running: bool,
    /// The number of events applied so far.
    events_applied: u64,
    /// The number of events to apply, as far as it is known.
    events_total: u64,
    /// When the rebuild started. Null until then.
    started_at: Option<DateTime<Utc>>,
    /// When the rebuild ended. Null until then.
    finished_at: Option<DateTime<Utc>>,
    /// The differences between the old and the new model, by table. Null until the rebuild has ended.
    differences: Option<List<Differences>>,
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

/// The differences in a table.
#[derive(SimpleObject)]
#[graphql(name = "ReadModelDifferences")]
pub(crate) struct Differences {
    /// The name of the table.
    table: String,
    /// The number of rows that only the old model had.
    only_old: u64,
    /// The number of rows that only the new model has.
    only_new: u64,
    /// The number of rows whose values differ.
    changed: u64,
    /// Some of the rows that differ: the key, and the difference.
    examples: List<String>,
}

impl From<events::Differences> for Differences {
    fn from(found: events::Differences) -> Self {
        Self {
            table: found.table,
            only_old: found.only_old,
            only_new: found.only_new,
            changed: found.changed,
            examples: found.examples.into(),
        }
    }
}
