//! The subscription of signals.

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::Action,
    grants::{Grant, Requirement},
    signals::{self, STREAM, SignalEvent},
};
use events::{Cursor, EventSource, Topic};
use futures::{Stream, StreamExt};

use super::{
    KIND,
    object::{Signal, SignalProcessor},
};
use crate::{
    error::{from_access, from_cursor, from_event, from_feed},
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
pub(crate) struct SignalProgress {
    cursor: Cursor,
    actor: String,
    occurred_at: DateTime<Utc>,
    event: SignalEvent,
}

#[Object]
impl SignalProgress {
    /// The step's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn progress_type(&self) -> SignalProgressType {
        self.event.kind.into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.actor
    }

    /// When it happened, by the database's clock.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// Whom the signal was handed to, or whose answer it is; empty for other steps.
    async fn processors(&self) -> Vec<SignalProcessor> {
        let processors = self.event.processors.iter();
        processors.map(|it| (*it).into()).collect()
    }

    /// The signal after the step.
    async fn signal(&self) -> Signal {
        Signal(self.event.signal.clone())
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
            desc = "Steps after this cursor: of a step, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<SignalProgress>>> {
        let id = id::decode_as(KIND, "id", &id)?;
        let after = after
            .map(|after| after.parse().map_err(from_cursor))
            .transpose()?;
        let requirement = Requirement::Action(Action::ReadSignals);
        let granted = ctx.data::<Grant>()?.require(requirement).await;
        granted.map_err(from_access)?;
        let topic = Topic {
            kind: STREAM,
            id: Some(id),
        };
        let source = ctx.data::<EventSource>()?.clone();
        let steps = source.follow(topic, after);
        Ok(steps.map(move |event| {
            let event = event.map_err(from_feed)?;
            Ok(SignalProgress {
                cursor: source.cursor_behind(&event),
                actor: event.meta.actor.clone(),
                occurred_at: event.occurred_at,
                event: SignalEvent::decode(&event).map_err(|cause| from_event(&cause))?,
            })
        }))
    }
}
