//! The look-up of a row: in this process, then in the shared level, then at the source, with a fallback when the time is over.
//! The cache observes the log: every event of a row's stream invalidates what is cached of the row.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use ::events::{EventLog, SharedStore};
use parking_lot::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    CacheConfig, CacheFigures, Cached, CachedRow, Present, SharedLevel, Stamp,
    figures::Counters,
    flights::{Flights, Landing},
    level::{Entry, Level},
    validity::{Validity, Version},
};

/// How many events of the log are read at the start, so that values shared before can be used.
const KNOWN_PAST: u64 = 20_000;
/// How long a failed source is left alone while the log cannot be read either.
const AWAY: Duration = Duration::from_secs(1);

/// What a load at the source returns.
type Loaded<T> = Result<Option<T>, Arc<::events::Error>>;

/// Hot rows of one kind. Clones are the same cache.
pub(crate) struct Cache<T>(pub(super) Option<Arc<Inner<T>>>);

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

pub(super) struct Inner<T> {
    present: Box<dyn Present>,
    config: CacheConfig,
    pub(super) validity: Validity,
    level: Level<T>,
    shared: Option<SharedLevel<T>>,
    flights: Flights<T>,
    counters: Counters,
    failed_at: Mutex<Option<Instant>>,
}

impl<T: CachedRow> Cache<T> {
    /// Returns a cache over the rows whose changes are the events of `T::STREAM` in `log`.
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
            let missing = Arc::downgrade(inner);
            log.observe_gaps(move |gap| {
                if let Some(inner) = missing.upgrade() {
                    inner.validity.skip(gap.until);
                }
            });
            // This runs under the lock in which events are handed on, so no event falls between the observer's registration and
            // this position.
            inner.validity.listening(log.tail().cursor().position);
            tokio::spawn(learn_the_past(log.clone(), Arc::downgrade(inner)));
        }
        cache
    }

    pub(super) fn over(
        present: Box<dyn Present>,
        store: Option<SharedStore>,
        config: CacheConfig,
    ) -> Self {
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
            failed_at: Mutex::default(),
        })))
    }

    /// Returns the row, fresh if possible, or else stale; `None` if it does not exist.
    ///
    /// # Errors
    /// Fails when the row cannot be loaded and no value is available.
    pub(crate) async fn get(
        &self,
        id: Uuid,
        load: impl Future<Output = Loaded<T>> + Send + 'static,
    ) -> Result<Cached<Option<T>>, Arc<::events::Error>> {
        match &self.0 {
            Some(inner) => inner.clone().get(id, load).await,
            None => Ok(Cached {
                value: load.await?,
                is_stale: false,
                shows: None,
            }),
        }
    }

    /// Returns the counters of the cache.
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

/// Learns the changes from before this process began; as far back as they are known, values shared before can be used.
async fn learn_the_past<T: CachedRow>(log: EventLog, inner: Weak<Inner<T>>) {
    match log.recent_changes(T::STREAM, KNOWN_PAST).await {
        Ok((after, changes)) => {
            if let Some(inner) = inner.upgrade() {
                inner.validity.learn(after, &changes);
            }
        }
        Err(error) => tracing::debug!(%error, "the cache could not read recent events"),
    }
}

impl<T: CachedRow> Inner<T> {
    pub(super) fn note(&self, id: Uuid, event_type: &str, position: Option<u64>) {
        self.validity.change(id, position);
        if T::is_ended_by(event_type) {
            self.level.remove(id);
        }
    }

    async fn get(
        self: Arc<Self>,
        id: Uuid,
        load: impl Future<Output = Loaded<T>> + Send + 'static,
    ) -> Result<Cached<Option<T>>, Arc<::events::Error>> {
        let is_current = self.present.is_current();
        let version = self.validity.version(id, self.present.cursor());
        let known = self.level.get(id, version.epoch);
        if let Some(entry) = &known
            && entry.version == version
        {
            let age = entry.age();
            // While the log cannot be read there is nothing better to load, and the entry is used whatever its age.
            if age < self.config.lifetime || !is_current {
                self.counters.hits.add();
                if is_current && age >= self.config.eager_after() {
                    self.refresh(id, version, load);
                }
                return Ok(self.give(entry, !is_current, version));
            }
        }
        self.counters.misses.add();
        if let Some(entry) = &known
            && self.is_away()
        {
            return Ok(self.give(entry, true, version));
        }
        let landing = self.take_off(id, version, load);
        self.await_landing((id, version), landing, known).await
    }

    /// Returns the load that is in flight, or begins one.
    fn take_off(
        self: &Arc<Self>,
        id: Uuid,
        version: Version,
        load: impl Future<Output = Loaded<T>> + Send + 'static,
    ) -> Landing<T> {
        let inner = self.clone();
        self.flights.join((id, version), || {
            // A load may have ended after the level was looked up and before here.
            let landed = inner.level.get(id, version.epoch);
            if let Some(entry) =
                landed.filter(|it| it.version == version && it.is_young(&inner.config))
            {
                return Err(entry);
            }
            Ok(async move { inner.fetch(id, version, load).await })
        })
    }

    /// Waits for the load only as long as necessary: an available value is returned if the load fails or is slow.
    async fn await_landing(
        &self,
        (id, version): (Uuid, Version),
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
                    Err(_) => return Ok(self.give(entry, true, version)),
                }
            }
        };
        match landed {
            Ok(entry) => Ok(self.give(&entry, entry.is_old, version)),
            Err(error) => match known {
                Some(entry) => Ok(self.give(&entry, true, version)),
                None => Err(error),
            },
        }
    }

    /// Loads a value that is still good again, in the background.
    fn refresh(
        self: &Arc<Self>,
        id: Uuid,
        version: Version,
        load: impl Future<Output = Loaded<T>> + Send + 'static,
    ) {
        let inner = self.clone();
        drop(self.flights.join((id, version), || {
            inner.counters.eager.add();
            Ok(async move { inner.load(id, version, load).await })
        }));
    }

    /// Reads the shared level, or else the source. An outdated value of the shared level is returned as old if the source
    /// fails.
    async fn fetch(
        &self,
        id: Uuid,
        version: Version,
        load: impl Future<Output = Loaded<T>> + Send,
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
            if self.is_away() {
                entry.is_old = true;
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
        load: impl Future<Output = Loaded<T>> + Send,
    ) -> Result<Arc<Entry<T>>, Arc<::events::Error>> {
        self.counters.loads.add();
        // The stamp is taken before the load: the load shows every event that has its position by now.
        let stamp = Stamp::at(self.present.cursor());
        let loaded = match timeout(self.config.hard_timeout, load).await {
            Ok(loaded) => loaded,
            Err(_) => Err(Arc::new(too_slow())),
        };
        let row = loaded.inspect_err(|_| {
            self.counters.failures.add();
            *self.failed_at.lock() = Some(Instant::now());
        })?;
        if let (Some(shared), Some(row)) = (&self.shared, &row)
            && stamp.epoch == version.epoch
        {
            shared.put_later(id, row, stamp);
        }
        Ok(self.keep(id, Entry::loaded(row, version, stamp.position)))
    }

    /// Returns whether the source is not worth asking: it failed a moment ago, and the log cannot be read either.
    fn is_away(&self) -> bool {
        !self.present.is_current() && self.failed_at.lock().is_some_and(|at| at.elapsed() < AWAY)
    }

    /// Keeps an entry. A row that was deleted while it was loaded must not come back, so an entry that is out of date already
    /// replaces only an older one.
    fn keep(&self, id: Uuid, entry: Entry<T>) -> Arc<Entry<T>> {
        let is_superseded = self.validity.version(id, self.present.cursor()) != entry.version;
        self.level.put(id, entry, is_superseded)
    }

    /// Answers a request for `version`. As long as no later event is known, even a value that is marked shows everything that
    /// the tail has.
    fn give(&self, entry: &Entry<T>, is_stale: bool, version: Version) -> Cached<Option<T>> {
        if is_stale {
            self.counters.stale.add();
        }
        let is_behind = is_stale && (entry.is_old || entry.version != version);
        Cached {
            value: entry.row.clone(),
            is_stale,
            shows: is_behind.then_some(entry.position),
        }
    }
}
