//! Hot rows, in two levels: in this process, and in the store that all processes share. A value is *fresh* when it shows
//! everything up to the place that the tail of the log has reached here, which is never behind a response's cursor; why
//! it is, says `validity`. What is found out of date is loaded again, once for all who ask. While that fails or takes
//! longer than the soft time-out, and while the log itself cannot be read, the last known value is given, and given as
//! *stale*: whoever shows it marks the response. For rows that decide what somebody may do there is `RowCache`, which
//! has neither a second level nor stale values.

mod figures;
mod flights;
mod level;
mod shared;
mod strict;
#[cfg(test)]
mod tests;
mod validity;

use std::{sync::Arc, time::Duration};

use ::events::{Cursor, EventLog, SharedStore};
use tokio::time::timeout;
use uuid::Uuid;

pub use figures::CacheFigures;
pub(crate) use shared::{SharedLevel, Stamp};
pub(crate) use strict::RowCache;

use figures::Counters;
use flights::{Flights, Landing};
use level::{Entry, Level};
use validity::{Validity, Version};

/// The log must have been seen this recently for its tail to count as the present.
const CURRENT_WITHIN: Duration = Duration::from_secs(2);
/// How much of the log is looked through at the start, so that what was shared before is of use.
const KNOWN_PAST: u64 = 20_000;

/// A row that can be kept.
pub(crate) trait CachedRow:
    Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static
{
    /// The kind of stream whose events change it.
    const STREAM: &'static str;
    /// Grows when the row's shape changes: processes of two releases may share a store.
    const SHAPE: u16;
    /// The types of events after which there is no row: a deleted one is not given, not even as stale.
    const ENDED_BY: &'static [&'static str];

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
    /// It may be older than the cursor of the response that shows it, which must say so.
    pub is_stale: bool,
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

/// See the module. Clones are the same cache.
pub(crate) struct Cache<T>(Option<Arc<Inner<T>>>);

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<T> {
    present: Box<dyn Present>,
    config: CacheConfig,
    validity: Validity,
    level: Level<T>,
    shared: Option<SharedLevel<T>>,
    flights: Flights<T>,
    counters: Counters,
}

impl<T: CachedRow> Cache<T> {
    /// Over the rows whose changes are the events of `T::STREAM` in `log`.
    pub(crate) fn new(log: &EventLog, config: CacheConfig) -> Self {
        let store = log.shared_store().cloned();
        let cache = Self::over(Box::new(log.clone()), store, config);
        if let Some(inner) = &cache.0 {
            let observing = Arc::downgrade(inner);
            log.observe_positions(move |kind, id, event_type, position| {
                if kind == T::STREAM
                    && let Some(inner) = observing.upgrade()
                {
                    inner.note(id, event_type, position);
                }
            });
            tokio::spawn(learn_the_past(log.clone(), Arc::downgrade(inner)));
        }
        cache
    }

    fn over(present: Box<dyn Present>, store: Option<SharedStore>, config: CacheConfig) -> Self {
        if config.capacity == 0 {
            return Self(None);
        }
        let start = present.cursor();
        let kept = config.lifetime + config.stale_lifetime;
        Self(Some(Arc::new(Inner {
            present,
            config,
            validity: Validity::new(start),
            level: Level::new(config.capacity, kept),
            shared: store.map(|store| SharedLevel::new(store, config.lifetime)),
            flights: Flights::default(),
            counters: Counters::default(),
        })))
    }

    /// The row, fresh if it can be had, or else stale; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be loaded, and none is at hand.
    pub(crate) async fn get(
        &self,
        id: Uuid,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send + 'static,
    ) -> Result<Cached<Option<T>>, Arc<::events::Error>> {
        match &self.0 {
            Some(inner) => inner.clone().get(id, load).await,
            None => {
                let value = load.await.map_err(Arc::new)?;
                Ok(Cached {
                    value,
                    is_stale: false,
                })
            }
        }
    }

    /// What the cache has done so far.
    pub(crate) fn figures(&self) -> CacheFigures {
        match &self.0 {
            Some(inner) => inner.counters.read(inner.level.len()),
            None => CacheFigures::default(),
        }
    }
}

fn too_slow() -> ::events::Error {
    let cause = sea_orm::RuntimeErr::Internal("the load took too long".to_owned());
    ::events::Error::Unavailable(sea_orm::DbErr::Conn(cause))
}

/// What was shared before this process began is of use as far back as it knows what has changed since.
async fn learn_the_past<T: CachedRow>(log: EventLog, inner: std::sync::Weak<Inner<T>>) {
    match log.recent_changes(T::STREAM, KNOWN_PAST).await {
        Ok((after, changes)) => {
            if let Some(inner) = inner.upgrade() {
                inner.validity.learn(after, &changes);
            }
        }
        Err(error) => tracing::debug!(%error, "the recent past is not known to the cache"),
    }
}

impl<T: CachedRow> Inner<T> {
    fn note(&self, id: Uuid, event_type: &str, position: Option<u64>) {
        self.validity.change(id, position);
        if T::ENDED_BY.contains(&event_type) {
            self.level.remove(id);
        }
    }

    async fn get(
        self: Arc<Self>,
        id: Uuid,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send + 'static,
    ) -> Result<Cached<Option<T>>, Arc<::events::Error>> {
        let is_current = self.present.is_current();
        let version = self.validity.version(id, self.present.cursor());
        let known = self.level.get(id, version.epoch);
        if let Some(entry) = &known
            && entry.version == version
        {
            let age = entry.age();
            // While the log cannot be read there is nothing to load from, and what is here is all there is.
            if age < self.config.lifetime || !is_current {
                self.counters.hits.add();
                if is_current && age >= self.config.eager_after() {
                    self.refresh(id, version, load);
                }
                return Ok(self.give(entry, !is_current));
            }
        }
        self.counters.misses.add();
        if let Some(entry) = &known
            && !is_current
        {
            return Ok(self.give(entry, true));
        }
        let landing = self.take_off(id, version, load);
        self.await_landing(id, version, landing, known).await
    }

    /// The load that is under way, or a new one.
    fn take_off(
        self: &Arc<Self>,
        id: Uuid,
        version: Version,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send + 'static,
    ) -> Landing<T> {
        let inner = self.clone();
        self.flights.join((id, version), || {
            // Somebody may have landed between the look into the level and here.
            let landed = inner.level.get(id, version.epoch);
            if let Some(entry) =
                landed.filter(|it| it.version == version && it.is_young(&inner.config))
            {
                return Err(entry);
            }
            Ok(async move { inner.fetch(id, version, load).await })
        })
    }

    /// Waits no longer than it must: a value at hand is given when the load fails, or is slow.
    async fn await_landing(
        &self,
        id: Uuid,
        version: Version,
        landing: Landing<T>,
        known: Option<Arc<Entry<T>>>,
    ) -> Result<Cached<Option<T>>, Arc<::events::Error>> {
        let landed = match &known {
            None => landing.await,
            Some(entry) => {
                let is_late = self
                    .flights
                    .is_older((id, version), self.config.soft_timeout);
                let patience = match is_late {
                    true => Duration::ZERO,
                    false => self.config.soft_timeout,
                };
                match timeout(patience, landing).await {
                    Ok(landed) => landed,
                    Err(_) => return Ok(self.give(entry, true)),
                }
            }
        };
        match landed {
            Ok(entry) => Ok(self.give(&entry, entry.is_old)),
            Err(error) => match known {
                Some(entry) => Ok(self.give(&entry, true)),
                None => Err(error),
            },
        }
    }

    /// In the background, for a value that is still good.
    fn refresh(
        self: &Arc<Self>,
        id: Uuid,
        version: Version,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send + 'static,
    ) {
        let inner = self.clone();
        let _ = self.flights.join((id, version), || {
            inner.counters.eager.add();
            Ok(async move { inner.load(id, version, load).await })
        });
    }

    /// From the shared level, or else from the source. What the shared level has is given as old if the source fails.
    async fn fetch(
        &self,
        id: Uuid,
        version: Version,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send,
    ) -> Result<Arc<Entry<T>>, Arc<::events::Error>> {
        let found = match &self.shared {
            Some(shared) => shared.get(version.epoch, id).await,
            None => None,
        };
        let mut fallback = None;
        if let Some((row, stamp)) = found {
            let mut entry = Entry::shared(row, version, stamp);
            let is_current = self.present.is_current();
            entry.is_old = !is_current;
            if self.validity.covers(id, &stamp) && entry.is_young(&self.config) {
                self.counters.shared_hits.add();
                return Ok(self.keep(id, entry));
            }
            if !is_current {
                return Ok(Arc::new(entry));
            }
            fallback = Some(entry);
        }
        match (self.load(id, version, load).await, fallback) {
            (Err(_), Some(mut entry)) => {
                entry.is_old = true;
                Ok(Arc::new(entry))
            }
            (loaded, _) => loaded,
        }
    }

    async fn load(
        &self,
        id: Uuid,
        version: Version,
        load: impl Future<Output = ::events::Result<Option<T>>> + Send,
    ) -> Result<Arc<Entry<T>>, Arc<::events::Error>> {
        self.counters.loads.add();
        // Before the load: it shows all that has its position by now.
        let stamp = Stamp::at(self.present.cursor());
        let loaded = match timeout(self.config.hard_timeout, load).await {
            Ok(loaded) => loaded,
            Err(_) => Err(too_slow()),
        };
        let row = loaded.map_err(|error| {
            self.counters.failures.add();
            Arc::new(error)
        })?;
        if let (Some(shared), Some(row)) = (&self.shared, &row)
            && stamp.epoch == version.epoch
        {
            shared.put_later(id, row, stamp);
        }
        Ok(self.keep(id, Entry::loaded(row, version)))
    }

    /// A row that was deleted while it was loaded must not come back, so what is out of date already replaces only what
    /// is older.
    fn keep(&self, id: Uuid, entry: Entry<T>) -> Arc<Entry<T>> {
        let is_superseded = self.validity.version(id, self.present.cursor()) != entry.version;
        self.level.put(id, entry, is_superseded)
    }

    fn give(&self, entry: &Entry<T>, is_stale: bool) -> Cached<Option<T>> {
        if is_stale {
            self.counters.stale.add();
        }
        Cached {
            value: entry.row.clone(),
            is_stale,
        }
    }
}
