//! The relay copies positioned events to Redis Streams, one for each part, with the entry id `<position>-0`. Every process relays
//! the events that its tail has and Redis lacks; there is no leader to lose. Streams have neither gaps nor duplicates:
//! `append.lua` adds an event only if the stream's last entry is the one before it in its part. Of two relays, one adds and the
//! other is told; a relay that finds the stream too short (Redis came back empty, or without its tail) refills it from the log.
//! Redis is expendable and never a source of truth: readers have the log.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use redis::{
    Script,
    streams::{StreamRangeReply, StreamTrimOptions, StreamTrimmingMode},
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Cursor, Event, EventLog, PARTS,
    backoff::Backoff,
    bus::{self, stream_key},
    connector::{ANSWER_TIME, Connection, Redis},
    follower::slowest_checkpoints,
    kept::{Kept, LEAST_POSITIONS, MOST_POSITIONS},
    metrics::METRICS,
    pump, read, sql,
    trace::{self, Kind},
};

/// The number of events sent in one call.
const BATCH_EVENTS: u64 = 256;
/// How often the streams are trimmed, while events come and when none do.
const TRIM_INTERVAL: Duration = Duration::from_secs(5);
const TRIM_INTERVAL_IN_CALM: Duration = Duration::from_secs(20);
/// How long, in seconds, a stream outlives the last relay that maintains it.
const KEPT_SECONDS: i64 = 86_400;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Relay {
    log: EventLog,
    connection: Connection,
    script: Script,
    epoch: u32,
    /// The position up to which all events are in Redis.
    relayed: u64,
    /// When the streams were trimmed, and how far events had been relayed.
    trimmed_at: (Instant, u64),
    kept: Kept,
}

pub(crate) async fn run(log: EventLog, redis: Redis) {
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    // Events that were not yet relayed when the process started are left to the process that numbered them, or found as a gap.
    let mut relayed = log.tail().cursor();
    loop {
        match Relay::connect(&log, &redis, relayed).await {
            Ok(mut relay) => {
                let before = relayed.position;
                let Err(error) = relay.work().await;
                relayed = Cursor {
                    epoch: relay.epoch,
                    position: relay.relayed,
                    proof: None,
                };
                // A full Redis accepts connections, but no events.
                if relayed.position > before {
                    backoff.reset();
                }
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "Redis accepts no events; subscribers are served from the log");
                }
            }
            Err(error) => {
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "Redis cannot be reached; trying again");
                }
            }
        }
        log.shared.relayed.refuse();
        log.shared.arrivals.doubt.notify_one();
        sleep(backoff.pause()).await;
    }
}

impl Relay {
    async fn connect(log: &EventLog, redis: &Redis, relayed: Cursor) -> Result<Self, Failure> {
        let mut relay = Self {
            log: log.clone(),
            connection: redis.connect(ANSWER_TIME).await?,
            script: Script::new(include_str!("append.lua")),
            epoch: relayed.epoch,
            relayed: relayed.position,
            trimmed_at: (Instant::now(), 0),
            kept: Kept::default(),
        };
        relay.start_over_in_new_epoch();
        relay.compare_with_log().await?;
        Ok(relay)
    }

    /// Detects streams that end with an event which the log does not have. They date from before the log was restored to an older
    /// backup: their positions were given out again, or soon will be, and readers would take old events for new ones. Redis is
    /// read first and holds only events that were in the log, so in any other case the log has them, or has pruned them.
    async fn compare_with_log(&mut self) -> Result<(), Failure> {
        let mut ends = redis::pipe();
        for part in 0..PARTS {
            let key = stream_key(&self.log, self.epoch, part);
            ends.xrevrange_count(key, "+", "-", 1);
        }
        let ends: Vec<StreamRangeReply> = ends.query_async(&mut self.connection).await?;
        let ends = ends.into_iter().flat_map(|end| end.ids);
        let relayed: Vec<Event> = ends.filter_map(bus::decode).collect();
        let database = &self.log.database().background;
        let positions = relayed.iter().map(|event| event.position);
        let logged: HashMap<_, _> = read::read_positions(database, positions)
            .await?
            .into_iter()
            .map(|event| (event.position, event.event_id))
            .collect();
        let (epoch, pruned) = read::read_pruned(database).await?;
        let is_lost = |event: &Event| match logged.get(&event.position) {
            Some(event_id) => *event_id != event.event_id,
            None => event.position > pruned,
        };
        if epoch == self.epoch && relayed.iter().any(is_lost) {
            pump::begin_epoch(&self.log, epoch).await?;
        }
        Ok(())
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, Failure> {
        let mut changes = self.log.tail().changes();
        loop {
            let poll_interval = self.log.shared.config.poll_interval;
            // Both outcomes lead to another look: a change, or none for a while.
            let _ = timeout(poll_interval, changes.changed()).await;
            self.start_over_in_new_epoch();
            while self.relay_batch().await? {}
            self.log.shared.relayed.reach(self.relayed);
            let (at, relayed) = self.trimmed_at;
            let interval = match relayed == self.relayed {
                true => TRIM_INTERVAL_IN_CALM,
                false => TRIM_INTERVAL,
            };
            if at.elapsed() > interval {
                self.trimmed_at = (Instant::now(), self.relayed);
                self.trim().await?;
            }
        }
    }

    fn start_over_in_new_epoch(&mut self) {
        let reached = self.log.tail().cursor();
        if reached.epoch != self.epoch {
            self.epoch = reached.epoch;
            self.relayed = reached.position;
            self.log.shared.tops.clear();
            self.kept.clear();
        }
    }

    /// Relays the next events; returns false when there are none.
    async fn relay_batch(&mut self) -> Result<bool, Failure> {
        let reached = self.log.tail().position();
        if self.relayed >= reached {
            return Ok(false);
        }
        let events = self
            .log
            .read(None, self.relayed, reached, BATCH_EVENTS)
            .await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Ok(false);
        };
        let missing: Vec<_> = events
            .iter()
            .filter(|event| event.position > self.log.shared.tops.get(event.part))
            .collect();
        if !missing.is_empty() {
            let missing_events = || missing.iter().map(|event| &***event);
            let mut spans = trace::of_events("relay", Kind::Producer, missing_events());
            spans.set("messaging.system", "redis");
            spans.set("messaging.operation.type", "send");
            let tops = self.append(missing_events(), None).await?;
            drop(spans);
            for (part, top) in tops {
                let wanted = missing
                    .iter()
                    .rfind(|event| event.part == part)
                    .map_or(0, |event| event.position);
                self.settle(part, top, wanted).await?;
            }
        }
        let bytes = events.iter().map(|event| event.data.get().len() as u64);
        self.kept.note(last, bytes.sum(), Instant::now());
        self.relayed = last;
        Ok(true)
    }

    /// Brings the stream of a part to `wanted`, if it ended at `top`.
    async fn settle(&mut self, part: i16, top: i64, wanted: u64) -> Result<(), Failure> {
        let known = sql::from_i64(top);
        if top >= 0 && known >= wanted {
            self.log.shared.tops.raise(part, known);
            if known > wanted {
                self.check_not_ahead(part, known).await?;
            }
            return Ok(());
        }
        tracing::info!(
            part,
            top,
            wanted,
            "Redis lacks events; refilling the stream from the log"
        );
        // Every follower has passed the pruned events. A stream that lacks some of them cannot be refilled, so it starts again
        // behind them.
        let (_, pruned) = read::read_pruned(&self.log.database().background).await?;
        let mut after = if top >= 0 && known >= pruned {
            known
        } else {
            let slowest = slowest_checkpoints(self.log.database()).await?;
            let slowest = slowest[part as usize];
            let after = slowest.unwrap_or_else(|| wanted.saturating_sub(LEAST_POSITIONS));
            after.max(pruned).max(wanted.saturating_sub(MOST_POSITIONS))
        };
        while after < wanted {
            let database = &self.log.database().background;
            let events = read::read_part(database, part, after, wanted, BATCH_EVENTS).await?;
            let Some(last) = events.last().map(|event| event.position) else {
                break;
            };
            self.append(events.iter(), Some(pruned)).await?;
            after = last;
        }
        self.log.shared.tops.raise(part, wanted);
        Ok(())
    }

    /// Fails when a stream is ahead of the log: then the log has been restored since.
    async fn check_not_ahead(&self, part: i16, top: u64) -> Result<(), Failure> {
        let head = read::read_head(&self.log.database().background).await?;
        if head.epoch == self.epoch && head.parts[part as usize] < top {
            pump::begin_epoch(&self.log, head.epoch).await?;
        }
        Ok(())
    }

    /// Sends events and returns the last position of each of their streams. A refill names the pruned position.
    async fn append<'a>(
        &mut self,
        events: impl Iterator<Item = &'a Event>,
        refill: Option<u64>,
    ) -> Result<Vec<(i16, i64)>, Failure> {
        let mut keys = BTreeMap::new();
        let mut call = self.script.prepare_invoke();
        call.arg(i32::from(refill.is_some()))
            .arg(refill.unwrap_or(0));
        let (mut parts, mut sent) = (Vec::new(), 0);
        for event in events {
            let number = *keys.entry(event.part).or_insert_with(|| {
                parts.push(event.part);
                call.key(stream_key(&self.log, self.epoch, event.part));
                parts.len()
            });
            call.arg(number)
                .arg(event.previous)
                .arg(event.position)
                .arg(serde_json::to_string(event)?);
            sent += 1;
        }
        let tops: Vec<i64> = call.invoke_async(&mut self.connection).await?;
        METRICS.relayed.inc_by(sent);
        Ok(parts.into_iter().zip(tops).collect())
    }

    /// Removes the events that every follower has passed and that are not retained for other readers. The last entry always
    /// stays, because the next one is chained to it. Streams of a past epoch, which nobody trims, expire by themselves.
    async fn trim(&mut self) -> Result<(), Failure> {
        let slowest = slowest_checkpoints(self.log.database()).await?;
        let reached = self.log.tail().position();
        let gone = self.kept.gone(reached, Instant::now());
        let mut pipeline = redis::pipe();
        for part in 0..PARTS {
            let key = stream_key(&self.log, self.epoch, part);
            pipeline.expire(&key, KEPT_SECONDS);
            let top = self.log.shared.tops.get(part);
            // If no follower ever ran, there is none to wait for.
            let checkpoint = slowest[part as usize].unwrap_or(u64::MAX);
            let keep_from = checkpoint
                .min(reached.saturating_sub(LEAST_POSITIONS))
                .max(gone)
                .min(top);
            if keep_from > 0 {
                let options =
                    StreamTrimOptions::minid(StreamTrimmingMode::Approx, keep_from.to_string());
                pipeline.xtrim_options(&key, &options);
            }
        }
        let _: () = pipeline.query_async(&mut self.connection).await?;
        Ok(())
    }
}
