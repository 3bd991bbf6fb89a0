//! Receiving over Redis Streams: one blocking read of all parts, on a connection of its own, feeds the tail. Nothing
//! here must be right for events to arrive, only for them to arrive soon: what Redis loses, the pump reads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, AsyncTypedCommands, Client, IntoConnectionInfo,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
    streams::{StreamReadOptions, StreamReadReply},
};
use tokio::time::sleep;

use crate::{Error, Event, EventLog, PARTS, Result};

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
                failures = 0;
                let Err(error) = receive(&log, connection).await;
                tracing::warn!(%error, "events no longer arrive over Redis; reading the log");
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
) -> redis::RedisResult<std::convert::Infallible> {
    let options = StreamReadOptions::default()
        .block(BLOCK_MS)
        .count(BATCH_ENTRIES);
    let mut epoch = log.tail().epoch();
    let mut last = [log.tail().position(); PARTS as usize];
    loop {
        if log.tail().epoch() != epoch {
            epoch = log.tail().epoch();
            last = [log.tail().position(); PARTS as usize];
        }
        let keys: Vec<_> = (0..PARTS)
            .map(|part| stream_key(log, epoch, part))
            .collect();
        let ids: Vec<_> = last
            .iter()
            .map(|position| format!("{position}-0"))
            .collect();
        let reply = connection.xread_options(&keys, &ids, &options).await?;
        let events = reply.map(decode).unwrap_or_default();
        for event in &events {
            if let Some(last) = last.get_mut(event.part as usize) {
                *last = event.position.max(*last);
            }
            log.shared.tops.raise(event.part, event.position);
        }
        log.tail().offer(events);
    }
}

fn decode(reply: StreamReadReply) -> Vec<Event> {
    let entries = reply.keys.into_iter().flat_map(|key| key.ids);
    entries
        .filter_map(|entry| {
            let text: String = entry.get("event")?;
            match serde_json::from_str(&text) {
                Ok(event) => Some(event),
                Err(error) => {
                    // Left to the pump, which reads the original.
                    tracing::warn!(id = entry.id, %error, "an entry in Redis is not an event");
                    None
                }
            }
        })
        .collect()
}
