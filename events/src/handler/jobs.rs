//! Hints that deliveries may be claimed, from the process that registered them to one that is free. With Redis, a hint is an
//! entry in the handler's stream, which a consumer group hands to one consumer; without it, a wake-up within the process. Hints
//! may be lost, duplicated, late or wrong: the work is in the table, and a claim decides.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::FutureExt;
use parking_lot::Mutex;
use redis::{
    AsyncTypedCommands, RedisResult,
    streams::{StreamAutoClaimOptions, StreamId, StreamReadOptions},
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep},
};

use crate::{
    EventLog,
    backoff::Backoff,
    bus,
    connector::{ANSWER_TIME, Connection, Redis},
};

/// The number of batches of hints that may wait to be sent; further ones are dropped.
const QUEUED_BATCHES: usize = 1_024;
/// The approximate number of entries that a stream keeps. Without a bound, hints for a handler that nobody runs would pile up.
const KEPT_ENTRIES: usize = 100_000;
/// How long, in seconds, a stream outlives the last process that reads it: that of an epoch which has ended is read by none.
const KEPT_SECONDS: i64 = 86_400;
/// The number of hints sent in one call.
const BATCH_HINTS: usize = 500;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// A consumer that has been idle for this long, in milliseconds, and holds no entries belongs to a process that ended.
const IDLE_CONSUMER_MS: usize = 600_000;
/// How often idle consumers are swept.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

type Hints = Vec<(&'static str, u64)>;

/// A hint read from Redis.
pub(super) struct Entry {
    pub(super) position: u64,
    id: String,
}

/// What a handler hears while it waits.
pub(super) enum Hint {
    /// These deliveries may be claimed.
    Entries(Vec<Entry>),
    /// There may be something to claim.
    Wake,
    Nothing,
}

/// The hints of one process.
pub(super) struct Jobs {
    log: EventLog,
    redis: Option<Redis>,
    queue: mpsc::Sender<Hints>,
    wakes: HashMap<&'static str, Notify>,
    connection: Mutex<Option<Connection>>,
}

impl Jobs {
    /// Also returns the queue, for `send`.
    pub(super) fn new(
        log: EventLog,
        handlers: impl Iterator<Item = &'static str>,
    ) -> (Arc<Self>, mpsc::Receiver<Hints>) {
        let (queue, hints) = mpsc::channel(QUEUED_BATCHES);
        let jobs = Self {
            redis: log.shared.redis.clone(),
            log,
            queue,
            wakes: handlers.map(|name| (name, Notify::new())).collect(),
            connection: Mutex::default(),
        };
        (Arc::new(jobs), hints)
    }

    /// Announces work; never waits.
    pub(super) fn announce(&self, hints: Hints) {
        if hints.is_empty() {
            return;
        }
        if self.redis.is_none() {
            self.wake(&hints);
        } else if let Err(error) = self.queue.try_send(hints) {
            self.wake(&error.into_inner());
        }
    }

    fn wake(&self, hints: &Hints) {
        let mut last = "";
        for (handler, _) in hints {
            if *handler != last
                && let Some(wake) = self.wakes.get(handler)
            {
                wake.notify_one();
                last = handler;
            }
        }
    }

    /// Waits until there may be work for this handler, in a process without Redis, or while that is away.
    pub(super) async fn woken(&self, handler: &'static str) {
        match self.wakes.get(handler) {
            Some(wake) => wake.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Sends hints until it is aborted. A hint that cannot be sent wakes this process.
    pub(super) async fn send(&self, mut hints: mpsc::Receiver<Hints>) {
        let mut backoff = Backoff::up_to(MAX_PAUSE);
        while let Some(mut batch) = hints.recv().await {
            while batch.len() < BATCH_HINTS
                && let Ok(more) = hints.try_recv()
            {
                batch.extend(more);
            }
            match self.add(&batch).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    let failures = backoff.fail();
                    tracing::debug!(%error, failures, "Redis accepts no hints; the work is found in the table");
                    self.wake(&batch);
                    *self.connection.lock() = None;
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    async fn add(&self, hints: &Hints) -> RedisResult<()> {
        let mut pipeline = redis::pipe();
        for (handler, position) in hints {
            pipeline
                .cmd("XADD")
                .arg(self.key(handler))
                .arg(&["MAXLEN", "~"])
                .arg(KEPT_ENTRIES)
                .arg(&["*", "position"])
                .arg(position)
                .ignore();
        }
        pipeline.query_async(&mut self.connect().await?).await
    }

    /// Acknowledges entries whose work is decided.
    pub(super) async fn acknowledge(&self, handler: &'static str, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let key = self.key(handler);
        let acknowledge = async {
            let mut connection = self.connect().await?;
            let mut pipeline = redis::pipe();
            pipeline.xack(&key, handler, &ids).ignore();
            pipeline.xdel(&key, &ids).ignore();
            pipeline.query_async::<()>(&mut connection).await
        };
        if let Err(error) = acknowledge.await {
            // The entry is delivered again, and its delivery is found to be decided.
            tracing::debug!(%error, handler, "a hint was not acknowledged");
            *self.connection.lock() = None;
        }
    }

    /// Returns the key of a handler's stream. It contains the epoch, as positions mean nothing in another.
    fn key(&self, handler: &str) -> String {
        let prefix = bus::prefix(&self.log);
        format!(
            "{prefix}:{{{:08x}}}:jobs:{handler}",
            self.log.tail().epoch()
        )
    }

    /// Returns the connection for calls that do not block.
    async fn connect(&self) -> RedisResult<Connection> {
        if let Some(connection) = &*self.connection.lock() {
            return Ok(connection.clone());
        }
        let fresh = self.open(ANSWER_TIME).await?;
        *self.connection.lock() = Some(fresh.clone());
        Ok(fresh)
    }

    async fn open(&self, answer_time: Duration) -> RedisResult<Connection> {
        let redis = self.redis.as_ref().ok_or_else(|| {
            redis::RedisError::from((redis::ErrorKind::InvalidClientConfig, "there is no Redis"))
        })?;
        redis.connect(answer_time).await
    }
}

/// How one handler of this process receives hints: over a connection of its own, as its reads block.
pub(super) struct Ear {
    jobs: Arc<Jobs>,
    handler: &'static str,
    /// The consumer's name; unique for each start.
    owner: String,
    lease: Duration,
    connection: Option<Connection>,
    backoff: Backoff,
    /// When to try Redis again, while it is away.
    retry_at: Instant,
    /// When to look for entries that others left behind, and for consumers that are gone.
    reclaim_at: Instant,
    sweep_at: Instant,
}

impl Ear {
    pub(super) fn new(
        jobs: Arc<Jobs>,
        handler: &'static str,
        owner: &str,
        lease: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            jobs,
            handler,
            owner: owner.to_owned(),
            lease,
            connection: None,
            backoff: Backoff::up_to(MAX_PAUSE),
            retry_at: now,
            reclaim_at: now + lease,
            sweep_at: now + SWEEP_INTERVAL,
        }
    }

    /// Returns whether Redis delivers hints. If not, the table has to be polled more often.
    pub(super) fn is_sharp(&self) -> bool {
        self.backoff.failures() == 0 && self.jobs.redis.is_some()
    }

    /// Waits up to `patience` for hints, of which it returns at most `most`. Without Redis, the wait ends when there may be work. Must
    /// not be cancelled: hints that were just delivered would wait for others to reclaim them.
    pub(super) async fn listen(&mut self, most: usize, patience: Duration) -> Hint {
        if self.jobs.redis.is_none() || Instant::now() < self.retry_at {
            let woken = tokio::time::timeout(patience, self.jobs.woken(self.handler)).await;
            return woken.map_or(Hint::Nothing, |()| Hint::Wake);
        }
        match self.read(most, patience).await {
            Ok(entries) => {
                self.backoff.reset();
                match entries.is_empty() {
                    false => Hint::Entries(entries),
                    // Of what Redis did not take, this process was told by itself.
                    true => match self.jobs.woken(self.handler).now_or_never() {
                        Some(()) => Hint::Wake,
                        None => Hint::Nothing,
                    },
                }
            }
            Err(error) => {
                if error.code() == Some("NOGROUP") && self.make_group().await.is_ok() {
                    // Redis has lost what hints there were.
                    return Hint::Wake;
                }
                let failures = self.backoff.fail();
                if self.backoff.is_telling() {
                    let handler = self.handler;
                    tracing::warn!(%error, handler, failures, "Redis delivers no hints; polling the table");
                }
                self.connection = None;
                self.retry_at = Instant::now() + self.backoff.pause();
                Hint::Wake
            }
        }
    }

    async fn read(&mut self, most: usize, patience: Duration) -> RedisResult<Vec<Entry>> {
        let key = self.jobs.key(self.handler);
        let now = Instant::now();
        let (is_reclaiming, is_sweeping) = (now >= self.reclaim_at, now >= self.sweep_at);
        let (handler, owner, lease) = (self.handler, self.owner.clone(), self.lease);
        let connection = self.connect().await?;
        if is_sweeping {
            connection.expire(&key, KEPT_SECONDS).await?;
            for consumer in connection.xinfo_consumers(&key, handler).await?.consumers {
                if consumer.idle > IDLE_CONSUMER_MS && consumer.pending == 0 {
                    connection
                        .xgroup_delconsumer(&key, handler, consumer.name)
                        .await?;
                }
            }
        }
        let mut reclaimed = Vec::new();
        if is_reclaiming {
            let options = StreamAutoClaimOptions::default().count(most);
            let idle_ms = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
            let reply = connection
                .xautoclaim_options(&key, handler, &owner, idle_ms, "0-0", options)
                .await?;
            reclaimed = entries(reply.claimed);
        }
        if reclaimed.is_empty() {
            // A block of 0 would never end.
            let block_ms = usize::try_from(patience.as_millis())
                .unwrap_or(1_000)
                .max(1);
            let options = StreamReadOptions::default()
                .group(handler, &owner)
                .count(most)
                .block(block_ms);
            let reply = connection.xread_options(&[&key], &[">"], &options).await?;
            let streams = reply.map(|reply| reply.keys).unwrap_or_default();
            reclaimed = entries(streams.into_iter().flat_map(|stream| stream.ids));
        }
        if is_sweeping {
            self.sweep_at = now + SWEEP_INTERVAL;
        }
        // As all places were filled, there may be more to reclaim.
        if is_reclaiming && reclaimed.len() < most {
            self.reclaim_at = now + self.lease / 2;
        }
        Ok(reclaimed)
    }

    async fn connect(&mut self) -> RedisResult<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            // The limit is longer than the longest read.
            None => self.jobs.open(2 * ANSWER_TIME).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Creates the consumer group, when the stream is new or Redis has lost it.
    async fn make_group(&mut self) -> RedisResult<()> {
        let key = self.jobs.key(self.handler);
        let handler = self.handler;
        let made = self
            .connect()
            .await?
            .xgroup_create_mkstream(&key, handler, "0")
            .await;
        if let Err(error) = made
            && error.code() != Some("BUSYGROUP")
        {
            return Err(error);
        }
        self.connect().await?.expire(&key, KEPT_SECONDS).await?;
        Ok(())
    }

    /// Removes this process's consumer when the process stops and nothing runs. One that holds entries is left to other
    /// processes, which reclaim these and then sweep it.
    pub(super) async fn leave(&mut self) {
        let key = self.jobs.key(self.handler);
        let (handler, owner) = (self.handler, self.owner.clone());
        if let Some(connection) = &mut self.connection {
            // If this fails, the consumer is swept later.
            let _ = connection.xgroup_delconsumer(&key, handler, owner).await;
        }
    }
}

fn entries(ids: impl IntoIterator<Item = StreamId>) -> Vec<Entry> {
    ids.into_iter()
        .map(|id| Entry {
            // An entry that is not one of our hints has no position, and acknowledging it does no harm.
            position: id.get("position").unwrap_or(0),
            id: id.id,
        })
        .collect()
}
