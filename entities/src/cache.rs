//! Hot rows, in two levels: in this process, and in the store that all processes share. A value is *fresh* when it shows
//! everything up to the place that the tail of the log has reached here, which is never behind a response's cursor; why
//! it is, says `validity`. What is found out of date is loaded again, once for all who ask. While that fails or takes
//! longer than the soft time-out, and while the log itself cannot be read, the last known value is given, and given as
//! *stale*: whoever shows it marks the response. For rows that decide what somebody may do there is `RowCache`, which
//! has neither a second level nor stale values.

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
pub(crate) use strict::RowCache;

/// The log must have been seen this recently for its tail to count as the present.
const CURRENT_WITHIN: Duration = Duration::from_secs(2);

/// A row that can be kept.
pub(crate) trait CachedRow:
    Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static
{
    /// The kind of stream whose events change it.
    const STREAM: &'static str;
    /// Grows when the row's shape changes: processes of two releases may share a store.
    const SHAPE: u16;

    /// Whether there is no row after an event of this type: a deleted one is not given, not even as stale.
    fn is_ended_by(event_type: &str) -> bool;
    /// Sets what is not stored with it.
    fn restore(&mut self);
}

/// How a cache behaves.
#[derive(Debug, Clone, Copy)]
pub struct CacheConfig {
    /// Rows in this process at most; 0 turns the cache off.
    pub capacity: u64,
    /// After this a row is loaded again though no event changed it.
    pub lifetime: Duration,
    /// How much longer it may be given as stale.
    pub stale_lifetime: Duration,
    /// How long a load may take before a value that is at hand is given as stale; the load goes on.
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
    /// In the last fifth of its life a row that is asked for is loaded again in the background.
    fn eager_after(&self) -> Duration {
        self.lifetime / 5 * 4
    }
}

/// A value, and whether it may be older than the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cached<T> {
    /// The value.
    pub value: T,
    /// It may be older than the tail of the log, and the response that shows it must say so.
    pub is_stale: bool,
    /// Where it is known to be, it shows everything up to here and perhaps no more: no cursor may be later.
    pub shows: Option<u64>,
}

/// What a cache needs to know of the log.
pub(crate) trait Present: Send + Sync + 'static {
    /// The place that the tail has reached.
    fn cursor(&self) -> Cursor;
    /// Whether that is the present, as far as anybody knows.
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
