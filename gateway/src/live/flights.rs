//! Identical queries of one user that are under way at the same time: one of them is executed, and the others wait for its answer. Here is
//! who waits for whom; what is identical, and the argument, is in `answering`, which calls this.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use entities::users::UserId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The most flights at once. What is beyond is executed by itself.
const MOST: usize = 4_096;
const MOST_OF_A_USER: usize = 64;
/// The most queries that wait for one flight.
const MOST_JOINED: usize = 1_024;

/// The queries that are under way. Those with equal keys get the same answer.
pub(super) struct Flights<K, T> {
    aloft: Mutex<Aloft<K, T>>,
    /// How often somebody may have been told something that a query from before does not show.
    told: AtomicU64,
}

struct Aloft<K, T> {
    of_users: HashMap<UserId, Vec<Flight<K, T>>>,
    count: usize,
    /// How many have begun.
    begun: u64,
}

/// A query that is executed.
struct Flight<K, T> {
    number: u64,
    key: K,
    /// Whether others may join it. Nobody does when its user has been told something else since it began.
    is_open: bool,
    joined: Vec<oneshot::Sender<Landed<T>>>,
}

/// What those who have joined a flight get: an answer, or nothing, if it is of its own query alone. When the flight ended without landing,
/// they get an error.
type Landed<T> = Option<Arc<T>>;
pub(super) type Joined<T> = oneshot::Receiver<Landed<T>>;

/// The place of a query.
pub(super) enum Place<'a, K, T> {
    /// It is executed, and others may join it.
    Lead(Lead<'a, K, T>),
    /// It waits for another one.
    Join(Joined<T>),
    /// It is executed, and nobody joins it.
    Alone,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        let aloft = Aloft {
            of_users: HashMap::new(),
            count: 0,
            begun: 0,
        };
        Self {
            aloft: Mutex::new(aloft),
            told: AtomicU64::new(0),
        }
    }
}

impl<K, T> Flights<K, T> {
    /// Notes that what was executed is about to be told: who hears it joins no query from before.
    pub(super) fn note_told(&self) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns how often that was noted.
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// Does the same for what one user alone is about to be told.
    pub(super) fn close(&self, user: UserId) {
        if let Some(flights) = self.aloft.lock().of_users.get_mut(&user) {
            close_all(flights);
        }
    }

    /// Returns how many queries wait for another one.
    pub(super) fn waiting(&self) -> usize {
        let aloft = self.aloft.lock();
        let joined = aloft.of_users.values().flatten().map(|it| &it.joined);
        joined.flatten().filter(|it| !it.is_closed()).count()
    }

    /// Takes a flight off the list, and returns who has joined it. With its answer the user's others are closed.
    fn take(
        &self,
        user: UserId,
        number: u64,
        is_answered: bool,
    ) -> Vec<oneshot::Sender<Landed<T>>> {
        let mut aloft = self.aloft.lock();
        let Some(flights) = aloft.of_users.get_mut(&user) else {
            return Vec::new();
        };
        let Some(at) = flights.iter().position(|it| it.number == number) else {
            return Vec::new();
        };
        let flight = flights.swap_remove(at);
        if is_answered {
            close_all(flights);
        }
        if flights.is_empty() {
            aloft.of_users.remove(&user);
        }
        aloft.count -= 1;
        flight.joined
    }
}

fn close_all<K, T>(flights: &mut [Flight<K, T>]) {
    flights.iter_mut().for_each(|flight| flight.is_open = false);
}

impl<K: PartialEq, T> Flights<K, T> {
    /// Finds the place of a query that begins now.
    pub(super) fn board(&self, user: UserId, key: K) -> Place<'_, K, T> {
        let mut aloft = self.aloft.lock();
        let Aloft {
            of_users,
            count,
            begun,
        } = &mut *aloft;
        let has_room = *count < MOST;
        let flights = match of_users.get_mut(&user) {
            Some(flights) => flights,
            None if has_room => of_users.entry(user).or_default(),
            None => return Place::Alone,
        };
        let same = flights.iter_mut().find(|it| it.is_open && it.key == key);
        if let Some(flight) = same {
            return flight.join();
        }
        if !has_room || flights.len() >= MOST_OF_A_USER {
            return Place::Alone;
        }
        *count += 1;
        *begun += 1;
        flights.push(Flight {
            number: *begun,
            key,
            is_open: true,
            joined: Vec::new(),
        });
        Place::Lead(Lead {
            flights: self,
            user,
            number: *begun,
            is_aloft: true,
        })
    }
}

impl<K, T> Flight<K, T> {
    fn join<'a>(&mut self) -> Place<'a, K, T> {
        if self.joined.len() >= MOST_JOINED {
            // Some may have left.
            self.joined.retain(|it| !it.is_closed());
            if self.joined.len() >= MOST_JOINED {
                return Place::Alone;
            }
        }
        let (sender, receiver) = oneshot::channel();
        self.joined.push(sender);
        Place::Join(receiver)
    }
}

/// What a query that others may join is executed under. When it is dropped without landing, they have to go on by themselves.
pub(super) struct Lead<'a, K, T> {
    flights: &'a Flights<K, T>,
    user: UserId,
    number: u64,
    is_aloft: bool,
}

impl<K, T> Lead<'_, K, T> {
    /// Hands what the answer makes to those who have joined, if there are any. The user is about to be told the answer.
    pub(super) fn land(mut self, make: impl FnOnce() -> Option<T>) {
        self.is_aloft = false;
        let joined = self.flights.take(self.user, self.number, true);
        if joined.is_empty() {
            return;
        }
        let landed = make().map(Arc::new);
        for waiting in joined {
            // Whoever has left needs none.
            let _ = waiting.send(landed.clone());
        }
    }
}

impl<K, T> Drop for Lead<'_, K, T> {
    fn drop(&mut self) {
        if self.is_aloft {
            // They are woken when the lock is free again.
            drop(self.flights.take(self.user, self.number, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    type Numbers = Flights<u32, &'static str>;

    fn lead(flights: &Numbers, user: UserId, key: u32) -> Lead<'_, u32, &'static str> {
        match flights.board(user, key) {
            Place::Lead(lead) => lead,
            Place::Join(_) => panic!("{key} is under way"),
            Place::Alone => panic!("there is no room for {key}"),
        }
    }

    fn join(flights: &Numbers, user: UserId, key: u32) -> Joined<&'static str> {
        match flights.board(user, key) {
            Place::Join(joined) => joined,
            _ => panic!("{key} is not under way"),
        }
    }

    fn is_empty(flights: &Numbers) -> bool {
        let aloft = flights.aloft.lock();
        aloft.of_users.is_empty() && aloft.count == 0
    }

    #[tokio::test]
    async fn who_comes_together_gets_one_answer_and_whoever_comes_later_another() {
        let (flights, user) = (Numbers::default(), UserId::generate());
        let first = lead(&flights, user, 7);
        let (second, third) = (join(&flights, user, 7), join(&flights, user, 7));
        assert_eq!(flights.waiting(), 2);
        drop(third);
        assert_eq!(flights.waiting(), 1);
        first.land(|| Some("seven"));
        assert_eq!(second.await, Ok(Some(Arc::new("seven"))));
        assert!(is_empty(&flights));
        let later = lead(&flights, user, 7);
        later.land(|| unreachable!("nobody has joined"));
    }

    #[test]
    fn other_keys_and_other_users_are_by_themselves() {
        let (flights, user) = (Numbers::default(), UserId::generate());
        let _first = lead(&flights, user, 7);
        let _other_key = lead(&flights, user, 8);
        let _other_user = lead(&flights, UserId::generate(), 7);
        assert_eq!(flights.waiting(), 0);
    }

    #[tokio::test]
    async fn what_ends_without_an_answer_leaves_nobody_waiting() {
        let (flights, user) = (Numbers::default(), UserId::generate());
        // Its client has hung up, or its time was over.
        let cancelled = lead(&flights, user, 7);
        let waiting = join(&flights, user, 7);
        drop(cancelled);
        assert!(waiting.await.is_err());
        let panicked = lead(&flights, user, 7);
        let waiting = join(&flights, user, 7);
        let panicking = AssertUnwindSafe(move || {
            let _panicked = panicked;
            std::panic::resume_unwind(Box::new("as it should"));
        });
        assert!(catch_unwind(panicking).is_err());
        assert!(waiting.await.is_err());
        // One that failed says so.
        let failed = lead(&flights, user, 7);
        let waiting = join(&flights, user, 7);
        failed.land(|| None);
        assert_eq!(waiting.await, Ok(None));
        assert!(is_empty(&flights));
    }

    #[tokio::test]
    async fn who_was_told_something_joins_nothing_from_before() {
        let (flights, user) = (Numbers::default(), UserId::generate());
        let before = lead(&flights, user, 7);
        let waiting = join(&flights, user, 7);
        let other = lead(&flights, user, 8);
        let _of_another = lead(&flights, UserId::generate(), 8);
        other.land(|| None);
        let after = lead(&flights, user, 7);
        let joined = join(&flights, user, 7);
        // Those who had joined before get what they came for.
        before.land(|| Some("before"));
        assert_eq!(waiting.await, Ok(Some(Arc::new("before"))));
        after.land(|| Some("after"));
        assert_eq!(joined.await, Ok(Some(Arc::new("after"))));
        let again = lead(&flights, user, 7);
        flights.close(user);
        let _latest = lead(&flights, user, 7);
        drop(again);
        join(&flights, user, 7);
    }

    #[test]
    fn there_is_room_for_so_many() {
        let (flights, user) = (Numbers::default(), UserId::generate());
        let _many: Vec<_> = (0..MOST_OF_A_USER as u32)
            .map(|key| lead(&flights, user, key))
            .collect();
        assert!(matches!(flights.board(user, u32::MAX), Place::Alone));
        let mut joined: Vec<_> = (0..MOST_JOINED).map(|_| join(&flights, user, 7)).collect();
        assert!(matches!(flights.board(user, 7), Place::Alone));
        joined.pop();
        joined.push(join(&flights, user, 7));
        let others = MOST - MOST_OF_A_USER;
        let _others: Vec<_> = (0..others)
            .map(|_| lead(&flights, UserId::generate(), 7))
            .collect();
        let stranger = UserId::generate();
        assert!(matches!(flights.board(stranger, 7), Place::Alone));
    }
}
