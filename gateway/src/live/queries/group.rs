//! A group of alike live queries, whose newest answer all watchers see. It lives as long as it has watchers. Only the newest answer is kept,
//! so a slow watcher costs no more than a quick one, and skips what it had no time for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::ServerError;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::answer::Answer;
use super::driver::Driver;
use super::execution::Query;
use super::turns::Turns;
use crate::live::{
    Shared,
    holding::{Holding, Members},
    request::GroupKey,
};

/// The groups that have watchers.
#[derive(Default)]
pub(in crate::live) struct Groups {
    known: Mutex<HashMap<GroupKey, Arc<Group>>>,
    pub(super) turns: Turns,
}

impl Groups {
    /// Returns the number of groups.
    pub(in crate::live) fn len(&self) -> usize {
        self.known.lock().len()
    }

    /// Gives a group up, unless somebody has joined meanwhile.
    pub(super) fn leave(&self, key: &GroupKey, group: &Arc<Group>) -> bool {
        let mut known = self.known.lock();
        let is_alone = group.state.receiver_count() == 0;
        if is_alone {
            forget(&mut known, key, group);
        }
        is_alone
    }

    /// Ends a group. Who joins from here on starts another.
    pub(super) fn end(&self, key: &GroupKey, group: &Arc<Group>, last: State) {
        forget(&mut self.known.lock(), key, group);
        group.state.send_replace(last);
    }
}

fn forget(known: &mut HashMap<GroupKey, Arc<Group>>, key: &GroupKey, group: &Arc<Group>) {
    let is_this = known.get(key).is_some_and(|it| Arc::ptr_eq(it, group));
    if is_this {
        known.remove(key);
    }
}

/// Live queries that get the same answers.
pub(super) struct Group {
    pub(super) state: watch::Sender<State>,
    /// The number of executions that have begun.
    begun: AtomicU64,
    /// The watchers.
    pub(super) members: Members,
    needs: Mutex<Need>,
    is_needed: Notify,
}

/// Where a group is.
#[derive(Clone)]
pub(super) enum State {
    /// It has no answer yet.
    Pending,
    Answer(Arc<Answer>),
    /// It has ended, because results differ by user.
    Personal,
    /// It has ended.
    Error(Vec<ServerError>),
}

/// What an answer must be for a watcher to show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// The number of its execution, at least.
    pub(super) number: u64,
    /// The position of the tail when that began, at least.
    pub(super) position: u64,
    /// The position of its cursor, at least.
    pub(super) seen: u64,
}

impl Need {
    pub(super) fn is_met_by(&self, answer: &Answer) -> bool {
        answer.number >= self.number
            && answer.position >= self.position
            && answer.cursor.position >= self.seen
    }

    fn and(self, other: Self) -> Self {
        Self {
            number: self.number.max(other.number),
            position: self.position.max(other.position),
            seen: self.seen.max(other.seen),
        }
    }
}

impl Group {
    /// Joins the group of this key, and starts one if there is none.
    pub(super) fn join(
        shared: &Arc<Shared>,
        key: &GroupKey,
        query: &Query,
        holding: &Arc<Holding>,
    ) -> (Arc<Self>, watch::Receiver<State>) {
        let mut known = shared.queries.known.lock();
        if let Some(group) = known.get(key) {
            group.members.enter(holding);
            return (group.clone(), group.state.subscribe());
        }
        let (state, receiver) = watch::channel(State::Pending);
        let group = Arc::new(Self {
            state,
            begun: AtomicU64::new(0),
            members: Members::default(),
            needs: Mutex::default(),
            is_needed: Notify::new(),
        });
        group.members.enter(holding);
        known.insert(key.clone(), group.clone());
        Driver::start(shared.clone(), key.clone(), group.clone(), query.clone());
        (group, receiver)
    }

    /// Returns the number of the first execution that begins after this call.
    pub(super) fn next_number(&self) -> u64 {
        self.begun.load(Ordering::SeqCst) + 1
    }

    /// Counts another execution.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Asks for an answer that meets this.
    pub(super) fn ask(&self, need: Need) {
        let mut needs = self.needs.lock();
        *needs = needs.and(need);
        drop(needs);
        self.is_needed.notify_one();
    }

    pub(super) fn is_met_by(&self, answer: &Answer) -> bool {
        self.needs.lock().is_met_by(answer)
    }

    /// Resolves when somebody needs another answer than this.
    pub(super) async fn needed(&self, last: &Answer) {
        while self.is_met_by(last) {
            self.is_needed.notified().await;
        }
    }
}
