//! The signal as clients see it.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::signals;
use uuid::Uuid;

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
#[derive(SimpleObject)]
pub(crate) struct SignalResult {
    /// Who answered.
    processor: SignalProcessor,
    /// What it found.
    finding: SignalFinding,
    /// Whether it came when the signal had ended; then it has changed nothing.
    is_late: bool,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
}

impl From<signals::SignalResult> for SignalResult {
    fn from(result: signals::SignalResult) -> Self {
        Self {
            processor: result.finding.processor().into(),
            finding: result.finding.into(),
            is_late: result.is_late,
            recorded_at: result.recorded_at,
        }
    }
}

/// What is told of a signal that has ended.
#[derive(SimpleObject)]
pub(crate) struct SignalNotification {
    /// In a sentence.
    text: String,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
}

impl From<signals::SignalNotification> for SignalNotification {
    fn from(notification: signals::SignalNotification) -> Self {
        Self {
            text: notification.text,
            recorded_at: notification.recorded_at,
        }
    }
}

/// A value from a source, which three processors look at.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Signal {
    #[graphql(skip)]
    uuid: Uuid,
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Where it comes from.
    source: String,
    /// Its place among the signals of its source: 1, 2, 3, … without gaps.
    number: i64,
    /// What was measured.
    value: f64,
    /// Where it stands.
    status: SignalStatus,
    /// What the processors answered so far, at most one answer of each.
    results: Vec<SignalResult>,
    /// The processors that had not answered at the deadline; empty unless the signal is PARTIAL.
    missing: Vec<SignalProcessor>,
    /// What is told of it, a moment after it has ended.
    notification: Option<SignalNotification>,
    /// Grows by one with everything that happens to it.
    version: i64,
    /// Who submitted it.
    submitted_by: String,
    /// When it was submitted, by the database's clock, as all times of signals.
    submitted_at: DateTime<Utc>,
    /// When it ends at the latest.
    deadline_at: DateTime<Utc>,
    /// When it ended; null until then.
    completed_at: Option<DateTime<Utc>>,
    /// When the webhook's receiver had acknowledged its end; null until then, and without a webhook.
    delivered_at: Option<DateTime<Utc>>,
}

impl From<signals::Signal> for Signal {
    fn from(signal: signals::Signal) -> Self {
        Self {
            uuid: signal.id,
            id: id::encode(KIND, signal.id),
            source: signal.source,
            number: signal.number,
            value: signal.value,
            status: signal.status.into(),
            results: signal.results.into_iter().map(Into::into).collect(),
            missing: signal.missing.into_iter().map(Into::into).collect(),
            notification: signal.notification.map(Into::into),
            version: signal.version,
            submitted_by: signal.submitted_by,
            submitted_at: signal.submitted_at,
            deadline_at: signal.deadline_at,
            completed_at: signal.completed_at,
            delivered_at: signal.delivered_at,
        }
    }
}

#[ComplexObject]
impl Signal {
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
            .read_history(viewer(ctx)?, self.uuid, after_version, limit)
            .await
            .map_err(from_access)?;
        Ok(Some(history::connect(page, after_version, epoch)))
    }
}
