//! Rows that decide permissions: they are never stale, and not shared. Every entry belongs to a generation of its row; any
//! change, whether committed here or read as an event, begins a new one before the tail's position includes the event. A load
//! that overlaps a change is stored under the old generation, which nobody reads: a value is never older than the cursor sent
//! with it. If the tail is not current the process may have missed changes, so it reads each row from the database, or fails. A
//! shared load runs in its own task: a waiter may go unpolled while its client does not read.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use events::EventLog;
use moka::future::Cache;
use tracing::Instrument;
use uuid::Uuid;

use super::CURRENT_WITHIN;

/// Rows share generations by hash; after a change, the few rows in the same slot are loaded again, too.
const GENERATIONS: usize = 4096;
/// Entries of old generations are never read again; this is how long they may stay.
const IDLE: Duration = Duration::from_secs(60);

/// A stretch in which no change of a row is known. What was looked up in it stays right until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

#[cfg(test)]
impl Generation {
    pub(crate) const fn of(number: u64) -> Self {
        Self(number)
    }
}

#[derive(Clone)]
pub(crate) struct RowCache<T> {
    entries: Option<Cache<(Uuid, u64), Option<T>>>,
    generations: Arc<[AtomicU64]>,
    is_present: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl<T: Clone + Send + Sync + 'static> RowCache<T> {
    /// Returns a cache of rows whose changes are the events of `stream`; a capacity of 0 keeps none.
    pub(crate) fn new(log: &EventLog, stream: &'static str, capacity: u64) -> Self {
        let seen = log.clone();
        let cache = Self::unobserved(capacity, move || seen.is_current(CURRENT_WITHIN));
        let observed = cache.generations.clone();
        log.observe(move |kind, id, _| {
            if kind == stream {
                observed[slot(id)].fetch_add(1, Ordering::AcqRel);
            }
        });
        let missed = cache.generations.clone();
        log.observe_gaps(move |_| {
            for generation in missed.iter() {
                generation.fetch_add(1, Ordering::AcqRel);
            }
        });
        cache
    }

    fn unobserved(capacity: u64, is_present: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let entries = (capacity > 0).then(|| {
            Cache::builder()
                .max_capacity(capacity)
                .time_to_idle(IDLE)
                .build()
        });
        Self {
            entries,
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            is_present: Arc::new(is_present),
        }
    }

    /// Returns the entries in memory, if the log is known to be current.
    fn entries(&self) -> Option<&Cache<(Uuid, u64), Option<T>>> {
        self.entries.as_ref().filter(|_| (self.is_present)())
    }

    /// Returns the present generation of the row; `None` if nothing may be decided from memory now.
    pub(crate) fn generation(&self, id: Uuid) -> Option<Generation> {
        self.entries()?;
        let generation = self.generations[slot(id)].load(Ordering::Acquire);
        Some(Generation(generation))
    }

    /// Returns the row from memory, or from `load`. Concurrent misses share one load, which goes on when its waiters go away.
    /// The state of a load is allocated only when one is needed: this function is called for every request, and its future
    /// lives as long as a subscription.
    pub(crate) async fn get<L>(
        &self,
        id: Uuid,
        load: impl FnOnce() -> L,
    ) -> Result<Option<T>, Arc<events::Error>>
    where
        L: Future<Output = events::Result<Option<T>>> + Send + 'static,
    {
        let key = (id, self.generations[slot(id)].load(Ordering::Acquire));
        let entries = self.entries();
        if let Some(entries) = entries
            && let Some(found) = entries.get(&key).await
        {
            return Ok(found);
        }
        let (entries, load) = (entries.cloned(), load());
        let loading = async move {
            match entries {
                Some(entries) => entries.try_get_with(key, load).await,
                None => load.await.map_err(Arc::new),
            }
        };
        let loaded = tokio::spawn(::events::trace::carried(loading.in_current_span())).await;
        loaded.unwrap_or_else(|error| Err(Arc::new(events::Error::Task(error.to_string()))))
    }

    /// Returns those of the rows that exist, in no order; `load` gets the ids that are not in memory, if any.
    pub(crate) async fn get_many<L>(
        &self,
        ids: &[Uuid],
        load: impl FnOnce(Vec<Uuid>) -> L,
    ) -> events::Result<Vec<T>>
    where
        L: Future<Output = events::Result<HashMap<Uuid, T>>>,
    {
        let Some(entries) = self.entries() else {
            return Ok(load(ids.to_vec()).await?.into_values().collect());
        };
        let mut found = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            // The generation is read before the load begins: as in `get`, a change meanwhile leaves the entry where nobody
            // reads it.
            let key = (*id, self.generations[slot(*id)].load(Ordering::Acquire));
            match entries.get(&key).await {
                Some(row) => found.extend(row),
                None => missing.push(key),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let mut loaded = load(missing.iter().map(|(id, _)| *id).collect()).await?;
        for key in missing {
            let row = loaded.remove(&key.0);
            entries.insert(key, row.clone()).await;
            found.extend(row);
        }
        Ok(found)
    }
}

/// Returns the row's slot, from the last bytes of the id, which are random in a uuid v7.
fn slot(id: Uuid) -> usize {
    id.as_u128() as usize % GENERATIONS
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;
    use tokio::{sync::oneshot, time::timeout};

    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_load_whose_beginner_is_not_polled() {
        for capacity in [0, 10] {
            let cache = RowCache::<u32>::unobserved(capacity, || true);
            let id = Uuid::from_u128(7);
            let (answer, answered) = oneshot::channel();
            let load = || async { Ok(answered.await.ok()) };
            let mut first = pin!(cache.get(id, load));
            assert!(first.as_mut().now_or_never().is_none(), "it loads");
            tokio::task::yield_now().await;
            answer.send(1).expect("the load waits for it");
            let second = cache.get(id, || async { Ok(Some(1)) });
            let second = timeout(Duration::from_secs(5), second).await;
            assert_eq!(second.expect("in time").ok(), Some(Some(1)));
            assert_eq!(first.await.ok(), Some(Some(1)));
        }
    }
}
