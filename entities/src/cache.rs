//! Hot rows, cached in two levels: in this process, and in the store that all processes share. A value is *fresh* if it shows
//! every event up to the tail's position here, which is never behind a response's cursor; `validity` has the argument. An
//! outdated value is loaded again, once for all concurrent requests. If the load fails or exceeds the soft timeout, or the log
//! cannot be read, the last known value is returned as *stale* and the response is marked. Rows that decide permissions use
//! `RowCache`, which has neither a second level nor stale values.

mod figures;
mod flights;
mod level;
mod lookup;
mod shared;
mod strict;
#[cfg(test)]
mod tests;
mod validity;

use std::time::Duration;

use ::events::{Cursor, EventLog};

pub use figures::CacheFigures;
pub(crate) use lookup::Cache;
pub(crate) use shared::{SharedLevel, Stamp};
pub(crate) use strict::{Generation, RowCache};

/// The log must have been read this recently for its tail to count as current.
const CURRENT_WITHIN: Duration = Duration::from_secs(2);

/// A row that can be cached.
pub(crate) trait CachedRow:
    Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static
{
    /// The kind of stream whose events change the row.
    const STREAM: &'static str;
    /// Grows when the row's shape changes: processes of two releases may share a store.
    const SHAPE: u16;

    /// Returns whether the row is gone after an event of this type: a deleted row is not returned, not even as stale.
    fn is_ended_by(event_type: &str) -> bool;
    /// Sets the fields that are not stored with the row.
    fn restore(&mut self);
}

/// The limits of a cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheConfig {
    /// The largest number of rows in this process; 0 turns the cache off.
    pub capacity: u64,
    /// The age at which a row is loaded again even if no event has changed it.
    pub lifetime: Duration,
    /// How much longer a row may be returned as stale.
    pub stale_lifetime: Duration,
    /// How long a load may take before an available value is returned as stale; the load goes on.
    pub soft_timeout: Duration,
    /// How long a load may take at all.
    pub hard_timeout: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            lifetime: Duration::from_secs(300),
            stale_lifetime: Duration::from_secs(3600),
            soft_timeout: Duration::from_millis(500),
            hard_timeout: Duration::from_secs(5),
        }
    }
}

impl CacheConfig {
    /// Returns the age from which a requested row is refreshed in the background: the last fifth of its lifetime.
    fn eager_after(&self) -> Duration {
        self.lifetime / 5 * 4
    }
}

/// A value, and whether it may be older than the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cached<T> {
    /// The value.
    pub value: T,
    /// The value may be older than the tail of the log, and the response that shows it must say so.
    pub is_stale: bool,
    /// For a value that is known to be older: it shows every event up to this position and perhaps no more, so that no cursor
    /// may be later.
    pub shows: Option<u64>,
}

/// The part of the log's state that a cache depends on.
pub(crate) trait Present: Send + Sync + 'static {
    /// Returns the place that the tail has reached.
    fn cursor(&self) -> Cursor;
    /// Returns whether the tail is current, as far as this process knows.
    fn is_current(&self) -> bool;
}

impl Present for EventLog {
    fn cursor(&self) -> Cursor {
        self.tail().cursor()
    }

    fn is_current(&self) -> bool {
        EventLog::is_current(self, CURRENT_WITHIN)
    }
}
