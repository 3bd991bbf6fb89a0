//! The database's clock in SQL, for leases, due times and what operators are shown: the clocks of processes decide nothing.
//! Postgres has timestamps; SQLite has seconds since 1970. Both are read as seconds.

use chrono::{DateTime, Utc};
use sea_orm::{DbBackend, QueryResult};

use crate::Result;

/// The time at which the statement began. It does not change within it, so an index can be searched for it.
pub(crate) fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "statement_timestamp()",
        _ => "unixepoch('subsec')",
    }
}

/// That time and as many seconds as the parameter says, which may be negative.
pub(crate) fn now_plus(backend: DbBackend, parameter: u8) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("statement_timestamp() + make_interval(secs => ${parameter})")
        }
        _ => format!("unixepoch('subsec') + ${parameter}"),
    }
}

/// A time as seconds since 1970.
pub(crate) fn seconds(backend: DbBackend, time: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("extract(epoch from {time})::float8"),
        _ => time.to_owned(),
    }
}

/// What `seconds` selected.
pub(crate) fn read_time(row: &QueryResult, column: &str) -> Result<Option<DateTime<Utc>>> {
    let seconds: Option<f64> = row.try_get("", column)?;
    Ok(seconds.and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)))
}
