//! Statements that take long are logged, with their text but without their values, on behalf of the request whose span they run in.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The most of a statement that is logged, in bytes.
const SHOWN: usize = 400;

/// From when on a statement is slow, in milliseconds; 0 if none is.
static SLOW_MS: AtomicU64 = AtomicU64::new(0);

/// Sets from when on a statement is slow; zero means never.
pub fn warn_of_statements_over(limit: Duration) {
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    SLOW_MS.store(limit, Ordering::Relaxed);
}

/// Logs a statement if it took long.
pub(super) fn tell(sql: &str, took: Duration) {
    let slow = SLOW_MS.load(Ordering::Relaxed);
    if slow == 0 || took.as_millis() < u128::from(slow) {
        return;
    }
    let words: Vec<&str> = sql.split_whitespace().collect();
    let mut statement = words.join(" ");
    statement.truncate(statement.floor_char_boundary(SHOWN));
    let duration_ms = took.as_millis() as u64;
    tracing::warn!(target: "slow", duration_ms, statement, "a statement took {duration_ms} ms");
}
