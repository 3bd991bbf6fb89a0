//! A read model, its rebuild, and what that found.

use async_graphql::{Enum, Object};
use chrono::{DateTime, Utc};
use entities::read_models::ReadModelStatus;
use events::RebuildStatus;

/// Tables that are kept from the events of the log, and can be built anew from them while they are read.
pub(crate) struct ReadModel(pub(crate) ReadModelStatus);

#[Object]
impl ReadModel {
    /// Its name, such as `posts`.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// The rebuild that is at work, or else the last one; null when there was none.
    async fn rebuild(&self) -> Option<Rebuild> {
        self.0.rebuild.clone().map(Rebuild)
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
pub(crate) struct Rebuild(RebuildStatus);

#[Object(name = "ReadModelRebuild")]
impl Rebuild {
    /// What it is at.
    async fn phase(&self) -> RebuildPhase {
        self.0.phase.into()
    }

    /// Whether a process is at it now. One that was killed is missed after some seconds.
    async fn is_running(&self) -> bool {
        self.0.is_running
    }

    /// Events applied.
    async fn events_applied(&self) -> u64 {
        self.0.done
    }

    /// Events to apply, as far as that is known.
    async fn events_total(&self) -> u64 {
        self.0.total
    }

    /// When it was begun.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// What differed between the old model and the new one, by table; null until it has ended.
    async fn differences(&self) -> Option<Vec<Differences>> {
        let report = self.0.report.as_ref()?;
        let tables = report.differences.iter().cloned();
        Some(tables.map(Differences).collect())
    }
}

/// What differed in one table.
pub(crate) struct Differences(events::Differences);

#[Object(name = "ReadModelDifferences")]
impl Differences {
    /// The table.
    async fn table(&self) -> &str {
        &self.0.table
    }

    /// Rows that only the old model had.
    async fn only_old(&self) -> u64 {
        self.0.only_old
    }

    /// Rows that only the new model has.
    async fn only_new(&self) -> u64 {
        self.0.only_new
    }

    /// Rows that both have, with other values.
    async fn changed(&self) -> u64 {
        self.0.changed
    }

    /// Some of them: the key, and what is different.
    async fn examples(&self) -> &[String] {
        &self.0.examples
    }
}
