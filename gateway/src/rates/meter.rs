//! What one holder has spent lately, as a debt that is paid off as time passes (GCRA): a whole minute of it is all that a minute allows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The window of all limits.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
const WINDOW_NANOS: u64 = WINDOW.as_secs() * 1_000_000_000;
/// A debt below this part of the window is nobody else's business.
const TOLD_FROM: u64 = WINDOW_NANOS / 100;

/// What may be spent in a window; never nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota(u64);

impl Quota {
    /// Returns the limit; 0 stands for none.
    pub(super) fn of(cost: u64) -> Option<Self> {
        (cost > 0).then_some(Self(cost))
    }

    pub(super) const fn cost(self) -> u64 {
        self.0
    }

    /// Returns the time that it takes to pay this off. What costs more than a whole window is allowed when nothing else is owed.
    fn time_of(self, cost: u64) -> u64 {
        scaled(cost.min(self.0), WINDOW_NANOS, self.0)
    }

    /// Returns what is left to spend beside a debt.
    fn left(self, debt: u64) -> u64 {
        scaled(WINDOW_NANOS.saturating_sub(debt), self.0, WINDOW_NANOS)
    }
}

/// Returns `value * by / of`, for a `value` that is at most `of`.
fn scaled(value: u64, by: u64, of: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(by) / u128::from(of);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The time of this process, which begins with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A debt, in nanoseconds of the clock.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When it is paid off.
    paid_off: AtomicU64,
    /// What the other gateways have not been told of.
    untold: AtomicU64,
    /// Whether they are about to be told.
    is_queued: AtomicBool,
}

impl Meter {
    fn debt(&self, now: u64) -> u64 {
        self.paid_off.load(Ordering::Relaxed).saturating_sub(now)
    }

    /// Returns how long it takes until this can be spent; zero when it can be now.
    pub(super) fn wait(&self, now: u64, quota: Quota, cost: u64) -> Duration {
        let debt = self.debt(now).saturating_add(quota.time_of(cost));
        Duration::from_nanos(debt.saturating_sub(WINDOW_NANOS))
    }

    /// Spends this, whether it is there or not. Of two at once that find room for one, both are let in, and owe for both.
    pub(super) fn spend(&self, now: u64, quota: Quota, cost: u64) {
        let time = quota.time_of(cost);
        let add = |paid_off: u64| Some(paid_off.max(now).saturating_add(time));
        let _ = self
            .paid_off
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.untold.fetch_add(time, Ordering::Relaxed);
    }

    /// Returns what is left to spend, and how long it takes until everything is.
    pub(super) fn left(&self, now: u64, quota: Quota) -> (u64, Duration) {
        let debt = self.debt(now);
        (quota.left(debt), Duration::from_nanos(debt))
    }

    /// Returns whether the others must be told, and nobody is about to.
    pub(super) fn queue(&self, now: u64) -> bool {
        self.debt(now) >= TOLD_FROM && !self.is_queued.swap(true, Ordering::Relaxed)
    }

    pub(super) fn leave_queue(&self) {
        self.is_queued.store(false, Ordering::Relaxed);
    }

    /// Takes what the others are to be told. What has been paid off meanwhile is nobody's business any more.
    pub(super) fn take_untold(&self, now: u64) -> Duration {
        self.leave_queue();
        let untold = self.untold.swap(0, Ordering::Relaxed);
        Duration::from_nanos(untold.min(self.debt(now)))
    }

    /// Learns what all gateways together are owed. It is never less than what this one is owed, unless Redis has lost something.
    pub(super) fn learn(&self, now: u64, debt: Duration) {
        let debt = u64::try_from(debt.as_nanos()).unwrap_or(u64::MAX);
        self.paid_off
            .fetch_max(now.saturating_add(debt), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn quota() -> Quota {
        Quota::of(600).expect("a quota")
    }

    #[test]
    fn a_minute_s_worth_is_there_at_once_and_comes_back_in_a_minute() {
        let meter = Meter::default();
        for _ in 0..6 {
            assert_eq!(meter.wait(0, quota(), 100), Duration::ZERO);
            meter.spend(0, quota(), 100);
        }
        assert_eq!(meter.wait(0, quota(), 100), Duration::from_secs(10));
        assert_eq!(meter.wait(10 * SECOND, quota(), 100), Duration::ZERO);
        assert_eq!(
            meter.left(15 * SECOND, quota()),
            (150, Duration::from_secs(45))
        );
        assert_eq!(meter.left(90 * SECOND, quota()), (600, Duration::ZERO));
        let much = u64::MAX;
        assert_eq!(meter.wait(60 * SECOND, quota(), much), Duration::ZERO);
        meter.spend(60 * SECOND, quota(), much);
        assert_eq!(
            meter.wait(60 * SECOND, quota(), 1),
            Duration::from_millis(100)
        );
    }

    #[test]
    fn others_are_told_of_what_is_still_owed() {
        let meter = Meter::default();
        meter.spend(0, quota(), 1);
        assert!(!meter.queue(0), "too little");
        meter.spend(0, quota(), 99);
        assert!(meter.queue(0) && !meter.queue(0), "once");
        assert_eq!(meter.take_untold(4 * SECOND), Duration::from_secs(6));
        meter.spend(5 * SECOND, quota(), 100);
        assert!(meter.queue(5 * SECOND), "again");
        assert_eq!(meter.take_untold(5 * SECOND), Duration::from_secs(10));
        meter.learn(5 * SECOND, Duration::from_secs(2));
        assert_eq!(meter.left(5 * SECOND, quota()).1, Duration::from_secs(15));
        meter.learn(5 * SECOND, Duration::from_secs(40));
        assert_eq!(meter.left(5 * SECOND, quota()).1, Duration::from_secs(40));
    }

    proptest! {
        /// Whatever is asked for when: what is let in within any time is at most a window's worth, and what comes back in it.
        #[test]
        fn nobody_spends_more_than_is_there(
            asked in proptest::collection::vec((0..5 * SECOND, 1..300_u64), 1..200),
        ) {
            let meter = Meter::default();
            let (mut now, mut spent) = (0, 0);
            for (pause, cost) in asked {
                now += pause;
                if meter.wait(now, quota(), cost).is_zero() {
                    meter.spend(now, quota(), cost);
                    spent += cost;
                }
                // Each division may lose a nanosecond.
                prop_assert!(spent <= 600 + now / (SECOND / 10) + 1);
            }
        }
    }
}
