//! How many events one transaction of a follower applies: a few at first, then twice as many after each full one that was quick.
//! So a follower that is far behind takes few transactions, and one whose database is slow, or whose events fail, takes small ones.
//!
//! A transaction that is twice as large as a quick one takes about half of the lease. Leases are renewed after a third of their
//! length at the latest, between transactions, so they hold until it has ended. Nothing depends on that but the work that would
//! be done twice: the fence keeps a late transaction from committing, whatever its size.

use std::time::Duration;

use tokio::time::Instant;

use super::FollowerConfig;

/// The most events of the first transaction, and of one after a failure.
const FIRST_EVENTS: u64 = 500;
/// The longest transaction that counts as quick: others may wait for its locks, and a process that stops waits for its end.
const LONGEST_QUICK: Duration = Duration::from_millis(500);

/// The size of a follower's transactions.
pub(super) struct Pace {
    first: u64,
    most: u64,
    events: u64,
    quick: Duration,
}

impl Pace {
    pub(super) fn new(config: &FollowerConfig) -> Self {
        let first = FIRST_EVENTS.min(config.batch_events).max(1);
        Self {
            first,
            most: config.batch_events.max(first),
            events: first,
            quick: (config.lease / 4).min(LONGEST_QUICK),
        }
    }

    /// Returns the most events of a transaction that may fail.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the most events of the next transaction.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Returns whether reading for a transaction has taken long enough.
    pub(super) fn is_late(&self, began: Instant) -> bool {
        began.elapsed() >= self.quick
    }

    /// Notes a transaction with so many events that has committed after this time.
    pub(super) fn note(&mut self, events: u64, took: Duration) {
        if took > 2 * self.quick {
            self.events = (self.events / 2).max(self.first);
        } else if events >= self.events && took <= self.quick {
            self.events = (self.events * 2).min(self.most);
        }
    }

    /// Begins again with a small transaction, after a failure.
    pub(super) fn restart(&mut self) {
        self.events = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(batch_events: u64) -> Pace {
        Pace::new(&FollowerConfig {
            owner: String::new(),
            lease: Duration::from_secs(2),
            batch_events,
        })
    }

    #[test]
    fn full_quick_transactions_grow_up_to_the_limit() {
        let mut pace = pace(1_500);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            sizes.push(pace.events());
            pace.note(pace.events(), Duration::from_millis(20));
        }
        assert_eq!(sizes, [500, 1_000, 1_500, 1_500]);
        pace.restart();
        assert_eq!(pace.events(), 500);
    }

    #[test]
    fn slow_and_small_transactions_do_not_grow() {
        let mut pace = pace(4_000);
        pace.note(499, Duration::ZERO);
        assert_eq!(pace.events(), 500, "it was not full");
        pace.note(500, Duration::from_millis(20));
        pace.note(1_000, Duration::from_millis(600));
        assert_eq!(pace.events(), 1_000, "it was not quick");
        pace.note(1_000, Duration::from_millis(1_001));
        assert_eq!(pace.events(), 500, "it was slow");
        pace.note(500, Duration::from_secs(9));
        assert_eq!(pace.events(), 500, "the smallest");
    }

    #[test]
    fn the_limit_is_never_exceeded() {
        let mut pace = pace(7);
        pace.note(7, Duration::ZERO);
        assert_eq!((pace.first(), pace.events()), (7, 7));
    }
}
