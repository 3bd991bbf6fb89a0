//! Pauses after failures, each twice the one before, up to a maximum. A loop that retries until it succeeds counts its failures
//! here, and logs the first, the second, the fourth and so on, so that an outage of hours does not fill the log.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// After this many doublings every pause is at its maximum.
const MOST_DOUBLINGS: u32 = 20;

/// Returns the pause after this many failures in a row, at least one.
pub(crate) fn pause_after(failures: u32, first: Duration, longest: Duration) -> Duration {
    let pauses = ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .build();
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    let pause = pauses.into_iter().nth(doublings as usize);
    pause.map_or(longest, |pause| pause.min(longest))
}

/// Counts the failures in a row of an action that is retried.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Creates a counter with the first pause and the longest.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// Creates a counter with the longest pause, for dependencies that are near and soon back.
    pub const fn up_to(longest: Duration) -> Self {
        Self::new(Duration::from_millis(40), longest)
    }

    /// Records a success.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Records another failure and returns how many there were in a row.
    pub const fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// Returns the number of failures in a row.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns whether the last failure should be logged.
    pub const fn is_telling(&self) -> bool {
        self.failures.is_power_of_two()
    }

    /// Returns the pause after the last failure.
    pub fn pause(&self) -> Duration {
        pause_after(self.failures, self.first, self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest = Duration::from_secs(1);
        let mut backoff = Backoff::up_to(longest);
        for expected in [40, 80, 160, 320, 640, 1_000, 1_000] {
            backoff.fail();
            let pause = backoff.pause().as_secs_f64() * 1e3;
            assert!(
                (pause - f64::from(expected)).abs() < 0.01,
                "{pause} {expected}"
            );
        }
        for _ in 0..100_000 {
            backoff.fail();
        }
        assert_eq!(backoff.pause(), longest);
        backoff.reset();
        backoff.fail();
        assert!(backoff.pause() < Duration::from_millis(41));
    }

    #[test]
    fn what_is_tried_again_at_once_always_is() {
        let longest = Duration::from_secs(60);
        assert_eq!(
            pause_after(u32::MAX, Duration::ZERO, longest),
            Duration::ZERO
        );
    }
}
