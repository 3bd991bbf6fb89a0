//! Receives events over Redis Streams: one blocking read of all parts, on a connection of its own, feeds the tail. Delivery never
//! depends on this task, only latency does: the pump reads the events that Redis loses. A place moves past every entry that was
//! read, whatever its fate, so nothing is read twice and nothing holds up the entries behind it.

use std::time::Duration;

use redis::{
    AsyncTypedCommands,
    streams::{StreamId, StreamKey, StreamReadOptions, StreamReadReply},
};
use tokio::time::sleep;

use crate::{
    Cursor, Event, EventLog, PARTS, Tail,
    backoff::Backoff,
    connector::{Connection, Redis},
    trace::{self, Kind},
};

/// How long one read blocks, in milliseconds. A new epoch is noticed within this time.
const BLOCK_MS: usize = 1_000;
/// How long the answer to a read may take.
const READ_TIME: Duration = Duration::from_millis(2 * BLOCK_MS as u64);
/// The most entries of one part in one read.
const BATCH_ENTRIES: usize = 500;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Returns the prefix of every key; it is empty without Redis, where there are none.
pub(crate) fn prefix(log: &EventLog) -> &str {
    log.shared.redis.as_ref().map_or("", Redis::prefix)
}

/// Returns the key of a part's stream.
pub(crate) fn stream_key(log: &EventLog, epoch: u32, part: i16) -> String {
    format!("{}:{{{epoch:08x}}}:part:{part}", prefix(log))
}

pub(crate) async fn run(log: EventLog, redis: Redis) {
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    loop {
        match redis.connect(READ_TIME).await {
            Ok(connection) => {
                let Err(error) = receive(&log, connection, &mut backoff).await;
                log.shared.arrivals.close();
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "events no longer arrive over Redis; reading the log");
                }
            }
            Err(error) => {
                let failures = backoff.fail();
                tracing::debug!(%error, failures, "Redis cannot be reached");
            }
        }
        sleep(backoff.pause()).await;
    }
}

async fn receive(
    log: &EventLog,
    mut connection: Connection,
    backoff: &mut Backoff,
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
        backoff.reset();
        log.shared.arrivals.open();
        let reached = match log.tail().cursor() {
            Cursor {
                epoch, position, ..
            } if epoch == places.epoch => position,
            _ => 0,
        };
        let entries = reply.map(|reply| entries(reply, &keys, reached));
        let entries = entries.unwrap_or_default();
        for (part, position, _) in &entries {
            log.shared.tops.raise(*part, *position);
        }
        let events = places.take(entries);
        let mut spans = trace::of_events("receive", Kind::Consumer, &events);
        spans.set("messaging.system", "redis");
        spans.set("messaging.operation.type", "receive");
        drop(spans);
        log.tail().offer(places.epoch, events);
        if log.tail().has_refused() {
            // The entry differs from the log, or its relay did not say which event it follows.
            log.shared.wake.notify_one();
        }
        if log.tail().has_gap() {
            log.shared.arrivals.doubt.notify_one();
        }
    }
}

/// The places reached in the streams of an epoch: everything up to these positions has been read.
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

    /// Starts over when the tail has.
    pub(crate) fn follow(&mut self, tail: &Tail) {
        if tail.epoch() != self.epoch {
            *self = Self::at(tail);
        }
    }

    /// Returns the events among the entries read, which come with their part and position.
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

/// Decodes Redis's answer to part, position and event. The event is missing where the tail has it, as it has all that this process
/// numbered, and where an entry cannot be decoded; the pump then reads the original.
fn entries(
    reply: StreamReadReply,
    keys: &[String],
    reached: u64,
) -> Vec<(i16, u64, Option<Event>)> {
    let of_part = |stream: StreamKey| {
        let part = keys.iter().position(|key| *key == stream.key);
        let part = part.and_then(|part| i16::try_from(part).ok());
        let entries = stream.ids.into_iter();
        entries.filter_map(move |entry| {
            let position = entry.id.split('-').next()?.parse().ok()?;
            let event = (position > reached).then(|| decode(entry)).flatten();
            Some((part?, position, event))
        })
    };
    reply.keys.into_iter().flat_map(of_part).collect()
}

/// Decodes the event of an entry.
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
