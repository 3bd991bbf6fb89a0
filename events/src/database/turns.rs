//! Turns at the connections of requests, shared fairly among the claimants on whose behalf they are used. Each claimant has a
//! bounded number at once, so that however much one asks for, others find a connection and a share of the machine. Waiting
//! claimants are served in turn, not behind everything that one of them has queued, and a claimant's queue is bounded, too. The
//! process's own work takes no turns. Called by `connection`, before a connection is taken out of its pool; gateways share the processor
//! in the same way.
//!
//! A turn lasts for one statement or one transaction. Those for writes are apart from those for reads, and nobody who reads waits for a
//! turn to write, so nothing is held while waiting for what waits for it.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};
use uuid::Uuid;

/// The most statements of one claimant that may wait at once, unless it is said otherwise.
const MOST_WAITING: usize = 1_000;

tokio::task_local! {
    static CLAIMANT: Claimant;
}

/// The one on whose behalf statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claimant {
    /// A user, on all their connections.
    User(Uuid),
    /// Everyone of one network who has not signed in.
    Network(IpAddr),
}

impl Claimant {
    /// Does `work` on the claimant's behalf. Tasks that it spawns count as the process's own work.
    pub async fn claim<F: Future>(self, work: F) -> F::Output {
        CLAIMANT.scope(self, work).await
    }

    /// Returns the claimant on whose behalf this task works; `None` for the process itself.
    pub(crate) fn of_task() -> Option<Self> {
        CLAIMANT.try_with(|claimant| *claimant).ok()
    }

    /// Does `work` in another task on behalf of the claimant of this one.
    pub(crate) async fn carry<F: Future>(claimant: Option<Self>, work: F) -> F::Output {
        match claimant {
            Some(claimant) => claimant.claim(work).await,
            None => work.await,
        }
    }
}

/// Too much of one claimant's work is waiting already, or its turn has not come in time.
#[derive(Debug)]
pub struct Crowded;

/// Turns at something of which there is little; clones are the same.
#[derive(Clone)]
pub struct Turns {
    state: Arc<Mutex<State>>,
    patience: Duration,
}

struct State {
    /// The number of turns that nobody holds.
    free: usize,
    /// The most turns that one claimant holds at once.
    most: usize,
    /// How many of one claimant may wait at once.
    room: usize,
    held: HashMap<Claimant, usize>,
    waiting: HashMap<Claimant, VecDeque<oneshot::Sender<()>>>,
    /// The waiting claimants, in the order in which they are served.
    order: VecDeque<Claimant>,
}

/// A turn, which ends when it is dropped.
pub struct Turn {
    turns: Turns,
    claimant: Claimant,
}

/// A claimant that waits for a turn. If it is dropped before it learns of its turn, it gives it back.
struct Waiting {
    turns: Turns,
    claimant: Claimant,
    called: oneshot::Receiver<()>,
}

impl Turns {
    /// Creates `all` turns, of which one claimant may hold `most`.
    pub fn new(all: usize, most: usize, patience: Duration) -> Self {
        let state = State {
            free: all.max(1),
            most: most.max(1),
            room: MOST_WAITING,
            held: HashMap::new(),
            waiting: HashMap::new(),
            order: VecDeque::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            patience,
        }
    }

    /// Returns the same turns, for which this many of one claimant may wait.
    #[must_use]
    pub fn with_room(self, room: usize) -> Self {
        self.state.lock().room = room;
        self
    }

    /// Takes a turn for the claimant of this task; `None` for the process itself.
    pub(super) async fn take(&self) -> Result<Option<Turn>, Crowded> {
        match Claimant::of_task() {
            Some(claimant) => self.take_for(claimant).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes a turn for this claimant.
    ///
    /// # Errors
    /// Fails when too many of them are waiting, or none has come in time.
    pub async fn take_for(&self, claimant: Claimant) -> Result<Turn, Crowded> {
        let turn = || Turn {
            turns: self.clone(),
            claimant,
        };
        let called = {
            let mut state = self.state.lock();
            if state.may_begin(claimant) && !state.waiting.contains_key(&claimant) {
                state.begin(claimant);
                return Ok(turn());
            }
            state.wait(claimant)?
        };
        let mut waiting = Waiting {
            turns: self.clone(),
            claimant,
            called,
        };
        match timeout(self.patience, &mut waiting.called).await {
            Ok(Ok(())) => Ok(turn()),
            Ok(Err(_)) | Err(_) => Err(Crowded),
        }
    }

    fn end(&self, claimant: Claimant) {
        let mut state = self.state.lock();
        state.free += 1;
        if let Some(held) = state.held.get_mut(&claimant) {
            *held -= 1;
            if *held == 0 {
                state.held.remove(&claimant);
            }
        }
        state.call();
    }
}

impl State {
    fn may_begin(&self, claimant: Claimant) -> bool {
        self.free > 0
            && self
                .held
                .get(&claimant)
                .is_none_or(|held| *held < self.most)
    }

    fn begin(&mut self, claimant: Claimant) {
        self.free -= 1;
        *self.held.entry(claimant).or_default() += 1;
    }

    fn wait(&mut self, claimant: Claimant) -> Result<oneshot::Receiver<()>, Crowded> {
        let is_first = !self.waiting.contains_key(&claimant);
        let queue = self.waiting.entry(claimant).or_default();
        // Waiters that went away do not count.
        if queue.len() >= self.room {
            queue.retain(|waiting| !waiting.is_closed());
        }
        if queue.len() >= self.room {
            return Err(Crowded);
        }
        if is_first {
            self.order.push_back(claimant);
        }
        let (sender, called) = oneshot::channel();
        queue.push_back(sender);
        Ok(called)
    }

    /// Gives the free turns to waiting claimants, one after the other.
    fn call(&mut self) {
        let mut passed_over = 0;
        while self.free > 0 && passed_over < self.order.len() {
            let Some(claimant) = self.order.pop_front() else {
                return;
            };
            let is_at_most = !self.may_begin(claimant);
            let Some(queue) = self.waiting.get_mut(&claimant) else {
                continue;
            };
            if is_at_most {
                passed_over += 1;
                self.order.push_back(claimant);
                continue;
            }
            let is_called = std::iter::from_fn(|| queue.pop_front()).any(|it| it.send(()).is_ok());
            match queue.is_empty() {
                true => drop(self.waiting.remove(&claimant)),
                false => self.order.push_back(claimant),
            }
            if is_called {
                passed_over = 0;
                self.begin(claimant);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(self.claimant);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.called.close();
        // It was called, but never heard it.
        if self.called.try_recv().is_ok() {
            self.turns.end(self.claimant);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::join_all};

    use super::*;

    const ONE: Claimant = Claimant::User(Uuid::from_u128(1));
    const OTHER: Claimant = Claimant::User(Uuid::from_u128(2));

    fn turns(all: usize, most: usize) -> Turns {
        Turns::new(all, most, Duration::from_millis(200))
    }

    async fn take(turns: &Turns, claimant: Claimant) -> Option<Turn> {
        claimant.claim(turns.take()).await.expect("a turn")
    }

    #[tokio::test]
    async fn one_claimant_leaves_a_turn_for_others() {
        let turns = turns(3, 2);
        let held = [take(&turns, ONE).await, take(&turns, ONE).await];
        assert!(ONE.claim(turns.take()).await.is_err(), "the time is over");
        let other = take(&turns, OTHER).await;
        assert!(
            turns.take().await.is_ok_and(|turn| turn.is_none()),
            "the process"
        );
        drop((held, other));
        assert!(take(&turns, ONE).await.is_some());
        assert!(turns.state.lock().waiting.is_empty() && turns.state.lock().order.is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_is_served_in_turn() {
        let turns = turns(1, 1);
        let held = take(&turns, ONE).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let wait = |claimant: Claimant| {
            let (turns, served) = (turns.clone(), served.clone());
            tokio::spawn(async move {
                let turn = take(&turns, claimant).await;
                served.lock().push(claimant);
                drop(turn);
            })
        };
        let mut tasks: Vec<_> = (0..20).map(|_| wait(ONE)).collect();
        while turns
            .state
            .lock()
            .waiting
            .get(&ONE)
            .map_or(0, VecDeque::len)
            < 20
        {
            tokio::task::yield_now().await;
        }
        tasks.push(wait(OTHER));
        while !turns.state.lock().waiting.contains_key(&OTHER) {
            tokio::task::yield_now().await;
        }
        drop(held);
        join_all(tasks).await;
        let served = served.lock();
        let place = served.iter().position(|it| *it == OTHER).expect("served");
        assert!(place <= 1, "not behind twenty, but {place}");
        assert_eq!(served.len(), 21);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_nothing() {
        let turns = turns(1, 1);
        let held = take(&turns, ONE).await;
        let mut waiting = Box::pin(OTHER.claim(turns.take()));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        // It has been called by now, and never looked.
        drop(waiting);
        assert!(take(&turns, ONE).await.is_some());
        assert!(turns.state.lock().held.len() <= 1);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let turns = turns(1, 1);
        let _held = take(&turns, ONE).await;
        let mut waiting: Vec<_> = (0..=MOST_WAITING)
            .map(|_| Box::pin(ONE.claim(turns.take())))
            .collect();
        let refused = waiting
            .iter_mut()
            .filter_map(|it| it.as_mut().now_or_never())
            .filter(Result::is_err);
        assert_eq!(refused.count(), 1);
    }
}
