//! The signal as clients see it.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{signals, signals::SignalId};

use super::finding::SignalFinding;
use crate::{
    actor::ActorRef,
    error::Result,
    history,
    list::List,
    request::{Read, reading, viewer},
};

/// The status of a signal.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::SignalStatus")]
pub(crate) enum SignalStatus {
    /// The signal was submitted.
    Pending,
    /// The signal was handed to the processors.
    Processing,
    /// The signal has ended, and all processors have answered.
    Completed,
    /// The signal has ended, and some processors had not answered by the deadline.
    Partial,
}

/// A processor of signals.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::Processor")]
pub(crate) enum SignalProcessor {
    /// Computes how far the value is from the earlier ones of its source.
    Statistics,
    /// Computes the trend of the last values of the source.
    Trend,
    /// Finds the threshold that the value has reached.
    Levels,
}

/// The answer of a processor.
#[derive(SimpleObject)]
pub(crate) struct SignalResult {
    /// The processor that answered.
    processor: SignalProcessor,
    /// What the processor found.
    finding: SignalFinding,
    /// Whether the answer arrived after the signal had ended, and so has no effect.
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

/// The notification about a signal that has ended.
#[derive(SimpleObject)]
pub(crate) struct SignalNotification {
    /// A sentence for people.
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

/// A value from a source, which three processors analyze.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Signal {
    #[graphql(skip)]
    signal_id: SignalId,
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The source of the value.
    source: String,
    /// The sequence number among the signals of the source: 1, 2, 3, … without gaps.
    number: i64,
    /// The value that was measured.
    value: f64,
    /// The status.
    status: SignalStatus,
    /// The answers of the processors so far, at most one of each.
    results: List<SignalResult>,
    /// The processors that had not answered by the deadline. Empty unless the signal is PARTIAL.
    missing: List<SignalProcessor>,
    /// The notification, which follows a moment after the end of the signal. Null until then.
    notification: Option<SignalNotification>,
    /// The version, which increases by one with every event of the signal.
    version: i64,
    /// Who submitted the signal.
    submitted_by: ActorRef,
    /// When the signal was submitted. All times of signals are those of the database's clock.
    submitted_at: DateTime<Utc>,
    /// The deadline, at which the signal ends at the latest.
    deadline_at: DateTime<Utc>,
    /// When the signal ended. Null until then.
    completed_at: Option<DateTime<Utc>>,
    /// When the webhook's receiver acknowledged the end of the signal. Null until then, and when there is no webhook.
    delivered_at: Option<DateTime<Utc>>,
}

impl From<signals::Signal> for Signal {
    fn from(signal: signals::Signal) -> Self {
        Self {
            signal_id: signal.id,
            id: signal.id.into(),
            source: signal.source,
            number: signal.number,
            value: signal.value,
            status: signal.status.into(),
            results: signal.results.into_iter().map(Into::into).collect(),
            missing: signal.missing.into_iter().map(Into::into).collect(),
            notification: signal.notification.map(Into::into),
            version: signal.version,
            submitted_by: signal.submitted_by.into(),
            submitted_at: signal.submitted_at,
            deadline_at: signal.deadline_at,
            completed_at: signal.completed_at,
            delivered_at: signal.delivered_at,
        }
    }
}

#[ComplexObject]
impl Signal {
    /// The events of the signal, oldest first. Page forward with `first` and `after`, or backward with `last` and `before`. Without
    /// them, returns the first 20.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n events, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the events that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n events, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<Option<history::History>> {
        let signals = &reading(ctx, Read::Stream(self.signal_id.stream())).signals;
        let viewer = viewer(ctx)?;
        history::connect(ctx, (first, after, last, before), |of| {
            signals.history(viewer, self.signal_id, of)
        })
        .await
    }
}
