//! The subscription of signals.

use async_graphql::{Context, Enum, ID, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::{Action, Requirement},
    signals::{self, STREAM, SignalEvent},
};
use events::{Event, Topic};
use futures::Stream;

use super::{
    KIND,
    object::{Signal, SignalProcessor},
};
use crate::{
    following::{follow_as, require},
    id,
};

/// A step of a signal's way.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::SignalEventKind")]
pub(crate) enum SignalProgressType {
    /// It was submitted.
    Submitted,
    /// It was handed to the processors.
    ProcessingStarted,
    /// A processor answered in time.
    ResultRecorded,
    /// A processor answered after the end, which changes nothing.
    LateResultRecorded,
    /// It ended: COMPLETED or PARTIAL.
    Completed,
    /// It was told of: there is a notification.
    Notified,
    /// The webhook's receiver has acknowledged its end.
    WebhookDelivered,
}

/// A step that a signal has made.
#[derive(SimpleObject)]
pub(crate) struct SignalProgress {
    /// The step's place in the log: subscribe with `after` this to get what follows.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    progress_type: SignalProgressType,
    /// Who did it.
    actor: String,
    /// When it happened, by the database's clock.
    occurred_at: DateTime<Utc>,
    /// Whom the signal was handed to, or whose answer it is; empty for other steps.
    processors: Vec<SignalProcessor>,
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
            actor: event.meta.actor.clone(),
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
    /// The steps of one signal. With `after` it begins with everything that happened since that cursor; every step comes
    /// once, in order.
    async fn signal_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The signal's global id.")] id: ID,
        #[graphql(
            name = "after",
            desc = "Steps after this cursor: of a step, or `extensions.cursor` of any response."
        )]
        _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<SignalProgress>>> {
        let id = id::decode_as(KIND, "id", &id)?;
        require(ctx, Requirement::Action(Action::ReadSignals)).await?;
        let topic = Topic {
            kind: STREAM,
            id: Some(id),
        };
        follow_as(ctx, topic, SignalProgress::new)
    }
}
