//! The clock of SQLite, and times as both databases tell them. SQLite has no clock but the time of day of its process, which may
//! be set while that runs: leases would end, or last for hours. So it is corrected to go on as it began.

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use crate::Result;

/// When the time of day was looked at first, and what it was.
static BEGAN: LazyLock<(Instant, f64)> = LazyLock::new(|| (Instant::now(), time_of_day()));

fn time_of_day() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// How many seconds the time of day was set back since the process began. Whole ones, so that there are few statements; less
/// than one is no jump.
fn set_back(elapsed: f64, began: f64, now: f64) -> i64 {
    (began + elapsed - now).trunc() as i64
}

/// The time on SQLite.
pub(crate) fn sqlite_now() -> String {
    let (at, began) = &*BEGAN;
    match set_back(at.elapsed().as_secs_f64(), *began, time_of_day()) {
        0 => "unixepoch('subsec')".to_owned(),
        seconds => format!("(unixepoch('subsec') + {seconds})"),
    }
}

/// What `Dialect::seconds` selected.
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
