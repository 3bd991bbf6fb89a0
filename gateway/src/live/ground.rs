//! What groups and subscribers are built on: a log, executions over it, and callers' rights. In the gateway that is the schema
//! (`Shared`). The search through schedules uses a made-up one, so the code it searches is the code that runs.

use std::{hash::Hash, sync::Arc};

use async_graphql::ServerError;
use async_stream::stream;
use chrono::{DateTime, Utc};
use events::{
    Cursor, EventSource, Range,
    trace::{self, Kind as SpanKind, Place},
};
use futures::{StreamExt, stream::BoxStream};
use prometheus_client::metrics::counter::Counter;

use super::{
    Shared,
    caller::refused,
    group::{Groups, into_frame},
    holding::Members,
    replays,
    request::{Execution, GroupKey, SubscriptionRequest},
};
use crate::{document::Plan, metrics::METRICS, operation::Payload, trace_context};
use entities::access::{SharedViewer, Viewer};

/// An answer of an execution.
#[derive(Clone)]
pub(super) enum Answer {
    /// A result and its place in the order of the subscription.
    Next {
        order: u64,
        cursor: Cursor,
        payload: Payload,
        /// When the event occurred, if it has just done so.
        at: Option<DateTime<Utc>>,
        /// The span that has executed it, if the event's trace is sampled. All pushes are parts of it, so that they are bounded together.
        trace: Option<Place>,
    },
    /// In place of a result that the group may not keep for those who lag: its members read the log instead.
    Skipped { order: u64 },
    /// The end of the subscription.
    Error(Vec<ServerError>),
    /// The end of a shared execution, because its results would differ by user.
    Personal,
}

pub(super) type Answers = BoxStream<'static, Answer>;

/// The context that groups and subscribers of one kind share.
pub(super) trait Ground: Sized + Send + Sync + 'static {
    /// The number of frames that a group keeps for members that lag a little. All of them share each frame.
    const BUFFERED_FRAMES: usize;
    /// The number of members of a group that are woken at once.
    const SHARD_MEMBERS: usize;

    /// Those who are in a group.
    type Members: Default + Send + Sync + 'static;
    /// Subscriptions with the same key get the same bytes.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    type Request: Subscription<Self>;

    fn groups(&self) -> &Groups<Self>;

    /// Returns the place up to which everything has been handed on.
    fn reached(&self) -> Cursor;

    /// Runs `work` in a task of its own.
    fn spawn(work: impl Future<Output = ()> + Send + 'static);

    /// Runs `work` for a subscriber that reads the past, in a task that leaves the processors to the present.
    fn spawn_past(&self, work: impl Future<Output = ()> + Send + 'static) {
        Self::spawn(work);
    }
}

/// A subscription that can be executed any number of times, with its caller's rights.
pub(super) trait Subscription<G: Ground>: Send + Sync + 'static {
    /// The caller, as rights see it.
    type Viewer: Send + 'static;

    fn key(&self) -> &G::Key;

    /// Returns the place after which events are delivered.
    fn after(&self) -> Cursor;

    /// Notes that the subscriber is in a group.
    fn enter(&self, members: &G::Members);

    /// Returns what all subscribers of the same key receive, after this place: these, and who enters later.
    fn shared_answers(&self, ground: &Arc<G>, after: Cursor, members: &Arc<G::Members>) -> Answers;

    /// Returns what this subscriber receives, over a stretch of the log.
    fn own_answers(&self, ground: &Arc<G>, range: Range) -> Answers;

    /// Decides, by current knowledge, with whom the subscription is shared.
    fn settle_scope(&mut self, ground: &G);

    /// Returns whether the rights may have changed. To be checked before every delivery.
    fn is_stale(&self) -> bool;

    /// Resolves when the rights may have changed.
    fn stale(&self) -> impl Future<Output = ()> + Send + 'static;

    /// Looks the rights up.
    fn recheck(&self) -> impl Future<Output = Result<Self::Viewer, ServerError>> + Send + 'static;

    /// Returns whether a change of rights withdraws results that were computed before it.
    fn withdraws(&self) -> bool;

    /// Returns whether `viewer` sees something other than the viewer of this request.
    fn differs_for(&self, viewer: &Self::Viewer) -> bool;

    fn set_viewer(&mut self, viewer: Self::Viewer, ground: &G);
}

impl Ground for Shared {
    const BUFFERED_FRAMES: usize = 128;
    const SHARD_MEMBERS: usize = 128;

    type Members = Members;
    type Key = GroupKey;
    type Request = SubscriptionRequest;

    fn groups(&self) -> &Groups<Self> {
        &self.groups
    }

    fn reached(&self) -> Cursor {
        self.log.tail().cursor()
    }

    fn spawn(work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(work);
    }

    fn spawn_past(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.turns.clone().run(work));
    }
}

impl SubscriptionRequest {
    /// Returns what all subscribers of the same key receive.
    pub(super) fn together(
        &self,
        shared: &Arc<Shared>,
        range: Range,
        members: &Arc<Members>,
    ) -> Answers {
        let execution = self.group_execution(&shared.log, range, members);
        let counter = &METRICS.executed_for_groups;
        answers(shared.clone(), self.key.clone(), execution, counter)
    }

    /// Returns what this subscriber receives from an execution for it alone.
    pub(super) fn alone(&self, shared: &Arc<Shared>, range: Range) -> Answers {
        let execution = self.own_execution(&shared.log, range);
        let counter = &METRICS.executed_for_clients;
        answers(shared.clone(), self.key.clone(), execution, counter)
    }
}

impl Subscription<Shared> for SubscriptionRequest {
    type Viewer = Viewer;

    fn key(&self) -> &GroupKey {
        &self.key
    }

    fn after(&self) -> Cursor {
        self.after
    }

    fn enter(&self, members: &Members) {
        members.enter(self.holding());
    }

    fn shared_answers(
        &self,
        shared: &Arc<Shared>,
        after: Cursor,
        members: &Arc<Members>,
    ) -> Answers {
        self.together(shared, Range { after, until: None }, members)
    }

    fn own_answers(&self, shared: &Arc<Shared>, range: Range) -> Answers {
        replays::answers(shared.clone(), self.clone(), range)
    }

    fn settle_scope(&mut self, shared: &Shared) {
        SubscriptionRequest::settle_scope(self, shared);
    }

    fn is_stale(&self) -> bool {
        self.grant.is_stale()
    }

    fn stale(&self) -> impl Future<Output = ()> + Send + 'static {
        let grant = self.grant.clone();
        async move { grant.stale().await }
    }

    fn recheck(&self) -> impl Future<Output = Result<Viewer, ServerError>> + Send + 'static {
        let grant = self.grant.clone();
        async move { grant.recheck().await.map_err(refused) }
    }

    fn withdraws(&self) -> bool {
        self.grant.withdraws()
    }

    fn differs_for(&self, viewer: &Viewer) -> bool {
        SubscriptionRequest::differs_for(self, viewer)
    }

    fn set_viewer(&mut self, viewer: Viewer, shared: &Shared) {
        SubscriptionRequest::set_viewer(self, viewer, shared);
    }
}

/// Tells the trace of the last event that a subscription was executed for it. A trace that is long over is not told of each client that
/// reads the past.
fn traced(source: &EventSource, plan: &Plan) -> Option<Place> {
    if source.is_replay() {
        return None;
    }
    let (context, began) = source.traced()?;
    let mut span = trace::after("execute subscription", SpanKind::Consumer, context);
    span.since(began);
    span.set("graphql.operation.type", "subscription");
    trace_context::set_name(&mut span, plan.operation_name());
    span.place()
}

fn answers(
    shared: Arc<Shared>,
    key: GroupKey,
    execution: Execution,
    counter: &'static Counter,
) -> Answers {
    let Execution {
        request,
        source,
        plan,
        shared: viewer,
        horizon,
        frames,
    } = execution;
    let mut executed = shared.schema.execute_stream(request);
    let answers = stream! {
        while let Some(answer) = executed.next().await {
            counter.inc();
            shared.flights.note_told();
            // Nobody has seen the result yet, and nobody will.
            if viewer.as_ref().is_some_and(SharedViewer::is_personal) {
                key.remember_as_personal(&shared.personal);
                yield Answer::Personal;
                continue;
            }
            let (order, cursor) = (source.order(), source.cursor());
            let seen = horizon.take(cursor.position);
            let seen = shared.log.cursor_within(cursor, seen).await;
            let trace = traced(&source, &plan);
            let frame = match into_frame(answer, &plan, seen, &shared.limits) {
                Ok(frame) => frames.count(frame).await,
                Err(errors) => {
                    yield Answer::Error(errors);
                    continue;
                }
            };
            yield match frame {
                Ok(frame) => {
                    let payload = Payload::Next(frame);
                    Answer::Next { order, cursor, payload, at: source.occurred_at(), trace }
                }
                Err(_) if frames.are_of_group() => Answer::Skipped { order },
                Err(spent) => Answer::Error(vec![spent.into_error()]),
            };
        }
    };
    answers.boxed()
}
