//! The signal as clients see it.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::signals;

use super::{KIND, finding::SignalFinding};
use crate::{
    connection::checked,
    error::from_access,
    history, id,
    request::{entities, viewer},
};

/// Where a signal stands.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::SignalStatus")]
pub(crate) enum SignalStatus {
    /// It was submitted.
    Pending,
    /// It was handed to the processors.
    Processing,
    /// It has ended: all processors have answered.
    Completed,
    /// It has ended: some processors had not answered at the deadline.
    Partial,
}

/// Who looks at a signal.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::Processor")]
pub(crate) enum SignalProcessor {
    /// How far the value is from what the source is used to.
    Statistics,
    /// Where the last values of the source are going.
    Trend,
    /// Which thresholds the value has passed.
    Levels,
}

/// What a processor answered.
pub(crate) struct SignalResult(signals::SignalResult);

#[Object]
impl SignalResult {
    /// Who answered.
    async fn processor(&self) -> SignalProcessor {
        self.0.finding.processor().into()
    }

    /// What it found.
    async fn finding(&self) -> SignalFinding {
        self.0.finding.clone().into()
    }

    /// Whether it came when the signal had ended; then it has changed nothing.
    async fn is_late(&self) -> bool {
        self.0.is_late
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }
}

/// What is told of a signal that has ended.
pub(crate) struct SignalNotification(signals::SignalNotification);

#[Object]
impl SignalNotification {
    /// In a sentence.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }
}

/// A value from a source, which three processors look at.
pub(crate) struct Signal(pub(super) signals::Signal);

#[Object]
impl Signal {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        id::encode(KIND, self.0.id)
    }

    /// Where it comes from.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Its place among the signals of its source: 1, 2, 3, … without gaps.
    async fn number(&self) -> i64 {
        self.0.number
    }

    /// What was measured.
    async fn value(&self) -> f64 {
        self.0.value
    }

    /// Where it stands.
    async fn status(&self) -> SignalStatus {
        self.0.status.into()
    }

    /// What the processors answered so far, at most one answer of each.
    async fn results(&self) -> Vec<SignalResult> {
        self.0.results.iter().cloned().map(SignalResult).collect()
    }

    /// The processors that had not answered at the deadline; empty unless the signal is PARTIAL.
    async fn missing(&self) -> Vec<SignalProcessor> {
        self.0.missing.iter().map(|it| (*it).into()).collect()
    }

    /// What is told of it, a moment after it has ended.
    async fn notification(&self) -> Option<SignalNotification> {
        self.0.notification.clone().map(SignalNotification)
    }

    /// Grows by one with everything that happens to it.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Who submitted it.
    async fn submitted_by(&self) -> &str {
        &self.0.submitted_by
    }

    /// When it was submitted, by the database's clock, as all times of signals.
    async fn submitted_at(&self) -> DateTime<Utc> {
        self.0.submitted_at
    }

    /// When it ends at the latest.
    async fn deadline_at(&self) -> DateTime<Utc> {
        self.0.deadline_at
    }

    /// When it ended; null until then.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.completed_at
    }

    /// When the webhook's receiver had acknowledged its end; null until then, and without a webhook.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivered_at
    }

    /// All that happened to it, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        let limit = checked("first", first)?;
        let after_version = history::decode_after(after.as_deref())?;
        let entities = entities(ctx);
        let epoch = entities.log.tail().cursor().epoch;
        let page = entities
            .signals
            .read_history(viewer(ctx)?, self.0.id, after_version, limit)
            .await
            .map_err(from_access)?;
        Ok(Some(history::connect(page, after_version, epoch)))
    }
}
