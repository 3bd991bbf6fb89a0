//! Group commit. Writes that arrive while others are being committed are committed together, in one statement or one transaction.
//! Whoever comes first goes at once, and what arrives meanwhile is the next group. There is no timer, so a write that is alone
//! does not wait. This module has the queue; a `Group` says how its members are committed, and answers each of them.
//!
//! Why the promises hold:
//! - A mutation that was answered is durable (promise 1): a group answers a member only after the commit that contains its row,
//!   its event and the answer under its idempotency key, which one transaction writes. Nobody is answered from the queue but
//!   with a failure, and a member that is answered so was taken out of it, so that nobody commits it later.
//! - A mutation that failed left nothing: a member that a rule refuses is left out of the statement, or its group is rolled back
//!   and its members are committed one by one, as if there were no groups. That is only done when nothing can have been
//!   committed. Where the answer to a commit is lost, every member is told that the outcome is not known.
//! - Any process may be killed (promise 6): a crash in the middle of a group leaves what a crash in the middle of a transaction
//!   leaves, all of it or nothing, and nobody has been answered. The events of the group are numbered by any other process.
//! - A caller that goes away changes nothing: its member stays in the queue, and the lane that commits it is a task of its own.
//! - A group that is stuck, behind a lock or a silent server, does not hold up the others: it no longer counts as a lane.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::{Error, Result};

/// How often a caller looks whether it has to open another lane, or has waited for too long.
const LOOK: Duration = Duration::from_millis(50);
/// The most members of a group. The gain of larger ones is small, and a member waits for its whole group.
const MOST_MEMBERS: usize = 64;

/// Says how members are committed.
pub trait Group: Send + Sync + 'static {
    /// What is to be committed for one caller.
    type Member: Send + 'static;
    /// What the caller is told.
    type Answer: Send + 'static;

    /// Commits the members, each as if it were alone, and answers each once that is done.
    fn commit(&self, members: Vec<(Self::Member, Caller<Self::Answer>)>) -> BoxFuture<'_, ()>;
}

/// The caller of a member, who waits for its answer.
pub struct Caller<A>(oneshot::Sender<A>);

impl<A> Caller<A> {
    /// Answers the caller, if it still waits.
    pub fn answer(self, answer: A) {
        let _ = self.0.send(answer);
    }
}

/// How many groups are committed at the same time.
#[derive(Debug, Clone, Copy)]
pub struct Lanes {
    /// While all goes well.
    pub usual: usize,
    /// With those that are stuck.
    pub most: usize,
    /// A lane that has worked on a group for longer is stuck.
    pub stuck_after: Duration,
}

/// The queue of one kind of group.
pub struct Committer<G: Group> {
    shared: Arc<Shared<G>>,
}

struct Shared<G: Group> {
    group: G,
    lanes: Lanes,
    /// How long a member waits for its group to begin.
    patience: Duration,
    state: Mutex<State<G>>,
}

struct State<G: Group> {
    next: u64,
    waiting: VecDeque<Waiting<G>>,
    /// Since when each lane has been working on its present group.
    lanes: BTreeMap<u64, Instant>,
}

struct Waiting<G: Group> {
    number: u64,
    since: Instant,
    member: G::Member,
    caller: Caller<G::Answer>,
}

type Members<G> = Vec<(<G as Group>::Member, Caller<<G as Group>::Answer>)>;

impl<G: Group> Committer<G> {
    /// Creates an empty queue. A member whose group has not begun after `patience` is not committed.
    pub fn new(group: G, lanes: Lanes, patience: Duration) -> Self {
        let state = State {
            next: 0,
            waiting: VecDeque::new(),
            lanes: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                group,
                lanes,
                patience,
                state: Mutex::new(state),
            }),
        }
    }

    /// Commits `member`, together with others or alone, and returns the answer.
    ///
    /// # Errors
    /// `Unavailable` when its group has not begun in time, and nothing was done; `Task` when the lane ended, and the outcome is
    /// not known.
    pub async fn commit(&self, member: G::Member) -> Result<G::Answer> {
        let (caller, mut answer) = oneshot::channel();
        let since = Instant::now();
        let number = self.shared.enqueue(Waiting {
            number: 0,
            since,
            member,
            caller: Caller(caller),
        });
        loop {
            match timeout(LOOK, &mut answer).await {
                Ok(answer) => {
                    return answer.map_err(|_| Error::Task("the lane ended".to_owned()));
                }
                Err(_) if since.elapsed() < self.shared.patience => {
                    Shared::open_lane(&self.shared, &mut self.shared.state.lock());
                }
                Err(_) if self.shared.withdraw(number) => return Err(too_late()),
                Err(_) => {}
            }
        }
    }
}

fn too_late() -> Error {
    DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into()
}

impl<G: Group> Shared<G> {
    fn enqueue(self: &Arc<Self>, mut waiting: Waiting<G>) -> u64 {
        let mut state = self.state.lock();
        let number = state.number();
        waiting.number = number;
        state.waiting.push_back(waiting);
        Self::open_lane(self, &mut state);
        number
    }

    /// Takes a member out of the queue; returns whether it was still there.
    fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state.lock();
        let place = state
            .waiting
            .binary_search_by_key(&number, |waiting| waiting.number);
        place.is_ok_and(|place| state.waiting.remove(place).is_some())
    }

    /// Begins another lane if somebody waits and too few lanes make progress.
    fn open_lane(this: &Arc<Self>, state: &mut State<G>) {
        let is_full =
            state.busy(&this.lanes) >= this.lanes.usual || state.lanes.len() >= this.lanes.most;
        if state.waiting.is_empty() || is_full {
            return;
        }
        // Without a runtime the process is ending, and nobody waits.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let number = state.number();
        state.lanes.insert(number, Instant::now());
        let lane = Lane {
            shared: this.clone(),
            number,
        };
        runtime.spawn(lane.run());
    }

    /// Returns the members of the lane's next group; `None` when the lane is to end.
    fn next_group(&self, lane: u64) -> Option<Members<G>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.lanes.remove(&lane);
        // Lanes that replaced this one while it was stuck go on instead.
        if state.busy(&self.lanes) >= self.lanes.usual {
            return None;
        }
        let mut members = Vec::new();
        while members.len() < MOST_MEMBERS
            && let Some(waiting) = state.waiting.pop_front()
        {
            // Callers withdraw what has waited for too long, but for those that went away.
            let is_left = waiting.caller.0.is_closed();
            if !is_left || waiting.since.elapsed() < self.patience {
                members.push((waiting.member, waiting.caller));
            }
        }
        if members.is_empty() {
            return None;
        }
        state.lanes.insert(lane, Instant::now());
        Some(members)
    }
}

impl<G: Group> State<G> {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Returns the number of lanes that are not stuck.
    fn busy(&self, lanes: &Lanes) -> usize {
        let since = self.lanes.values();
        let busy = since.filter(|since| since.elapsed() < lanes.stuck_after);
        busy.count()
    }
}

/// Commits one group after another until nobody waits.
struct Lane<G: Group> {
    shared: Arc<Shared<G>>,
    number: u64,
}

impl<G: Group> Lane<G> {
    async fn run(self) {
        while let Some(members) = self.shared.next_group(self.number) {
            self.shared.group.commit(members).await;
        }
    }
}

impl<G: Group> Drop for Lane<G> {
    /// Also after a panic, somebody has to commit what waits.
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.lanes.remove(&self.number);
        Shared::open_lane(&self.shared, &mut state);
    }
}

#[cfg(test)]
mod tests;
