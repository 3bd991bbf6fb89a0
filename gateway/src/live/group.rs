//! A group of alike subscriptions: one execution on the live end of the log, whose frames all members receive. It lives
//! as long as it has members. Its buffer is bounded; a member that falls behind it loses its place in the buffer only.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_graphql::{Response, ServerError};
use entities::access::SharedViewer;
use events::{Cursor, EventSource, Horizon, Range};
use futures::StreamExt;
use tokio::{sync::broadcast, task::AbortHandle};

use super::{
    Shared,
    request::{Execution, GroupKey, SubscriptionRequest},
};
use crate::{errors, limits::Limits, operation::Payload, request_id::RequestId, response};

/// Frames kept for members that are a little behind. Each is shared by all of them.
const BUFFERED_FRAMES: usize = 128;

/// What members of a group hear.
#[derive(Clone)]
pub(super) enum Frame {
    /// A result and its place in the group's order.
    Next { order: u64, payload: Payload },
    /// The end of the subscription.
    Error(Vec<ServerError>),
    /// The end of the group: its results would differ by user.
    Personal,
}

/// See the module.
pub(super) struct Group {
    frames: broadcast::Sender<Frame>,
    published: Arc<AtomicU64>,
    /// Set before the last frame is sent.
    has_ended: Arc<AtomicBool>,
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
            && !group.has_ended.load(Ordering::SeqCst)
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
        let execution = request.group_execution(&shared.log, range);
        let (frames, _) = broadcast::channel(BUFFERED_FRAMES);
        let driver = Driver {
            frames: frames.clone(),
            published: Arc::new(AtomicU64::new(from)),
            has_ended: Arc::default(),
            shared: shared.clone(),
            key: request.key.clone(),
        };
        let (published, has_ended) = (driver.published.clone(), driver.has_ended.clone());
        Self {
            frames,
            published,
            has_ended,
            driver: tokio::spawn(driver.run(execution)).abort_handle(),
            key: request.key.clone(),
            shared: Arc::downgrade(shared),
        }
    }

    /// The frames from now on, and a place such that every later frame is among them. The receiver must exist before
    /// the place is read, and the driver moves the place before it sends: then a frame is after the place and received,
    /// or at most at the place, and in the log. `None` when the last frame may have been sent before.
    pub(super) fn listen(&self) -> Option<(broadcast::Receiver<Frame>, u64)> {
        let receiver = self.frames.subscribe();
        let place = self.published.load(Ordering::SeqCst);
        (!self.has_ended.load(Ordering::SeqCst)).then_some((receiver, place))
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

/// Runs a group's execution to its end.
struct Driver {
    frames: broadcast::Sender<Frame>,
    published: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
    shared: Arc<Shared>,
    key: GroupKey,
}

impl Driver {
    async fn run(self, execution: Execution) {
        let Execution {
            request,
            source,
            order: field_order,
            shared: viewer,
            horizon,
        } = execution;
        let mut answers = self.shared.schema.execute_stream(request);
        while let Some(mut answer) = answers.next().await {
            if let Some(field_order) = &field_order {
                field_order.arrange(&mut answer.data);
            }
            // Nobody has seen it yet, and nobody will.
            if viewer.as_ref().is_some_and(SharedViewer::is_personal) {
                self.key.remember_as_personal(&self.shared.personal);
                return self.end(Frame::Personal);
            }
            let order = source.order();
            let epoch = self.shared.log.tail().cursor().epoch;
            let seen = (&source, &horizon);
            match into_payload(answer, epoch, seen, &self.shared.limits) {
                Payload::Error(errors) => return self.end(Frame::Error(errors)),
                payload => {
                    self.published.store(order, Ordering::SeqCst);
                    // Nobody may be listening at the moment.
                    let _ = self.frames.send(Frame::Next { order, payload });
                }
            }
        }
    }

    fn end(&self, last: Frame) {
        self.has_ended.store(true, Ordering::SeqCst);
        let _ = self.frames.send(last);
    }
}

/// One answer of a subscription's execution. An answer without data is the end, as the source failed or may not be read, unless
/// it is about one event that cannot be shown.
pub(super) fn into_payload(
    mut answer: Response,
    epoch: u32,
    (source, horizon): (&EventSource, &Horizon),
    limits: &Limits,
) -> Payload {
    if !answer.errors.is_empty() {
        if answer.data == async_graphql::Value::Null && !is_of_one_event(&answer) {
            return Payload::Error(answer.errors);
        }
        errors::finish(&mut answer.errors, &RequestId::generate(), limits);
    }
    let cursor = Cursor {
        epoch,
        position: horizon.take(source.position()),
    };
    let answer = answer.extension("cursor", cursor.to_string().into());
    Payload::Next(response::encode(&answer).into())
}

fn is_of_one_event(answer: &Response) -> bool {
    let mut codes = answer.errors.iter().map(errors::code_of);
    codes.all(|code| code == Some(schema::codes::EVENT_UNREADABLE))
}
