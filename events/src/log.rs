//! The event log of one process: writes, reads, and the background tasks that number, relay and receive events. There
//! is one for each process; it is cheap to clone. Without Redis the log itself is the bus.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use redis::Client;
use sea_orm::DbBackend;
use tokio::sync::{Notify, RwLock, broadcast, mpsc};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    Database, Error, Event, Gap, HistoryPage, Result, StreamKey, Tail, Tx,
    append::Appended,
    boxed,
    bus::{self, Tops},
    connector,
    control::Pauses,
    currency::Currency,
    database::{AsRetryable, Pool},
    horizon::Horizons,
    pages::Pages,
    pump, read, readiness,
    relay::{self, Relayed},
    shared_store::SharedStore,
    topic::Topics,
    whispers::{self, QUEUED_MESSAGES, Whispers},
};

/// Whispers are not in the order of the log. Whoever lost the right to hear them is known only to who has seen the present.
pub(crate) const WHISPERS_WITHIN: Duration = Duration::from_secs(2);

/// How a process takes part in moving events.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// `redis://…`; without it every process reads the log itself.
    pub redis_url: Option<String>,
    /// The first part of every key in Redis.
    pub redis_prefix: String,
    /// The longest time between two looks at the log, which makes lost wake-ups harmless.
    pub poll_interval: Duration,
}

pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) tail: Tail,
    /// Opens connections to Redis, where there is one.
    pub(crate) redis: Option<Client>,
    pub(crate) config: LogConfig,
    /// Somebody committed: number it now.
    pub(crate) wake: Notify,
    /// What is known to be in Redis.
    pub(crate) tops: Tops,
    /// What this process has given to Redis.
    pub(crate) relayed: Relayed,
    /// How current the tail is known to be.
    pub(crate) currency: Currency,
    /// What the processes share besides events.
    pub(crate) shared_store: Option<SharedStore>,
    pub(crate) whispers: Whispers,
    /// Which followers and handlers are held.
    pub(crate) pauses: Pauses,
    pub(crate) pages: Pages,
    /// How far followers are known to have come.
    pub(crate) horizons: Horizons,
    /// Held by followers while they apply events; by one of them alone while it applies one that may end the process.
    pub(crate) applying: Arc<RwLock<()>>,
}

/// The log as one process sees it.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) shared: Arc<Shared>,
}

impl EventLog {
    /// Reads the head and starts the background tasks, which run until the process ends.
    #[boxed]
    pub async fn start(database: Database, config: LogConfig) -> Result<Self> {
        let head = read::sequence(&database.background, 0).await?.head;
        let redis = config.redis_url.as_deref().map(connector::client);
        let redis = redis.transpose()?;
        let shared_store = match (&redis, database.backend()) {
            (Some(client), _) => Some(SharedStore::redis(client.clone(), &config.redis_prefix)),
            // One process is all there is.
            (None, DbBackend::Sqlite) => Some(SharedStore::in_memory()),
            (None, _) => None,
        };
        let (to_others, queue) = mpsc::channel(QUEUED_MESSAGES);
        let log = Self {
            shared: Arc::new(Shared {
                tail: Tail::new(&head),
                tops: Tops::default(),
                relayed: Relayed::default(),
                whispers: Whispers::new(redis.is_some().then_some(to_others)),
                pauses: Pauses::default(),
                pages: Pages::new(),
                horizons: Horizons::default(),
                applying: Arc::default(),
                wake: Notify::new(),
                currency: Currency::new(),
                shared_store,
                database,
                config,
                redis: redis.clone(),
            }),
        };
        tokio::spawn(pump::run(log.clone()));
        tokio::spawn(readiness::watch(log.clone()));
        if let Some(client) = redis {
            tokio::spawn(relay::run(log.clone(), client.clone()));
            tokio::spawn(bus::run(log.clone(), client.clone()));
            tokio::spawn(whispers::redis::send(log.clone(), client.clone(), queue));
            tokio::spawn(whispers::redis::hear(log.clone(), client));
        }
        Ok(log)
    }

    /// The live end of the log.
    pub fn tail(&self) -> &Tail {
        &self.shared.tail
    }

    /// The database under the log.
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Calls `observer` with the kind and id of the stream and the type of every event: after a commit of this process
    /// at once, and again when the event arrives. For caches; it must not block.
    pub fn observe(&self, observer: impl Fn(&str, Uuid, &str) + Send + Sync + 'static) {
        self.observe_positions(move |kind, id, event_type, _| observer(kind, id, event_type));
    }

    /// The same with the event's position, which is not known yet when it is a commit of this process.
    pub fn observe_positions(
        &self,
        observer: impl Fn(&str, Uuid, &str, Option<u64>) + Send + Sync + 'static,
    ) {
        self.shared.tail.observe(Box::new(observer));
    }

    /// Calls `observer` when this process has missed events for good: the log was pruned past it, or is of another epoch.
    /// Whatever is remembered of the log may be out of date. It must not block.
    pub fn observe_gaps(&self, observer: impl Fn(Gap) + Send + Sync + 'static) {
        self.shared.tail.observe_gaps(Box::new(observer));
    }

    /// Whether everything that was committed so long ago, by whomever, has arrived here.
    pub fn is_current(&self, within: Duration) -> bool {
        self.shared.currency.age() <= within
    }

    /// What all processes share besides events; nothing when there are several and no Redis.
    pub fn shared_store(&self) -> Option<&SharedStore> {
        self.shared.shared_store.as_ref()
    }

    /// The last position of each stream of a kind that has an event among the last `stretch` ones, and the position
    /// behind which that is all of them.
    #[boxed]
    pub async fn recent_changes(
        &self,
        kind: &str,
        stretch: u64,
    ) -> Result<(u64, Vec<(Uuid, u64)>)> {
        let after = self.tail().position().saturating_sub(stretch);
        let database = &self.database().background;
        let changes = read::last_positions(database, kind, after).await?;
        // Read last: what was pruned before is not among the changes.
        let (_, pruned) = read::read_pruned(database).await?;
        Ok((after.max(pruned), changes))
    }

    /// The last position of each stream of a kind that has an event after `after`. Of pruned events those that were the last
    /// of their streams are among them, where those are kept (`Keeps::last`).
    #[boxed]
    pub async fn last_positions(&self, kind: &str, after: u64) -> Result<Vec<(Uuid, u64)>> {
        read::last_positions(&self.database().background, kind, after).await
    }

    /// Sends `message` to whoever listens to whispers of `topic` now, in any process. It never waits, and promises
    /// nothing: messages longer than 16 KiB, and those that come faster than they are passed on, are dropped. So are all
    /// while this process cannot know who may hear them.
    pub fn whisper(&self, topic: StreamKey, message: String) {
        if self.is_current(WHISPERS_WITHIN) {
            self.shared.whispers.whisper(topic, &message);
        }
    }

    /// The whispers of `topic` from now on. A receiver that is 64 messages behind loses the oldest.
    pub fn listen_whispers(&self, topic: StreamKey) -> broadcast::Receiver<Arc<str>> {
        self.shared.whispers.listen(topic)
    }

    /// Runs `work` in a transaction: what it changes and what it appends commit together or not at all. It runs to
    /// its end even when the caller goes away, and again after serialization failures, so `work` must have no effect
    /// outside the transaction.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + AsRetryable + Send + 'static,
        F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let log = self.clone();
        let task = async move {
            let work = Arc::new(work);
            let result: Result<(T, Vec<Appended>), E> = log
                .database()
                .transaction(Pool::Requests, |transaction| {
                    let work = work.clone();
                    Box::pin(async move {
                        let appended = Mutex::default();
                        let value = work(&Tx::new(transaction, &appended)).await?;
                        let appended = appended.into_inner();
                        Ok((value, appended))
                    })
                })
                .await;
            // Also after an error: a commit whose answer was lost may have taken place.
            log.shared.wake.notify_one();
            result.map(|(value, appended)| {
                for it in &appended {
                    log.tail()
                        .notify_observers(it.stream.kind, it.stream.id, it.event_type, None);
                }
                if let Some(last) = appended.last() {
                    last.acknowledge();
                }
                value
            })
        };
        tokio::spawn(task.in_current_span())
            .await
            .unwrap_or_else(|error| Err(Error::Task(error.to_string()).into()))
    }

    /// Tells this process what it has just committed, without waiting for its position.
    pub(crate) fn announce(&self, appended: &[Appended]) {
        if appended.is_empty() {
            return;
        }
        self.shared.wake.notify_one();
        for it in appended {
            let StreamKey { kind, id } = it.stream;
            self.tail().notify_observers(kind, id, it.event_type, None);
        }
    }

    /// At most `limit` events of one stream after `after_version`, oldest first.
    #[boxed]
    pub async fn read_stream(
        &self,
        stream: StreamKey,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage> {
        read::read_stream(&self.database().reader, stream, after_version, limit).await
    }

    /// Events of `topics`, or all, by position, from memory if they are recent.
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

    /// The same of all events, for followers, which go over the same stretches one after the other.
    pub(crate) async fn read_page_by_page(
        &self,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Result<Vec<Arc<Event>>> {
        // Looked at before anything is read: what is forgotten meanwhile is then not kept under the new age.
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

mod places;
#[cfg(test)]
mod tests;
