//! What groups and subscribers stand on: a log, what is executed over it, and what callers are allowed. In the gateway that
//! is the schema (`Shared`). The search through schedules has one that is made up, so what it searches is what runs.

use std::{hash::Hash, sync::Arc};

use async_graphql::ServerError;
use async_stream::stream;
use events::{Cursor, Range};
use futures::{StreamExt, stream::BoxStream};

use super::{
    Shared,
    caller::refused,
    group::{Groups, into_payload},
    request::{Execution, GroupKey, SubscriptionRequest},
};
use crate::operation::Payload;
use entities::access::{SharedViewer, Viewer};

/// What an execution says.
#[derive(Clone)]
pub(super) enum Answer {
    /// A result and its place in the order of the subscription.
    Next {
        order: u64,
        cursor: Cursor,
        payload: Payload,
    },
    /// The end of the subscription.
    Error(Vec<ServerError>),
    /// The end of a shared execution: its results would differ by user.
    Personal,
}

pub(super) type Answers = BoxStream<'static, Answer>;

/// What groups and subscribers of one kind share.
pub(super) trait Ground: Sized + Send + Sync + 'static {
    /// Frames that a group keeps for members that are a little behind. Each is shared by all of them.
    const BUFFERED_FRAMES: usize;

    /// Subscriptions with the same key get the same bytes.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    type Request: Subscription<Self>;

    fn groups(&self) -> &Groups<Self>;

    /// Everything up to here has been handed on.
    fn reached(&self) -> Cursor;

    /// Runs `work` in a task of its own.
    fn spawn(work: impl Future<Output = ()> + Send + 'static);
}

/// A subscription that can be executed any number of times, and what its caller is allowed.
pub(super) trait Subscription<G: Ground>: Send + Sync + 'static {
    /// What the caller is.
    type Viewer: Send + 'static;

    fn key(&self) -> &G::Key;

    /// Deliver what comes after this.
    fn after(&self) -> Cursor;

    /// What all subscribers of the same key get, after this place.
    fn shared_answers(&self, ground: &Arc<G>, after: Cursor) -> Answers;

    /// What this subscriber gets, over a stretch of the log.
    fn own_answers(&self, ground: &Arc<G>, range: Range) -> Answers;

    /// Decides, by what is known now, with whom the subscription is shared.
    fn settle_scope(&mut self, ground: &G);

    /// Whether the rights may have changed. To be asked before every delivery.
    fn is_stale(&self) -> bool;

    /// Resolves when they may have.
    fn stale(&self) -> impl Future<Output = ()> + Send + 'static;

    /// Looks the rights up.
    fn recheck(&self) -> impl Future<Output = Result<Self::Viewer, ServerError>> + Send + 'static;

    /// Whether a change of rights withdraws results that were computed before it.
    fn withdraws(&self) -> bool;

    /// Whether `viewer` sees something else than the viewer of this request.
    fn differs_for(&self, viewer: &Self::Viewer) -> bool;

    fn set_viewer(&mut self, viewer: Self::Viewer, ground: &G);
}

impl Ground for Shared {
    const BUFFERED_FRAMES: usize = 128;

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
}

impl Subscription<Shared> for SubscriptionRequest {
    type Viewer = Viewer;

    fn key(&self) -> &GroupKey {
        &self.key
    }

    fn after(&self) -> Cursor {
        self.after
    }

    fn shared_answers(&self, shared: &Arc<Shared>, after: Cursor) -> Answers {
        let until = None;
        let execution = self.group_execution(&shared.log, Range { after, until });
        answers(shared.clone(), self.key.clone(), execution)
    }

    fn own_answers(&self, shared: &Arc<Shared>, range: Range) -> Answers {
        let execution = self.own_execution(&shared.log, range);
        answers(shared.clone(), self.key.clone(), execution)
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

fn answers(shared: Arc<Shared>, key: GroupKey, execution: Execution) -> Answers {
    let Execution {
        request,
        source,
        plan,
        shared: viewer,
        horizon,
    } = execution;
    let mut executed = shared.schema.execute_stream(request);
    let answers = stream! {
        while let Some(answer) = executed.next().await {
            // Nobody has seen it yet, and nobody will.
            if viewer.as_ref().is_some_and(SharedViewer::is_personal) {
                key.remember_as_personal(&shared.personal);
                yield Answer::Personal;
                continue;
            }
            let (order, cursor) = (source.order(), source.cursor());
            let seen = horizon.take(cursor.position);
            let seen = shared.log.cursor_within(cursor, seen).await;
            yield match into_payload(answer, &plan, seen, &shared.limits) {
                Payload::Error(errors) => Answer::Error(errors),
                payload => Answer::Next { order, cursor, payload },
            };
        }
    };
    answers.boxed()
}
