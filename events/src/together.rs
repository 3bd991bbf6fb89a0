//! What arrives while something like it is under way is done together, next: writes in one transaction, loads in one statement.
//! Whoever comes first goes at once. There is no timer, so what is alone does not wait, and the busier the process is, the more
//! share one. This module has the queue; a `Group` says how its members are done, and answers each of them.
//!
//! When more wait than a group takes, it takes one of each claimant in turn, so that nobody waits behind all that one of them asks for.
//! One group is under way at a time. A group that takes long, behind a lock or a silent server, steps aside, and the next one
//! goes beside it; the number of those is bounded.
//!
//! Why the promises hold when writes are committed together:
//! - A mutation that was answered is durable (promise 1): a group answers a member only after the commit that contains its row,
//!   its event and the answer under its idempotency key, which one transaction writes. Nobody is answered from the queue but
//!   with a failure, and a member that is answered so was taken out of it, so that nobody commits it later.
//! - A mutation that failed left nothing: a member that a rule refuses is left out of the statement, or its group is rolled back
//!   and its members are committed one by one, as if there were no groups. That is only done when nothing can have been
//!   committed. Where the answer to a commit is lost, every member is told that the outcome is not known.
//! - Any process may be killed (promise 6): a crash in the middle of a group leaves what a crash in the middle of a transaction
//!   leaves, all of it or nothing, and nobody has been answered. The events of the group are numbered by any other process.
//! - A caller that goes away changes nothing: its member stays in the queue, which a task of its own works on.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, timeout},
};

use crate::{
    Claimant, Error, Result,
    trace::{self, Kind, Place},
};

/// Says how members are done together.
pub trait Group: Send + Sync + 'static {
    /// What is to be done for one caller.
    type Member: Send + 'static;
    /// What the caller is told.
    type Answer: Send + 'static;
    /// What traces call it.
    const NAME: &'static str;

    /// Does what the members ask for, each as if it were alone, and answers each once that is done. It must end by itself.
    fn run(&self, members: Members<Self>) -> BoxFuture<'_, ()>;
}

/// Members, with their callers.
pub type Members<G> = Vec<(<G as Group>::Member, Caller<<G as Group>::Answer>)>;

/// The caller of a member, who waits for its answer.
pub struct Caller<A>(oneshot::Sender<A>);

impl<A> Caller<A> {
    /// Answers the caller, if it still waits.
    pub fn answer(self, answer: A) {
        let _ = self.0.send(answer);
    }
}

/// The bounds of groups.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most members of a group.
    pub members: usize,
    /// How long a group may hold up those that come after it.
    pub slow_after: Duration,
    /// The most groups that have stepped aside.
    pub most_slow: usize,
    /// How long a member waits for its group to begin.
    pub patience: Duration,
}

/// The queue of one kind of group. Clones are the same.
pub struct Together<G: Group>(Arc<Shared<G>>);

struct Shared<G: Group> {
    group: G,
    bounds: Bounds,
    state: Mutex<State<G>>,
}

struct State<G: Group> {
    next: u64,
    waiting: VecDeque<Waiting<G>>,
    /// Whether a task will take what waits.
    is_attended: bool,
    /// The groups that have stepped aside, and go on.
    slow: usize,
}

struct Waiting<G: Group> {
    number: u64,
    since: Instant,
    claimant: Option<Claimant>,
    place: Option<Place>,
    member: G::Member,
    caller: Caller<G::Answer>,
}

/// A member in the queue, or in its group.
struct Asked<G: Group> {
    number: u64,
    answer: oneshot::Receiver<G::Answer>,
}

impl<G: Group> Clone for Together<G> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<G: Group> Together<G> {
    /// Creates an empty queue.
    pub fn new(group: G, bounds: Bounds) -> Self {
        let state = State {
            next: 0,
            waiting: VecDeque::new(),
            is_attended: false,
            slow: 0,
        };
        Self(Arc::new(Shared {
            group,
            bounds,
            state: Mutex::new(state),
        }))
    }

    /// Has `member` done, together with others or alone, and returns the answer. It is in the queue once this is called.
    ///
    /// # Errors
    /// `Unavailable` when its group has not begun in time, and nothing was done; `Task` when the group panicked, and the outcome
    /// is not known.
    pub fn ask(
        &self,
        member: G::Member,
    ) -> impl Future<Output = Result<G::Answer>> + Send + use<G> {
        let asked = self.enqueue(member);
        self.attend();
        self.clone().answer_of(asked)
    }

    /// Does the same, together with all that the present task asks for before it next yields.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn ask_with_others(&self, member: G::Member) -> Result<G::Answer> {
        let asked = self.enqueue(member);
        yield_now().await;
        self.attend();
        self.clone().answer_of(asked).await
    }

    async fn answer_of(self, mut asked: Asked<G>) -> Result<G::Answer> {
        let answer = match timeout(self.0.bounds.patience, &mut asked.answer).await {
            Ok(answer) => answer,
            Err(_) if self.withdraw(asked.number) => {
                return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into());
            }
            // Its group has begun.
            Err(_) => asked.answer.await,
        };
        answer.map_err(|_| Error::Task("its group panicked".to_owned()))
    }

    fn enqueue(&self, member: G::Member) -> Asked<G> {
        let (caller, answer) = oneshot::channel();
        let mut state = self.0.state.lock();
        state.next += 1;
        let number = state.next;
        state.waiting.push_back(Waiting {
            number,
            since: Instant::now(),
            claimant: Claimant::of_task(),
            place: trace::present(),
            member,
            caller: Caller(caller),
        });
        Asked { number, answer }
    }

    /// Takes a member out of the queue; returns whether it was still there.
    fn withdraw(&self, number: u64) -> bool {
        let waiting = &mut self.0.state.lock().waiting;
        let place = waiting.binary_search_by_key(&number, |waiting| waiting.number);
        place.is_ok_and(|place| waiting.remove(place).is_some())
    }

    /// Sees to it that a task takes what waits.
    fn attend(&self) {
        let mut state = self.0.state.lock();
        if !state.is_attended && !state.waiting.is_empty() {
            state.is_attended = true;
            drop(state);
            tokio::spawn(self.clone().work());
        }
    }

    /// Runs one group after the other until nobody waits.
    async fn work(self) {
        while let Some((members, places)) = self.next() {
            let mut spans = trace::serving(G::NAME, Kind::Internal, places);
            spans.set("millrace.group.members", members.len());
            // A group that panics must leave this task attending to the others.
            let group = AssertUnwindSafe(self.0.group.run(members)).catch_unwind();
            let mut group = pin!(spans.scope(group));
            let mut is_aside = false;
            while timeout(self.0.bounds.slow_after, group.as_mut())
                .await
                .is_err()
            {
                is_aside = is_aside || self.step_aside();
            }
            if is_aside {
                self.0.state.lock().slow -= 1;
                return;
            }
        }
    }

    /// Returns the members of the next group, and the spans that they are parts of; `None` ends the task.
    fn next(&self) -> Option<(Members<G>, Vec<Place>)> {
        let Bounds {
            members: most,
            patience,
            ..
        } = self.0.bounds;
        let mut state = self.0.state.lock();
        // Callers withdraw what has waited for too long, but for those that went away.
        let is_due = |it: &Waiting<G>| !it.caller.0.is_closed() || it.since.elapsed() < patience;
        state.waiting.retain(is_due);
        let (mut members, mut places) = (Vec::new(), Vec::new());
        for waiting in taken(&mut state.waiting, most) {
            members.push((waiting.member, waiting.caller));
            places.extend(waiting.place);
        }
        state.is_attended = !members.is_empty();
        state.is_attended.then_some((members, places))
    }

    /// Leaves what waits to another task, unless too many groups are slow already.
    fn step_aside(&self) -> bool {
        let mut state = self.0.state.lock();
        if state.slow == self.0.bounds.most_slow {
            return false;
        }
        state.slow += 1;
        state.is_attended = false;
        drop(state);
        self.attend();
        true
    }
}

/// Takes up to `most` of those who wait, in the order in which they came: the first of each claimant before the second of any.
fn taken<G: Group>(waiting: &mut VecDeque<Waiting<G>>, most: usize) -> VecDeque<Waiting<G>> {
    if waiting.len() <= most {
        return std::mem::take(waiting);
    }
    let mut counts = HashMap::<_, usize>::new();
    let mut ranks: Vec<_> = waiting
        .iter()
        .map(|it| {
            let count = counts.entry(it.claimant).or_default();
            *count += 1;
            (*count, it.number)
        })
        .collect();
    let (_, last, _) = ranks.select_nth_unstable(most - 1);
    let (last, mut seen) = (*last, HashMap::<_, usize>::new());
    let (mut taken, mut left) = (VecDeque::new(), VecDeque::new());
    for it in waiting.drain(..) {
        let count = seen.entry(it.claimant).or_default();
        *count += 1;
        match (*count, it.number) <= last {
            true => taken.push_back(it),
            false => left.push_back(it),
        }
    }
    *waiting = left;
    taken
}

#[cfg(test)]
mod tests;
