//! A group of alike subscriptions: one execution on the live end of the log, whose frames all members receive. It lives as long as it has
//! members. Its buffer is bounded; a member that falls behind only loses its place in the buffer. However its execution ends, the end is
//! the last frame: no member waits for a group that has gone silent.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
};

use async_graphql::{Response, ServerError};
use events::Cursor;
use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, abortable},
    poll,
};
use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::broadcast, task::yield_now};

use super::{
    ground::{Answer, Answers, Ground, Subscription},
    own::broken_off,
    shards::{Lacking, Shards},
};
use crate::{document::Plan, errors, limits::Limits, request_id::RequestId, response};

/// Subscribers that get the same bytes from one execution.
pub(super) struct Group<G: Ground> {
    frames: Arc<Shards<Answer>>,
    published: Arc<AtomicU64>,
    /// Set before the last frame is sent.
    has_ended: Arc<AtomicBool>,
    driver: AbortHandle,
    members: Arc<G::Members>,
    key: G::Key,
    ground: Weak<G>,
}

type Known<G> = HashMap<<G as Ground>::Key, Weak<Group<G>>>;

/// The groups that have members.
pub(super) struct Groups<G: Ground>(Mutex<Known<G>>);

impl<G: Ground> Default for Groups<G> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<G: Ground> Groups<G> {
    fn lock(&self) -> MutexGuard<'_, Known<G>> {
        self.0.lock()
    }

    /// Returns the number of groups.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns the group of `request`, and starts it if there is none.
    pub(super) fn join(ground: &Arc<G>, request: &G::Request) -> Arc<Group<G>> {
        let mut groups = ground.groups().lock();
        let known = groups.get(request.key()).and_then(Weak::upgrade);
        if let Some(group) = &known
            && !group.has_ended.load(Ordering::SeqCst)
        {
            request.enter(&group.members);
            return group.clone();
        }
        let (group, driving) = Group::prepare(ground, request);
        let group = Arc::new(group);
        groups.insert(request.key().clone(), Arc::downgrade(&group));
        // Dropping a group takes the lock, and `known` may be the last handle on an ended one.
        drop(groups);
        drop(known);
        G::spawn(driving);
        group
    }
}

impl<G: Ground> Group<G> {
    /// Creates a group, and what drives it.
    fn prepare(
        ground: &Arc<G>,
        request: &G::Request,
    ) -> (Self, impl Future<Output = ()> + Send + use<G>) {
        let from = ground.reached();
        let frames = Arc::new(Shards::new(G::SHARD_MEMBERS, G::BUFFERED_FRAMES));
        let members = Arc::<G::Members>::default();
        request.enter(&members);
        let driver = Driver {
            frames: frames.clone(),
            published: Arc::new(AtomicU64::new(from.position)),
            has_ended: Arc::default(),
        };
        let (published, has_ended) = (driver.published.clone(), driver.has_ended.clone());
        let answers = request.shared_answers(ground, from, &members);
        let (driving, driver) = abortable(driver.run(answers));
        let group = Self {
            frames,
            published,
            has_ended,
            driver,
            members,
            key: request.key().clone(),
            ground: Arc::downgrade(ground),
        };
        (group, driving.map(drop))
    }

    /// Returns the frames from now on, and a place such that every later frame is among them. The receiver must exist before the place is
    /// read, and the driver moves the place before it adds a frame: so a frame is either after the place and received, or at most at the
    /// place, and in the log. `None` when the last frame may have been sent before.
    pub(super) fn listen(&self) -> Option<(broadcast::Receiver<Answer>, u64)> {
        let receiver = self.frames.subscribe();
        let place = self.published.load(Ordering::SeqCst);
        (!self.has_ended.load(Ordering::SeqCst)).then_some((receiver, place))
    }
}

impl<G: Ground> Drop for Group<G> {
    fn drop(&mut self) {
        self.driver.abort();
        if let Some(ground) = self.ground.upgrade() {
            let mut groups = ground.groups().lock();
            if groups
                .get(&self.key)
                .is_some_and(|group| group.strong_count() == 0)
            {
                groups.remove(&self.key);
            }
        }
    }
}

/// Runs a group's execution to its end, and announces the end, even after a panic.
struct Driver {
    frames: Arc<Shards<Answer>>,
    published: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
}

impl Driver {
    async fn run(self, mut answers: Answers) {
        loop {
            // What comes while members are being woken is brought to the rest of them as well.
            let next = match self.frames.lacking() {
                Lacking::Nothing => Poll::Ready(answers.next().await),
                Lacking::Something => poll!(answers.next()),
                Lacking::Much => Poll::Pending,
            };
            match next {
                Poll::Ready(Some(answer)) => {
                    let (Answer::Next { order, .. } | Answer::Skipped { order }) = &answer else {
                        return self.end(&answer);
                    };
                    self.published.store(*order, Ordering::SeqCst);
                    self.frames.add(answer);
                }
                // A live execution has no end of its own.
                Poll::Ready(None) => return self.end(&Answer::Error(vec![broken_off()])),
                Poll::Pending => {}
            }
            if self.frames.visit() {
                yield_now().await;
            }
        }
    }

    fn end(&self, last: &Answer) {
        self.has_ended.store(true, Ordering::SeqCst);
        self.frames.end(last);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Otherwise it has ended, or the group was dropped and nobody listens.
        if std::thread::panicking() {
            self.end(&Answer::Error(vec![broken_off()]));
        }
    }
}

/// Converts one answer of a subscription's execution. An answer without data is the end, because the source failed or may not be read,
/// unless it concerns one event that cannot be shown. An answer of which a part could not be read now is the end, too: shown with an error
/// in its place, and with a cursor, the event would be lost to a client that resumes from there.
pub(super) fn into_frame(
    mut answer: Response,
    plan: &Plan,
    cursor: Cursor,
    limits: &Limits,
) -> Result<Vec<u8>, Vec<ServerError>> {
    let is_source = answer.data == async_graphql::Value::Null && !answer.errors.is_empty();
    let is_passing = answer.errors.iter().any(errors::is_passing);
    if is_passing || is_source && !is_of_one_event(&answer) {
        return Err(answer.errors);
    }
    plan.complete(&mut answer);
    if !answer.errors.is_empty() {
        errors::finish(&mut answer.errors, &RequestId::generate(), limits);
    }
    let answer = answer.extension("cursor", cursor.to_string().into());
    Ok(response::encode(&answer))
}

fn is_of_one_event(answer: &Response) -> bool {
    let mut codes = answer.errors.iter().map(errors::code_of);
    codes.all(|code| code == Some(schema::codes::EVENT_UNREADABLE))
}

#[cfg(test)]
mod tests;
