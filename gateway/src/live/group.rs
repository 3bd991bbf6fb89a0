//! A group of alike subscriptions: one execution on the live end of the log, whose frames all members receive. It lives
//! as long as it has members. Its buffer is bounded; a member that falls behind it loses its place in the buffer only.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::{Request, Response};
use events::{Cursor, EventSource, Range};
use futures::StreamExt;
use tokio::{sync::broadcast, task::AbortHandle};

use super::{
    Shared,
    request::{GroupKey, SubscriptionRequest},
};
use crate::{errors, limits::Limits, operation::Payload, request_id::RequestId, response};

/// Frames kept for members that are a little behind. Each is shared by all of them.
const BUFFERED_FRAMES: usize = 128;

/// A payload and its place in the group's order.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) order: u64,
    pub(super) payload: Payload,
}

/// See the module.
pub(super) struct Group {
    frames: broadcast::Sender<Frame>,
    published: Arc<AtomicU64>,
    driver: AbortHandle,
    key: GroupKey,
    shared: Weak<Shared>,
}

/// The groups that have members.
#[derive(Default)]
pub(super) struct Groups(Mutex<HashMap<GroupKey, Weak<Group>>>);

impl Groups {
    fn lock(&self) -> MutexGuard<'_, HashMap<GroupKey, Weak<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group of `request`, started if it has none.
    pub(super) fn join(shared: &Arc<Shared>, request: &SubscriptionRequest) -> Arc<Group> {
        let mut groups = shared.groups.lock();
        let known = groups.get(&request.key).and_then(Weak::upgrade);
        if let Some(group) = &known
            && !group.driver.is_finished()
        {
            return group.clone();
        }
        let group = Arc::new(Group::start(shared, request));
        groups.insert(request.key.clone(), Arc::downgrade(&group));
        // Dropping a group takes the lock, and `known` may be the last handle on an ended one.
        drop(groups);
        drop(known);
        group
    }
}

impl Group {
    fn start(shared: &Arc<Shared>, request: &SubscriptionRequest) -> Self {
        let from = shared.log.tail().position();
        let range = Range {
            after: from,
            until: None,
        };
        let (execution, source) = request.execution(&shared.log, range);
        let (frames, _) = broadcast::channel(BUFFERED_FRAMES);
        let published = Arc::new(AtomicU64::new(from));
        let driver = drive(shared, execution, source, frames.clone(), published.clone());
        Self {
            frames,
            published,
            driver,
            key: request.key.clone(),
            shared: Arc::downgrade(shared),
        }
    }

    /// The frames from now on, and a place such that every later frame is among them. The receiver must exist before
    /// the place is read, and the driver moves the place before it sends: then a frame is after the place and received,
    /// or at most at the place, and in the log.
    pub(super) fn listen(&self) -> (broadcast::Receiver<Frame>, u64) {
        let receiver = self.frames.subscribe();
        (receiver, self.published.load(Ordering::SeqCst))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.driver.abort();
        if let Some(shared) = self.shared.upgrade() {
            let mut groups = shared.groups.lock();
            if groups
                .get(&self.key)
                .is_some_and(|group| group.strong_count() == 0)
            {
                groups.remove(&self.key);
            }
        }
    }
}

fn drive(
    shared: &Arc<Shared>,
    execution: Request,
    source: EventSource,
    frames: broadcast::Sender<Frame>,
    published: Arc<AtomicU64>,
) -> AbortHandle {
    let mut answers = shared.schema.execute_stream(execution);
    let (log, limits) = (shared.log.clone(), shared.limits.clone());
    let task = tokio::spawn(async move {
        while let Some(answer) = answers.next().await {
            let order = source.order();
            let epoch = log.tail().cursor().epoch;
            let payload = into_payload(answer, epoch, &source, &limits);
            let is_last = matches!(payload, Payload::Error(_));
            published.store(order, Ordering::SeqCst);
            // Nobody may be listening at the moment.
            let _ = frames.send(Frame { order, payload });
            if is_last {
                return;
            }
        }
    });
    task.abort_handle()
}

/// One answer of a subscription's execution. An answer without data is the end: the source failed, or may not be read.
pub(super) fn into_payload(
    mut answer: Response,
    epoch: u32,
    source: &EventSource,
    limits: &Limits,
) -> Payload {
    if !answer.errors.is_empty() {
        if answer.data == async_graphql::Value::Null {
            return Payload::Error(answer.errors);
        }
        errors::finish(&mut answer.errors, &RequestId::generate(), limits);
    }
    let cursor = Cursor {
        epoch,
        position: source.position(),
    };
    let answer = answer.extension("cursor", cursor.to_string().into());
    Payload::Next(response::encode(&answer).into())
}
