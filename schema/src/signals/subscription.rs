//! The subscription of signals.

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::Action,
    grants::Requirement,
    signals::{self, STREAM, SignalEvent, SignalId},
};
use events::{Event, Topic};
use futures::Stream;

use super::{
    counting::SignalStatistics,
    object::{Signal, SignalProcessor},
};
use crate::{
    actor::ActorRef,
    error::Result,
    following::{follow_as, require},
    id,
    list::List,
    statistics,
};

/// The type of a step in processing a signal.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::SignalEventKind")]
pub(crate) enum SignalProgressType {
    /// The signal was submitted.
    Submitted,
    /// The signal was handed to the processors.
    ProcessingStarted,
    /// A processor answered in time.
    ResultRecorded,
    /// A processor answered after the end, which has no effect.
    LateResultRecorded,
    /// The signal ended, as COMPLETED or PARTIAL.
    Completed,
    /// The notification was created.
    Notified,
    /// The webhook's receiver acknowledged the end of the signal.
    WebhookDelivered,
}

/// A step in processing a signal.
#[derive(SimpleObject)]
pub(crate) struct SignalProgress {
    /// The cursor of the step. Subscribe with `after` to resume behind it.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    progress_type: SignalProgressType,
    /// Who caused it.
    actor: ActorRef,
    /// When it happened, by the database's clock.
    occurred_at: DateTime<Utc>,
    /// The processors that the signal was handed to, or the one that answered. Empty for other steps.
    processors: List<SignalProcessor>,
    /// The signal after the step.
    signal: Signal,
}

impl SignalProgress {
    fn new(event: &Event, cursor: String) -> events::Result<Self> {
        let decoded = SignalEvent::decode(event)?;
        let processors = decoded.processors.into_iter();
        Ok(Self {
            cursor,
            progress_type: decoded.kind.into(),
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            processors: processors.map(Into::into).collect(),
            signal: decoded.signal.into(),
        })
    }
}

#[derive(Default)]
pub(crate) struct SignalsSubscription;

#[Subscription]
impl SignalsSubscription {
    /// The steps in processing one signal, or all signals. With `after`, it starts with the steps since that cursor, which may be
    /// `extensions.cursor` of any response. Every step is delivered once, in order.
    async fn signal_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the subscription to the signal with this global id.")]
        id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<SignalProgress>>> {
        let id = id.map(|id| id::decode("id", &id)).transpose()?;
        let id = id.map(SignalId::uuid);
        require(ctx, Requirement::Action(Action::ReadSignals)).await?;
        follow_as(ctx, Topic { kind: STREAM, id }, SignalProgress::new)
    }

    /// The statistics now, and again whenever they have changed.
    async fn signal_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<SignalStatistics>>> {
        statistics::follow(ctx).await
    }
}
