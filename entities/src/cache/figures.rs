//! The counters of a cache, for metrics and operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a cache since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Rows in memory of this process.
    pub entries: u64,
    /// Requests answered from memory.
    pub hits: u64,
    /// Requests that memory could not answer.
    pub misses: u64,
    /// Values found in the shared level. Concurrent misses share one.
    pub shared_hits: u64,
    /// Loads from the source.
    pub loads: u64,
    /// Loads that failed or took too long.
    pub failures: u64,
    /// Background loads before the end of a row's lifetime.
    pub eager_refreshes: u64,
    /// Values returned as stale.
    pub stale: u64,
}

#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) shared_hits: Counter,
    pub(super) loads: Counter,
    pub(super) failures: Counter,
    pub(super) eager: Counter,
    pub(super) stale: Counter,
}

impl Counters {
    pub(super) fn read(&self, entries: u64) -> CacheFigures {
        CacheFigures {
            entries,
            hits: self.hits.read(),
            misses: self.misses.read(),
            shared_hits: self.shared_hits.read(),
            loads: self.loads.read(),
            failures: self.failures.read(),
            eager_refreshes: self.eager.read(),
            stale: self.stale.read(),
        }
    }
}
