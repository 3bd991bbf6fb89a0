//! The clock of SQLite, and the reading of times from both databases. SQLite's only clock is the time of day of its process,
//! which may be set while that runs: leases would end, or last for hours. So it is corrected to continue as it began.

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use crate::Result;

/// The moment of the first look at the time of day, and the time it showed.
static BEGAN: LazyLock<(Instant, f64)> = LazyLock::new(|| (Instant::now(), time_of_day()));

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
    match set_back(at.elapsed().as_secs_f64(), *began, time_of_day()) {
        0 => "unixepoch('subsec')".to_owned(),
        seconds => format!("(unixepoch('subsec') + {seconds})"),
    }
}

/// Reads a time that `Dialect::seconds` selected.
pub(crate) fn read_time(row: &QueryResult, column: &str) -> Result<Option<DateTime<Utc>>> {
    let seconds: Option<f64> = row.try_get("", column)?;
    Ok(seconds.and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_goes_on_as_it_began() {
        assert_eq!(set_back(10.0, 1_000.0, 1_010.0), 0);
        assert_eq!(set_back(10.0, 1_000.0, 1_010.9), 0);
        assert_eq!(set_back(10.0, 1_000.0, 4_610.5), -3_600);
        assert_eq!(set_back(10.0, 5_000.0, 1_410.5), 3_599);
    }
}
