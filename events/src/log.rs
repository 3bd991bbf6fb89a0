//! The event log of one process: what its tasks share, writes, and reads. A process has one; it is cheap to clone. `start` starts
//! the tasks that number, relay and receive events, which are built on this and unknown here.

mod places;
mod progress;
mod resuming;
mod writes;

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sea_orm::DbBackend;
use serde::Serialize;
use tokio::sync::{Notify, RwLock, broadcast, mpsc};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    Behind, Claimant, Database, ERASURE_STREAM, Error, Event, Gap, Result, RowTable, Rows,
    StreamKey, Tail, Tx,
    append::Appended,
    boxed,
    connector::Redis,
    control::Pauses,
    copies::{Arrivals, Relayed, Tops},
    currency::Currency,
    database::{AsRetryable, Pool},
    fresh::Fresh,
    metrics::METRICS,
    pages::Pages,
    read::{self, Head},
    shared_store::SharedStore,
    together::{Bounds, Together},
    topic::Topics,
    trace,
    waiting::Waiting,
    whispers::Whispers,
};
use progress::Horizons;
pub(crate) use writes::Writes;
use writes::{Fate, Once, Outcome, Write};

/// How old the view of the log may be for whispers to be delivered. Whispers have no place in the order of the log, so only a
/// process that has seen the present knows who has lost the right to hear them.
pub(crate) const WHISPERS_WITHIN: Duration = Duration::from_secs(2);

/// The most writes in one transaction, on SQLite.
const MOST_WRITES: usize = 64;

/// How a process takes part in moving events.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A URL such as `redis://…`. Without one, every process reads the log itself.
    pub redis_url: Option<String>,
    /// A PEM file with the authorities that are trusted to sign Redis's certificate, in place of those that everybody trusts.
    pub redis_ca: Option<PathBuf>,
    /// The prefix of every key in Redis. In a cluster it gets braces.
    pub redis_prefix: String,
    /// The time between polls of the log. With Redis, those that find nothing come up to a second apart.
    pub poll_interval: Duration,
}

pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) tail: Tail,
    /// Redis, if it is configured.
    pub(crate) redis: Option<Redis>,
    pub(crate) config: LogConfig,
    /// The events that this process has committed and that have no position yet.
    pub(crate) fresh: Arc<Fresh>,
    /// Notified when somebody has committed, so that the events are numbered now.
    pub(crate) wake: Notify,
    /// Whether events of other processes arrive over Redis.
    pub(crate) arrivals: Arrivals,
    /// The positions that are known to be in Redis.
    pub(crate) tops: Tops,
    /// How far this process has relayed.
    pub(crate) relayed: Relayed,
    /// How current the tail is.
    pub(crate) currency: Currency,
    /// The store that processes share besides events.
    pub(crate) shared_store: Option<SharedStore>,
    pub(crate) whispers: Whispers,
    /// Commits writes in groups, on SQLite.
    pub(crate) writes: Option<Together<Writes>>,
    /// Which followers and handlers are paused.
    pub(crate) pauses: Pauses,
    /// The followers that wait for events.
    pub(crate) waiting: Waiting,
    pub(crate) pages: Pages,
    /// The progress of followers, as last looked up.
    pub(crate) horizons: Horizons,
    /// Held shared by followers while they apply events, and exclusively by one that applies an event which may end the process.
    pub(crate) applying: Arc<RwLock<()>>,
}

/// A handle to the log, as one process sees it.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) shared: Arc<Shared>,
}

impl EventLog {
    /// Returns the log of a process whose tail is at `head`. Nothing moves it yet; `start` does. Whispers for other processes, if there
    /// are any, go to `to_others`.
    pub(crate) fn at(
        head: &Head,
        database: Database,
        config: LogConfig,
        to_others: mpsc::Sender<String>,
    ) -> Result<Self> {
        let url = config.redis_url.as_deref();
        let (ca, prefix) = (config.redis_ca.as_deref(), &config.redis_prefix);
        let redis = url.map(|url| Redis::new(url, ca, prefix)).transpose()?;
        let shared_store = match (&redis, database.backend()) {
            (Some(redis), _) => Some(SharedStore::redis(redis.clone())),
            // There is only one process.
            (None, DbBackend::Sqlite) => Some(SharedStore::in_memory()),
            (None, _) => None,
        };
        let writes = database.is_embedded().then(|| {
            let bounds = Bounds {
                members: MOST_WRITES,
                // There is one writer.
                slow_after: Duration::MAX,
                most_slow: 0,
                patience: database.acquire_timeout(),
            };
            Together::new(Writes(database.clone()), bounds)
        });
        let (tail, fresh) = (Tail::new(head), Arc::new(Fresh::default()));
        let forgetting = fresh.clone();
        tail.observe(Box::new(move |kind, _, _, _| {
            if kind == ERASURE_STREAM {
                forgetting.forget();
            }
        }));
        Ok(Self {
            shared: Arc::new(Shared {
                tail,
                tops: Tops::default(),
                relayed: Relayed::default(),
                whispers: Whispers::new(redis.is_some().then_some(to_others)),
                pauses: Pauses::default(),
                waiting: Waiting::default(),
                pages: Pages::new(),
                horizons: Horizons::default(),
                applying: Arc::default(),
                fresh,
                wake: Notify::new(),
                arrivals: Arrivals::default(),
                currency: Currency::new(),
                shared_store,
                writes,
                database,
                config,
                redis,
            }),
        })
    }

    /// Returns the live end of the log.
    pub fn tail(&self) -> &Tail {
        &self.shared.tail
    }

    /// Returns the database under the log.
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Calls `observer` with the kind and id of the stream and the type of every event: once right after a commit of this
    /// process, and again when the event arrives. It is meant for caches, and must not block.
    pub fn observe(&self, observer: impl Fn(&str, Uuid, &str) + Send + Sync + 'static) {
        self.observe_positions(move |kind, id, event_type, _| observer(kind, id, event_type));
    }

    /// Does the same as `observe`, and passes the event's position, which is `None` right after a commit of this process.
    pub fn observe_positions(
        &self,
        observer: impl Fn(&str, Uuid, &str, Option<u64>) + Send + Sync + 'static,
    ) {
        self.shared.tail.observe(Box::new(observer));
    }

    /// Calls `observer` when this process has missed events for good, because the log was pruned past it or has another epoch.
    /// Anything remembered of the log may then be out of date. It must not block.
    pub fn observe_gaps(&self, observer: impl Fn(Gap) + Send + Sync + 'static) {
        self.shared.tail.observe_gaps(Box::new(observer));
    }

    /// Returns whether everything that any process committed at least `within` ago has arrived here.
    pub fn is_current(&self, within: Duration) -> bool {
        self.shared.currency.age() <= within
    }

    /// Returns the reason when an event committed more than `limit` ago may not have been handed on here; `None` if all of them
    /// have.
    pub fn behind(&self, limit: Duration) -> Option<Behind> {
        self.shared.currency.behind(limit)
    }

    /// Returns the store that all processes share; `None` when there are several processes and no Redis.
    pub fn shared_store(&self) -> Option<&SharedStore> {
        self.shared.shared_store.as_ref()
    }

    /// Returns the last position of each stream of a kind that has an event among the last `stretch` ones, and the position
    /// behind which the result is complete.
    #[boxed]
    pub async fn recent_changes(
        &self,
        kind: &str,
        stretch: u64,
    ) -> Result<(u64, Vec<(Uuid, u64)>)> {
        let after = self.tail().position().saturating_sub(stretch);
        let database = &self.database().background;
        let changes = read::last_positions(database, kind, after).await?;
        // This is read last, so that events pruned in the meantime are not counted among the changes.
        let (_, pruned) = read::read_pruned(database).await?;
        Ok((after.max(pruned), changes))
    }

    /// Returns the last position of each stream of a kind that has an event after `after`. A pruned stream is included if its
    /// last event is kept (`Keeps::last`).
    #[boxed]
    pub async fn last_positions(&self, kind: &str, after: u64) -> Result<Vec<(Uuid, u64)>> {
        read::last_positions(&self.database().background, kind, after).await
    }

    /// Sends `message` to everyone who listens to whispers of `topic` now, in any process. It never waits and guarantees nothing:
    /// it drops messages longer than 16 KiB, messages that arrive faster than they can be passed on, and all messages while this
    /// process cannot know who may hear them.
    pub fn whisper(&self, topic: StreamKey, message: String) {
        if self.is_current(WHISPERS_WITHIN) {
            self.shared.whispers.whisper(topic, &message);
        }
    }

    /// Returns the whispers of `topic` from now on. A receiver that falls 64 messages behind loses the oldest.
    pub fn listen_whispers(&self, topic: StreamKey) -> broadcast::Receiver<Arc<str>> {
        self.shared.whispers.listen(topic)
    }

    /// Runs `work` in a transaction: the changes it makes and the events it appends commit together or not at all. The
    /// transaction runs to its end even when the caller goes away, and runs again after a serialization failure, so `work` must
    /// have no effect outside it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + AsRetryable + Send + 'static,
        F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (log, write) = (self.clone(), Arc::new(Write::new(work)));
        // It is large, and would be copied several times on its way into the task.
        let committing: BoxFuture<'static, Result<T, E>> = Box::pin(async move {
            let outcome = log.commit(write).await.map(|(value, appended)| {
                log.announce(appended);
                value
            });
            // The pump is woken after an error, too: a commit whose answer was lost may have taken place.
            log.shared.wake.notify_one();
            outcome
        });
        let task = Claimant::carry(Claimant::of_task(), committing);
        tokio::spawn(trace::carried(task.in_current_span()))
            .await
            .unwrap_or_else(|error| Err(Error::Task(error.to_string()).into()))
    }

    /// Runs the work of a group of commands in a transaction, which waits for a lock but briefly, and does not run again: then its
    /// members do, one by one. Must not be cancelled.
    ///
    /// # Errors
    /// Those of the work. When the error is an outage, the transaction may have been committed.
    pub async fn write_group<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    {
        let write = Arc::new(Write::new(work));
        let outcome: Result<_, Once> = self
            .database()
            .transaction(Pool::Groups, |tx| {
                let write = write.clone();
                Box::pin(async move { write.perform(tx).await.map_err(Once) })
            })
            .await;
        let outcome = outcome.map(|(value, appended)| {
            self.announce(appended);
            value
        });
        self.shared.wake.notify_one();
        outcome.map_err(|Once(error)| error)
    }

    async fn commit<T, E, F>(&self, write: Arc<Write<T, E, F>>) -> Outcome<T, E>
    where
        T: Send + 'static,
        E: From<Error> + AsRetryable + Send + 'static,
        F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        if let Some(writes) = &self.shared.writes {
            match writes.ask(write.clone()).await? {
                Fate::Undone => {}
                Fate::Failed(error) => return Err(error.into()),
                Fate::Decided => match write.take_outcome() {
                    Some(Err(error)) if error.is_retryable() => {}
                    Some(outcome) => return outcome,
                    None => {}
                },
            }
        }
        self.database()
            .transaction(Pool::Requests, |tx| {
                let write = write.clone();
                Box::pin(async move { write.perform(tx).await })
            })
            .await
    }

    /// Stores rows with their events, as `Tx::store_rows` does, in a transaction of its own, which is the statement.
    ///
    /// # Errors
    /// Those of `Tx::store_rows`. When the error is an outage, the rows may have been stored.
    pub async fn store_rows<D: Serialize>(
        &self,
        table: &RowTable,
        rows: &Rows<'_, D>,
    ) -> Result<HashSet<Uuid>> {
        let stored = table.store(self.database().grouped(), rows).await;
        let ids = stored.map(|stored| {
            self.database().note_written();
            self.announce(stored.appended);
            stored.ids
        });
        // The pump is woken after an error, too: a commit whose answer was lost may have taken place.
        self.shared.wake.notify_one();
        ids
    }

    /// Tells this process, and the requests that caused them, of events that it has just committed. Their positions are not known.
    pub(crate) fn announce(&self, appended: Vec<Appended>) {
        if appended.is_empty() {
            return;
        }
        METRICS.appended.inc_by(appended.len() as u64);
        // On SQLite the append gave them their positions.
        let numbered = appended.iter().filter(|it| it.event.is_none()).count();
        METRICS.sequenced.inc_by(numbered as u64);
        for it in appended {
            let StreamKey { kind, id } = it.stream;
            self.tail().notify_observers(kind, id, it.event_type, None);
            // Those of one request share a receipt, which keeps the last.
            it.acknowledge();
            if let Some(event) = it.event {
                self.shared.fresh.keep(event);
            }
        }
        self.shared.wake.notify_one();
    }

    /// Returns events of `topics`, or of all, by position. Recent ones come from memory.
    pub(crate) async fn read(
        &self,
        topics: Option<&Topics>,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Result<Vec<Arc<Event>>> {
        if let Some(events) = self.tail().recent(topics, after, until, limit) {
            return Ok(events);
        }
        let database = &self.database().background;
        let events = read::read_after(database, topics, after, until, limit).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// Reads all events in shared pages, for followers, which go over the same stretches one after another.
    pub(crate) async fn read_page_by_page(
        &self,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Result<Vec<Arc<Event>>> {
        // The age is read before the events, so that what is forgotten in the meantime is not cached under the new age.
        let age = self.tail().age();
        if let Some(events) = self.tail().recent(None, after, until, limit) {
            return Ok(events);
        }
        let load = |after, until, limit| {
            read::read_after(&self.database().background, None, after, until, limit)
        };
        let pages = &self.shared.pages;
        pages.read(age, (after, until), limit, load).await
    }
}

#[cfg(test)]
mod tests;
