//! The connections of this process in memory, and the changes that are yet to be written. Pure: no I/O, no clock. It has one
//! entry for each user who is connected here, or was within the grace period.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
};

use crate::access::UserId;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// The number of users in one transaction.
pub(super) const BATCH_USERS: usize = 200;

/// The users connected to this gateway, with their numbers of connections.
#[derive(Default)]
pub(super) struct Local {
    users: HashMap<UserId, Connections>,
    /// Those of `users` that are not recorded yet.
    arrived: BTreeSet<UserId>,
    /// Those of `users` that have no connection left, by the time at which their departure is to be written.
    leaving: BTreeSet<(Instant, UserId)>,
    /// The changes that were picked last, until they are known to be written.
    picked: Option<Changes>,
    /// Those of `users` that are recorded with another number of connections than they have.
    recounted: BTreeSet<UserId>,
    is_stopped: bool,
}

#[derive(Default)]
struct Connections {
    count: usize,
    left: Option<Left>,
    /// Whether the database has the user as connected here.
    is_recorded: bool,
    /// The number of connections that the database has; `None` while one is being written, or it is not known whether it was.
    recorded: Option<usize>,
}

#[derive(Clone, Copy)]
struct Left {
    due: Instant,
    at: DateTime<Utc>,
}

/// A user whose last connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) user_id: UserId,
    pub(super) seen_at: DateTime<Utc>,
}

/// How many connections a user has here; none within the grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) user_id: UserId,
    pub(super) sockets: usize,
}

/// The changes of one transaction. No user is in two of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) arrivals: Vec<Count>,
    pub(super) departures: Vec<Departure>,
    /// Other numbers of users who are recorded.
    pub(super) counts: Vec<Count>,
}

impl Local {
    /// Counts one more connection. Returns true if there is something to write.
    pub(super) fn enter(&mut self, user_id: UserId) -> bool {
        if self.is_stopped {
            return false;
        }
        let user = self.users.entry(user_id).or_default();
        user.count += 1;
        if let Some(left) = user.left.take() {
            self.leaving.remove(&(left.due, user_id));
        }
        let is_new = !user.is_recorded;
        self.recount(user_id);
        is_new && self.arrived.insert(user_id)
    }

    /// Counts one connection less. Returns true if the task has a new time to wait for.
    pub(super) fn leave(&mut self, user_id: UserId, due: Instant, at: DateTime<Utc>) -> bool {
        let Some(user) = self.users.get_mut(&user_id).filter(|user| user.count > 0) else {
            // `stop` has already ended the connection.
            return false;
        };
        user.count -= 1;
        let is_last = user.count == 0;
        if is_last {
            user.left = Some(Left { due, at });
        }
        self.recount(user_id);
        if !is_last {
            return false;
        }
        let is_first = self.leaving.is_empty();
        self.leaving.insert((due, user_id));
        is_first
    }

    /// Notes whether the user's number of connections has to be written.
    fn recount(&mut self, user_id: UserId) {
        let is_other = |user: &Connections| user.is_recorded && user.recorded != Some(user.count);
        match self.users.get(&user_id).is_some_and(is_other) {
            true => self.recounted.insert(user_id),
            false => self.recounted.remove(&user_id),
        };
    }

    /// Makes every user leave now, and lets nobody enter any more.
    pub(super) fn stop(&mut self, now: Instant, at: DateTime<Utc>) {
        self.is_stopped = true;
        self.leaving.clear();
        self.recounted.clear();
        for (user_id, user) in &mut self.users {
            let at = user.left.map_or(at, |left| left.at);
            user.count = 0;
            user.left = Some(Left { due: now, at });
            self.leaving.insert((now, *user_id));
        }
    }

    /// Returns when the next departure is to be written.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.leaving.first().map(|(due, _)| *due)
    }

    /// Returns whether `stop` was called and everything is written.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped && self.users.is_empty()
    }

    /// Returns whether the database has no user as connected here, and none is about to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Returns the changes to write now; `None` if there are none. Those that were picked and may have been written come once more as they
    /// were, and what their users have done since comes after them.
    pub(super) fn pick(&mut self, now: Instant) -> Option<Changes> {
        if self.picked.is_some() {
            return self.picked.clone();
        }
        let mut changes = Changes::default();
        let due = self.leaving.iter().take_while(|(due, _)| *due <= now);
        let due: Vec<_> = due.take(BATCH_USERS).copied().collect();
        for (due, user_id) in due {
            let Some(user) = self.users.get(&user_id) else {
                continue;
            };
            match user.left {
                Some(left) if user.is_recorded => changes.departures.push(Departure {
                    user_id,
                    seen_at: left.at,
                }),
                // The user came and went before anything was written.
                _ => {
                    self.users.remove(&user_id);
                    self.arrived.remove(&user_id);
                    self.leaving.remove(&(due, user_id));
                }
            }
        }
        let room = BATCH_USERS - changes.departures.len();
        changes.arrivals = self.counts(self.arrived.iter().take(room));
        let is_empty = changes.arrivals.is_empty() && changes.departures.is_empty();
        self.picked = (!is_empty).then_some(changes);
        self.picked.clone()
    }

    /// Returns the numbers to write at a renewal of the lease, of the users after `last`; there are more if these are `BATCH_USERS`.
    pub(super) fn pick_counts(&mut self, last: Option<UserId>) -> Changes {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.recounted.range((from, Bound::Unbounded));
        let counts = self.counts(users.take(BATCH_USERS));
        for count in &counts {
            // If the answer is lost, also a number that is again as it was has to be written.
            if let Some(user) = self.users.get_mut(&count.user_id) {
                user.recorded = None;
            }
        }
        Changes {
            counts,
            ..Changes::default()
        }
    }

    fn counts<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> Vec<Count> {
        let counts = users.map(|user_id| Count {
            user_id: *user_id,
            sockets: self.users.get(user_id).map_or(0, |user| user.count),
        });
        counts.collect()
    }

    /// Records that the picked changes are written. Users may have come and gone meanwhile.
    pub(super) fn written(&mut self, changes: &Changes) {
        self.picked.take_if(|picked| picked == changes);
        for Count { user_id, sockets } in changes.arrivals.iter().chain(&changes.counts) {
            if let Some(user) = self.users.get_mut(user_id) {
                user.is_recorded = true;
                user.recorded = Some(*sockets);
                self.arrived.remove(user_id);
                self.recount(*user_id);
            }
        }
        for Departure { user_id, .. } in &changes.departures {
            let Some(user) = self.users.get_mut(user_id) else {
                continue;
            };
            user.is_recorded = false;
            self.recounted.remove(user_id);
            if user.count > 0 {
                self.arrived.insert(*user_id);
            } else if let Some(user) = self.users.remove(user_id)
                && let Some(left) = user.left
            {
                self.leaving.remove(&(left.due, *user_id));
            }
        }
    }

    /// Records that these changes are certainly not written. Others that were picked may be.
    pub(super) fn unpick(&mut self, changes: &Changes) {
        self.picked.take_if(|picked| picked == changes);
    }

    /// Records that the lease was lost: nothing counts as recorded any more.
    pub(super) fn forget(&mut self) {
        self.picked = None;
        self.recounted.clear();
        for (user_id, user) in &mut self.users {
            user.is_recorded = false;
            self.arrived.insert(*user_id);
        }
    }
}

#[cfg(test)]
mod tests;
