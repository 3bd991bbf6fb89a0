//! The connections of this process in memory, and the changes that are yet to be written. Pure: no I/O, no clock. It has one
//! entry for each user who is connected here, or was within the grace period.

use std::collections::{BTreeSet, HashMap};

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
    is_stopped: bool,
}

#[derive(Default)]
struct Connections {
    count: usize,
    left: Option<Left>,
    /// Whether the database has the user as connected here.
    is_recorded: bool,
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

/// The changes of one transaction. No user is in both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) arrivals: Vec<UserId>,
    pub(super) departures: Vec<Departure>,
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
        !user.is_recorded && self.arrived.insert(user_id)
    }

    /// Counts one connection less. Returns true if the task has a new time to wait for.
    pub(super) fn leave(&mut self, user_id: UserId, due: Instant, at: DateTime<Utc>) -> bool {
        let Some(user) = self.users.get_mut(&user_id).filter(|user| user.count > 0) else {
            // `stop` has already ended the connection.
            return false;
        };
        user.count -= 1;
        if user.count > 0 {
            return false;
        }
        user.left = Some(Left { due, at });
        let is_first = self.leaving.is_empty();
        self.leaving.insert((due, user_id));
        is_first
    }

    /// Makes every user leave now, and lets nobody enter any more.
    pub(super) fn stop(&mut self, now: Instant, at: DateTime<Utc>) {
        self.is_stopped = true;
        self.leaving.clear();
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
        changes.arrivals = self.arrived.iter().take(room).copied().collect();
        let is_empty = changes.arrivals.is_empty() && changes.departures.is_empty();
        self.picked = (!is_empty).then_some(changes);
        self.picked.clone()
    }

    /// Records that the picked changes are written. Users may have come and gone meanwhile.
    pub(super) fn written(&mut self, changes: &Changes) {
        self.picked.take_if(|picked| picked == changes);
        for user_id in &changes.arrivals {
            if let Some(user) = self.users.get_mut(user_id) {
                user.is_recorded = true;
                self.arrived.remove(user_id);
            }
        }
        for Departure { user_id, .. } in &changes.departures {
            let Some(user) = self.users.get_mut(user_id) else {
                continue;
            };
            user.is_recorded = false;
            if user.count > 0 {
                self.arrived.insert(*user_id);
            } else if let Some(user) = self.users.remove(user_id)
                && let Some(left) = user.left
            {
                self.leaving.remove(&(left.due, *user_id));
            }
        }
    }

    /// Records that nothing of what was picked is written.
    pub(super) fn unpick(&mut self) {
        self.picked = None;
    }

    /// Records that the lease was lost: nothing counts as recorded any more.
    pub(super) fn forget(&mut self) {
        self.unpick();
        for (user_id, user) in &mut self.users {
            user.is_recorded = false;
            self.arrived.insert(*user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    fn setup() -> (Local, UserId, Instant, DateTime<Utc>) {
        (
            Local::default(),
            UserId::from_uuid(Uuid::from_u128(1)),
            Instant::now(),
            ::events::now(),
        )
    }

    fn arrival(user_id: UserId) -> Option<Changes> {
        Some(Changes {
            arrivals: vec![user_id],
            ..Changes::default()
        })
    }

    fn departure(user_id: UserId, seen_at: DateTime<Utc>) -> Option<Changes> {
        Some(Changes {
            departures: vec![Departure { user_id, seen_at }],
            ..Changes::default()
        })
    }

    fn write(local: &mut Local, now: Instant) -> Option<Changes> {
        let changes = local.pick(now);
        if let Some(changes) = &changes {
            local.written(changes);
        }
        changes
    }

    #[test]
    fn the_last_connection_counts_and_the_grace_is_kept() {
        let (mut local, user, now, at) = setup();
        assert!(local.enter(user));
        assert!(!local.enter(user));
        assert_eq!(write(&mut local, now), arrival(user));
        assert!(!local.leave(user, now + GRACE, at));
        assert_eq!(local.next_due(), None);
        assert!(local.leave(user, now + GRACE, at));
        assert_eq!(write(&mut local, now), None);
        assert!(!local.enter(user), "back within the grace");
        assert_eq!(write(&mut local, now + GRACE), None);
        local.leave(user, now + 2 * GRACE, at);
        assert_eq!(write(&mut local, now + 2 * GRACE), departure(user, at));
        assert!(local.is_empty() && local.next_due().is_none());
    }

    #[test]
    fn who_comes_back_while_their_departure_is_written_is_entered_again() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        write(&mut local, now);
        local.leave(user, now, at);
        let changes = local.pick(now).expect("a departure");
        assert!(!local.enter(user));
        local.written(&changes);
        assert_eq!(write(&mut local, now), arrival(user));
    }

    #[test]
    fn what_may_have_been_written_is_written_again() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        assert_eq!(local.pick(now), arrival(user), "its answer is lost");
        local.leave(user, now, at);
        assert_eq!(write(&mut local, now), arrival(user));
        assert_eq!(local.pick(now), departure(user, at), "its answer, too");
        assert!(!local.enter(user));
        assert_eq!(write(&mut local, now), departure(user, at));
        assert_eq!(write(&mut local, now), arrival(user));
        assert_eq!(local.pick(now), None);
    }

    #[test]
    fn what_was_certainly_not_written_is_decided_anew() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        assert_eq!(local.pick(now), arrival(user));
        local.unpick();
        local.leave(user, now, at);
        assert_eq!(local.pick(now), None);
        assert!(local.is_empty());
    }

    #[test]
    fn who_came_and_went_before_it_was_written_leaves_nothing() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        local.leave(user, now, at);
        assert_eq!(local.pick(now), None);
        assert!(local.is_empty() && local.arrived.is_empty() && local.leaving.is_empty());
    }

    #[test]
    fn a_lost_lease_enters_everybody_again() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        write(&mut local, now);
        local.forget();
        assert_eq!(write(&mut local, now), arrival(user));
        local.leave(user, now, at);
        assert_eq!(write(&mut local, now), departure(user, at));
    }

    #[test]
    fn a_stop_waits_for_no_grace_and_lets_nobody_in() {
        let (mut local, user, now, at) = setup();
        local.enter(user);
        write(&mut local, now);
        local.stop(now, at);
        assert!(!local.is_over());
        assert_eq!(write(&mut local, now), departure(user, at));
        assert!(local.is_over());
        assert!(!local.enter(user) && local.is_over());
        assert!(!local.leave(user, now, at));
    }

    #[test]
    fn one_transaction_has_a_bounded_number_of_users() {
        let (mut local, _, now, _) = setup();
        for number in 0..=BATCH_USERS as u128 {
            local.enter(UserId::from_uuid(Uuid::from_u128(number)));
        }
        let sizes: Vec<_> = std::iter::from_fn(|| write(&mut local, now))
            .map(|changes| changes.arrivals.len())
            .collect();
        assert_eq!(sizes, [BATCH_USERS, 1]);
    }
}
