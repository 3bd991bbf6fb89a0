//! Receiving over Redis Streams: one blocking read of all parts, on a connection of its own, feeds the tail. Nothing
//! here must be right for events to arrive, only for them to arrive soon: what Redis loses, the pump reads. A place moves
//! past every entry that was read, whatever became of it, so nothing is read twice and nothing holds up what follows.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, AsyncTypedCommands, Client, IntoConnectionInfo,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
    streams::{StreamId, StreamKey, StreamReadOptions, StreamReadReply},
};
use tokio::time::sleep;

use crate::{Cursor, Error, Event, EventLog, PARTS, Result, Tail};

/// How long one read waits, in milliseconds. A new epoch is noticed after at most this.
const BLOCK_MS: usize = 1_000;
/// Entries of one part in one read.
const BATCH_ENTRIES: usize = 500;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The last position of each part that is known to be in Redis. A value too low costs a needless call, never an event.
#[derive(Default)]
pub(crate) struct Tops([AtomicU64; PARTS as usize]);

impl Tops {
    pub(crate) fn get(&self, part: i16) -> u64 {
        self.0
            .get(part as usize)
            .map_or(0, |top| top.load(Ordering::Relaxed))
    }

    pub(crate) fn raise(&self, part: i16, position: u64) {
        if let Some(top) = self.0.get(part as usize) {
            top.fetch_max(position, Ordering::Relaxed);
        }
    }

    pub(crate) fn clear(&self) {
        for top in &self.0 {
            top.store(0, Ordering::Relaxed);
        }
    }
}

/// All parts of one epoch share a hash tag, so that one script may touch them on a Redis cluster.
pub(crate) fn stream_key(log: &EventLog, epoch: u32, part: i16) -> String {
    format!(
        "{}:{{{epoch:08x}}}:part:{part}",
        log.shared.config.redis_prefix
    )
}

/// The system itself ends a connection whose other end is gone, also where nobody waits for an answer.
pub(crate) fn client(url: &str) -> Result<Client> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(Duration::from_secs(10));
    url.into_connection_info()
        .and_then(|info| Client::open(info.set_tcp_settings(settings)))
        .map_err(|error| Error::Task(format!("the Redis URL is not valid: {error}")))
}

pub(crate) async fn run(log: EventLog, client: Client) {
    let mut failures = 0_u32;
    loop {
        match connect(&client).await {
            Ok(connection) => {
                let Err(error) = receive(&log, connection, &mut failures).await;
                failures += 1;
                if failures.is_power_of_two() {
                    tracing::warn!(%error, failures, "events no longer arrive over Redis; reading the log");
                }
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, failures, "Redis cannot be reached");
            }
        }
        sleep(MAX_PAUSE.min(Duration::from_millis(20 << failures.min(6)))).await;
    }
}

async fn connect(client: &Client) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        // Longer than the blocking read, and finite, so that a Redis that hangs is noticed.
        .set_response_timeout(Some(Duration::from_millis(2 * BLOCK_MS as u64)));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

async fn receive(
    log: &EventLog,
    mut connection: MultiplexedConnection,
    failures: &mut u32,
) -> redis::RedisResult<std::convert::Infallible> {
    let options = StreamReadOptions::default()
        .block(BLOCK_MS)
        .count(BATCH_ENTRIES);
    let mut places = Places::at(log.tail());
    loop {
        places.follow(log.tail());
        let keys: Vec<_> = (0..PARTS)
            .map(|part| stream_key(log, places.epoch, part))
            .collect();
        let ids: Vec<_> = places.last.iter().map(|last| format!("{last}-0")).collect();
        let reply = connection.xread_options(&keys, &ids, &options).await?;
        *failures = 0;
        let entries = reply.map(|reply| entries(reply, &keys)).unwrap_or_default();
        for (part, position, _) in &entries {
            log.shared.tops.raise(*part, *position);
        }
        let events = places.take(entries);
        log.tail().offer(places.epoch, events);
        if log.tail().has_refused() {
            // An entry that is not what the log has, or whose relay did not tell what it follows.
            log.shared.wake.notify_one();
        }
    }
}

/// What is read of the streams of an epoch: all up to these positions.
pub(crate) struct Places {
    pub(crate) epoch: u32,
    pub(crate) last: [u64; PARTS as usize],
}

impl Places {
    pub(crate) fn at(tail: &Tail) -> Self {
        let Cursor {
            epoch, position, ..
        } = tail.cursor();
        Self {
            epoch,
            last: [position; PARTS as usize],
        }
    }

    /// Starts over when the tail did.
    pub(crate) fn follow(&mut self, tail: &Tail) {
        if tail.epoch() != self.epoch {
            *self = Self::at(tail);
        }
    }

    /// The events among the entries that were read, each with its part and position.
    pub(crate) fn take(&mut self, entries: Vec<(i16, u64, Option<Event>)>) -> Vec<Event> {
        let taken = entries.into_iter().filter_map(|(part, position, event)| {
            if let Some(last) = self.last.get_mut(part as usize) {
                *last = position.max(*last);
            }
            event
        });
        taken.collect()
    }
}

/// What Redis answered with: part, position and event; no event where an entry is not one, which is left to the pump, as
/// that reads the original.
fn entries(reply: StreamReadReply, keys: &[String]) -> Vec<(i16, u64, Option<Event>)> {
    let of_part = |stream: StreamKey| {
        let part = keys.iter().position(|key| *key == stream.key);
        let part = part.and_then(|part| i16::try_from(part).ok());
        let entries = stream.ids.into_iter();
        entries.filter_map(move |entry| {
            let position = entry.id.split('-').next()?.parse().ok()?;
            Some((part?, position, decode(entry)))
        })
    };
    reply.keys.into_iter().flat_map(of_part).collect()
}

/// The event of an entry.
pub(crate) fn decode(entry: StreamId) -> Option<Event> {
    let text: String = entry.get("event")?;
    match serde_json::from_str(&text) {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::warn!(id = entry.id, %error, "an entry in Redis is not an event");
            None
        }
    }
}
