//! The level in this process: the last known value of each hot row, whatever its version, so that there is something to
//! give when nothing better can be had. A newer version is never replaced by an older one.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use moka::{ops::compute::Op, sync};
use uuid::Uuid;

use super::{CacheConfig, Stamp, validity::Version};

/// A value that was loaded, or found in the shared level.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// None: there is no such row.
    pub(super) row: Option<T>,
    pub(super) version: Version,
    /// The shared level had it, and it is out of date.
    pub(super) is_old: bool,
    /// It shows everything up to here.
    pub(super) position: u64,
    loaded_at: Instant,
    /// How old it was then: it may have been loaded elsewhere.
    age_then: Duration,
}

impl<T> Entry<T> {
    /// A row that was read when the tail was at `position`.
    pub(super) fn loaded(row: Option<T>, version: Version, position: u64) -> Self {
        Self {
            row,
            version,
            is_old: false,
            position,
            loaded_at: Instant::now(),
            age_then: Duration::ZERO,
        }
    }

    pub(super) fn shared(row: T, version: Version, stamp: Stamp) -> Self {
        // Clocks differ a little; nothing but the time of the next load depends on it.
        let age_then = SystemTime::now().duration_since(stamp.loaded_at);
        Self {
            age_then: age_then.unwrap_or_default(),
            ..Self::loaded(Some(row), version, stamp.position)
        }
    }

    pub(super) fn age(&self) -> Duration {
        self.age_then + self.loaded_at.elapsed()
    }

    pub(super) fn is_young(&self, config: &CacheConfig) -> bool {
        self.age() < config.lifetime
    }
}

/// The rows that this process keeps in memory.
pub(super) struct Level<T>(sync::Cache<Uuid, Arc<Entry<T>>>);

impl<T: Clone + Send + Sync + 'static> Level<T> {
    pub(super) fn new(capacity: u64, kept: Duration) -> Self {
        let entries = sync::Cache::builder()
            .max_capacity(capacity)
            .time_to_live(kept)
            .build();
        Self(entries)
    }

    /// What is known of the row in this epoch.
    pub(super) fn get(&self, id: Uuid, epoch: u32) -> Option<Arc<Entry<T>>> {
        self.0.get(&id).filter(|entry| entry.version.epoch == epoch)
    }

    /// Keeps the entry unless a newer one is there, and gives it back. One that is superseded already only takes the
    /// place of an older one.
    pub(super) fn put(&self, id: Uuid, entry: Entry<T>, is_superseded: bool) -> Arc<Entry<T>> {
        let entry = Arc::new(entry);
        self.0.entry(id).and_compute_with(|known| {
            let is_wanted = match &known {
                None => !is_superseded,
                Some(known) => {
                    let (known, version) = (known.value().version, entry.version);
                    known.epoch != version.epoch || known.generation <= version.generation
                }
            };
            match is_wanted {
                true => Op::Put(entry.clone()),
                false => Op::Nop,
            }
        });
        entry
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.0.invalidate(&id);
    }

    pub(super) fn len(&self) -> u64 {
        self.0.entry_count()
    }
}
