//! The clock of SQLite, the reading of times from both databases, and moments that count the time for which the machine slept. SQLite's
//! only clock is the time of day of its process, which may be set while that runs: leases would end, or last for hours. So it is
//! corrected to continue as it began.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use tokio::time::Instant;

use crate::{Result, metrics::METRICS};

/// A moment of this process. Unlike with `Instant` alone, the time between two of them includes that for which the machine slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    at: Instant,
    /// How long the machine had slept by then, since it was started.
    slept: Duration,
}

impl Moment {
    pub(crate) fn now() -> Self {
        let (at, slept) = (Instant::now(), slept());
        Self { at, slept }
    }

    /// Returns the time since an earlier moment.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let awake = self.at.saturating_duration_since(earlier.at);
        awake + self.slept.saturating_sub(earlier.slept)
    }

    pub(crate) fn instant(self) -> Instant {
        self.at
    }

    /// Returns the moment that is this much later, of which the machine sleeps for a part.
    #[cfg(test)]
    pub(crate) fn later(self, awake: Duration, asleep: Duration) -> Self {
        Self {
            at: self.at + awake,
            slept: self.slept + asleep,
        }
    }
}

#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let awake = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(awake)
}

/// Elsewhere it is not known.
#[cfg(not(target_os = "linux"))]
fn slept() -> Duration {
    Duration::ZERO
}

/// The moment of the first look at the time of day, and the time it showed.
static BEGAN: LazyLock<(Moment, f64)> = LazyLock::new(|| (Moment::now(), time_of_day()));

fn time_of_day() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Returns by how many seconds the time of day was set back since the process began. Seconds are whole, so that there are few
/// statements; less than one is not counted as a jump.
fn set_back(elapsed: f64, began: f64, now: f64) -> i64 {
    (began + elapsed - now).trunc() as i64
}

/// The expression for the current time on SQLite.
pub(crate) fn sqlite_now() -> String {
    let (at, began) = &*BEGAN;
    let elapsed = Moment::now().since(*at);
    match set_back(elapsed.as_secs_f64(), *began, time_of_day()) {
        0 => "unixepoch('subsec')".to_owned(),
        seconds => format!("(unixepoch('subsec') + {seconds})"),
    }
}

/// Reads a time that `Dialect::seconds` selected.
pub(crate) fn read_time(row: &QueryResult, column: &str) -> Result<Option<DateTime<Utc>>> {
    let seconds: Option<f64> = row.try_get("", column)?;
    Ok(seconds.and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)))
}

/// A time that is farther in the future than this is a wrong one: the clocks of machines with a time service differ by less.
pub(crate) const AHEAD: Duration = Duration::from_secs(5);

/// Counts the times of events that are in the future by the clock of this process, and warns, more rarely the more there are.
pub(crate) fn note_ahead(times: impl Iterator<Item = DateTime<Utc>>) {
    let now = Utc::now();
    let ahead: Vec<_> = times.filter(|time| *time > now + AHEAD).collect();
    let Some(latest) = ahead.iter().max() else {
        return;
    };
    let before = METRICS.ahead.inc_by(ahead.len() as u64);
    let all = before + ahead.len() as u64;
    if before.checked_ilog2() != all.checked_ilog2() {
        let seconds = (*latest - now).num_seconds();
        tracing::warn!(
            seconds,
            events = all,
            "an event has a time that is {seconds} s in the future: the clock of the machine that wrote it is ahead, or that of this one \
             is behind"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_for_which_the_machine_slept_counts() {
        let start = Moment::now();
        let [second, hour] = [1, 3_600].map(Duration::from_secs);
        let resumed = start.later(second, hour);
        assert_eq!(resumed.since(start), second + hour);
        assert!(resumed > start);
        let elapsed = resumed.since(start).as_secs_f64();
        assert_eq!(set_back(elapsed, 1_000.0, 4_601.0), 0, "it was not set");
    }

    #[test]
    fn a_clock_that_is_set_goes_on_as_it_began() {
        assert_eq!(set_back(10.0, 1_000.0, 1_010.0), 0);
        assert_eq!(set_back(10.0, 1_000.0, 1_010.9), 0);
        assert_eq!(set_back(10.0, 1_000.0, 4_610.5), -3_600);
        assert_eq!(set_back(10.0, 5_000.0, 1_410.5), 3_599);
    }
}
