//! The level in this process: the last known value of each hot row, whatever its version, as a fallback when nothing fresher is
//! available. A newer version is never replaced by an older one.

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
    /// `None` if the row does not exist.
    pub(super) row: Option<T>,
    pub(super) version: Version,
    /// Whether the value came from the shared level and is out of date.
    pub(super) is_old: bool,
    /// The value shows every event up to this position.
    pub(super) position: u64,
    loaded_at: Instant,
    /// The age of the value when it came here: it may have been loaded elsewhere.
    age_then: Duration,
}

impl<T> Entry<T> {
    /// Returns an entry for a row that was read when the tail was at `position`.
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
        // Clocks differ a little, which affects only the time of the next load.
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

    /// Returns the entry of the row in this epoch, if there is one.
    pub(super) fn get(&self, id: Uuid, epoch: u32) -> Option<Arc<Entry<T>>> {
        self.0.get(&id).filter(|entry| entry.version.epoch == epoch)
    }

    /// Keeps the entry unless a newer one is there, and returns the entry that is then current. An entry that is superseded
    /// already replaces only an older one.
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
