//! The turns in which live queries are executed: some at once in the process, and fewer of one user, or of one network without sign-in. An
//! event may concern all groups there are; they wait here, and not for connections to the database, which others need.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use events::Claimant;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most executions of a process at once, and those for one claimant.
const AT_ONCE: usize = 16;
const OF_ONE: usize = 4;

pub(super) struct Turns {
    all: Arc<Semaphore>,
    of_one: Mutex<HashMap<Claimant, Weak<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE)),
            of_one: Mutex::default(),
        }
    }
}

/// The turns of one claimant.
pub(super) struct Own {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

impl Turns {
    /// Returns the turns of this claimant.
    pub(super) fn of(&self, claimant: Option<Claimant>) -> Own {
        let all = self.all.clone();
        let new = || Arc::new(Semaphore::new(OF_ONE));
        let Some(claimant) = claimant else {
            return Own { all, own: new() };
        };
        let mut of_one = self.of_one.lock();
        if let Some(own) = of_one.get(&claimant).and_then(Weak::upgrade) {
            return Own { all, own };
        }
        of_one.retain(|_, own| own.strong_count() > 0);
        let own = new();
        of_one.insert(claimant, Arc::downgrade(&own));
        Own { all, own }
    }
}

impl Own {
    /// Waits for a turn, which ends when the result is dropped. It waits among its own first, and so takes no place from others meanwhile.
    pub(super) async fn take(&self) -> (Option<SemaphorePermit<'_>>, Option<SemaphorePermit<'_>>) {
        // Neither is ever closed.
        let own = self.own.acquire().await.ok();
        (own, self.all.acquire().await.ok())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_claimant_leaves_turns_to_others() {
        let turns = Turns::default();
        let [one, other] = [1, 2].map(|it| Some(Claimant::User(Uuid::from_u128(it))));
        let ones: Vec<_> = (0..=OF_ONE).map(|_| turns.of(one)).collect();
        let taken: Vec<_> = ones
            .iter()
            .filter_map(|own| own.take().now_or_never())
            .collect();
        assert_eq!(taken.len(), OF_ONE);
        assert!(turns.of(other).take().now_or_never().is_some());
        drop(taken);
        assert!(turns.of(one).take().now_or_never().is_some());
        drop(ones);
        turns.of(other);
        assert_eq!(turns.of_one.lock().len(), 1, "nobody is remembered");
    }
}
