//! The pump of a process: it numbers what was committed and hands it to the tail. It runs after every local commit and
//! at least every poll interval, however often it is woken, so a process that dies between its commit and the numbering
//! is stood in for by any other, and a wake-up that got lost costs one interval.
//!
//! The argument for the numbering itself is beside the function `sequence_events` in the migration that creates it.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use uuid::Uuid;

use crate::{
    Event, EventLog, Result, Tail, Tx,
    control::execute,
    currency::Currency,
    read::{self, Head},
};

/// Passes are at least this far apart, so that a burst of commits shares one.
const PASS_INTERVAL: Duration = Duration::from_millis(2);
/// Events read from the log at once.
const BATCH_EVENTS: u64 = 500;
/// How long the numbering is waited for at first, and at most. It doubles with each failure: a connection that is silent is
/// soon replaced, and a database that has much to number comes to its end.
const PASS_PATIENCE: Duration = Duration::from_secs(4);
const MOST_PATIENCE: Duration = Duration::from_secs(64);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// What a pump needs of the log. The simulation has one of its own.
pub(crate) trait Source: Sync {
    /// Numbers what is fresh; the head, and how many were fresh. The answer is waited for as long as `patience`.
    fn sequence(&self, patience: Duration) -> impl Future<Output = Result<(Head, u64)>> + Send;
    /// At most `limit` events after `after` and up to `until`, in order.
    fn read_after(
        &self,
        after: u64,
        until: u64,
        limit: u64,
    ) -> impl Future<Output = Result<Vec<Event>>> + Send;
    /// Begins a new epoch: the log is behind positions that it gave out.
    fn renew_epoch(&self, head: &Head) -> impl Future<Output = Result<()>> + Send;
}

impl Source for EventLog {
    async fn sequence(&self, patience: Duration) -> Result<(Head, u64)> {
        read::sequence(&self.shared.database.background.patient(patience)).await
    }

    async fn read_after(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
        let database = &self.shared.database.background;
        read::read_after(database, None, after, until, limit).await
    }

    async fn renew_epoch(&self, head: &Head) -> Result<()> {
        renew_epoch(self, head).await
    }
}

/// What one pass over the log needs: the log, and what the process knows of it.
pub(crate) struct Pump<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) tail: &'a Tail,
    pub(crate) currency: &'a Currency,
    /// Whether events of other processes come sooner than they could be read.
    pub(crate) has_faster_way: bool,
    pub(crate) batch_events: u64,
}

pub(crate) async fn run(log: EventLog) {
    let shared = &log.shared;
    let pump = Pump {
        source: &log,
        tail: &shared.tail,
        currency: &shared.currency,
        has_faster_way: shared.config.redis_url.is_some(),
        batch_events: BATCH_EVENTS,
    };
    pump.run(&shared.wake, shared.config.poll_interval).await;
}

impl<S: Source> Pump<'_, S> {
    async fn run(&self, wake: &Notify, poll_interval: Duration) {
        let mut failures = 0_u32;
        let mut poll_at = Instant::now() + poll_interval;
        loop {
            let started = Instant::now();
            // Whether woken or not: who is woken all the time polls all the same.
            let _ = timeout_at(poll_at, wake.notified()).await;
            sleep_until(started + PASS_INTERVAL).await;
            let now = Instant::now();
            let is_poll = now >= poll_at;
            if is_poll {
                poll_at = now + poll_interval;
            }
            let patience = MOST_PATIENCE.min(PASS_PATIENCE * (1 << failures.min(4)));
            match self.pass(is_poll, patience).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    if failures.is_power_of_two() {
                        tracing::warn!(%error, failures, "the log cannot be read; trying again");
                    }
                    sleep(MAX_PAUSE.min(Duration::from_millis(10 << failures.min(7)))).await;
                }
            }
        }
    }

    /// One look at the log. With `is_poll` whatever is there was missed by faster ways.
    pub(crate) async fn pass(&self, is_poll: bool, patience: Duration) -> Result<()> {
        let started = Instant::now();
        let (reached, last) = (self.tail.position(), self.tail.last());
        let (head, numbered) = self.source.sequence(patience).await?;
        if head.epoch != self.tail.epoch() {
            tracing::warn!(
                epoch = head.epoch,
                "the log has a new epoch; subscriptions start over"
            );
            self.tail.reset(&head);
            self.currency.restart();
            return Ok(());
        }
        if head.position < reached {
            return self.source.renew_epoch(&head).await;
        }
        self.tail.set_pruned(head.pruned);
        self.currency.look(head.position, started);
        // What other processes numbered comes over Redis, sooner than it could be read here; what did not come by the
        // next poll is read.
        let is_read = numbered > 0 || is_poll || !self.has_faster_way || self.tail.has_gap();
        let read = match is_read {
            true => self.read_up_to(&head, last, patience).await,
            false => Ok(true),
        };
        self.currency.settle(self.tail.position());
        match read? {
            true => Ok(()),
            false => self.source.renew_epoch(&head).await,
        }
    }

    /// Hands on what is behind the event that was handed on last, if the log still has that one. A log that lost its end and has
    /// grown again is as long as it was, and has other events from there on; so the last one is read with those behind it.
    async fn read_up_to(
        &self,
        head: &Head,
        mut last: Option<(u64, Uuid)>,
        patience: Duration,
    ) -> Result<bool> {
        loop {
            let reached = self.tail.position();
            // One that came another way since has nothing to prove: it was offered under this epoch.
            let proof = last.take().filter(|(position, _)| *position > head.pruned);
            let after = proof.map_or(reached, |(position, _)| position - 1);
            if after >= head.position {
                return Ok(true);
            }
            let limit = self.batch_events + u64::from(proof.is_some());
            let events = self.source.read_after(after, head.position, limit).await?;
            if let Some((position, event_id)) = proof {
                let first = events.first().filter(|it| it.position == position);
                match first {
                    Some(first) if first.event_id == event_id => {}
                    Some(_) => return Ok(false),
                    // It may have been pruned since the head was read.
                    None => {
                        let (head, _) = self.source.sequence(patience).await?;
                        return Ok(position <= head.pruned);
                    }
                }
            }
            if events.is_empty() {
                return Ok(true);
            }
            self.tail.offer(head.epoch, events);
            if self.tail.position() == reached {
                return Ok(true);
            }
        }
    }
}

/// The database, or Redis, shows that positions were given out that the log no longer knows: it was restored to an older
/// state, or a standby took over that lacked the last commits. A new epoch makes every old cursor and key recognizable.
pub(crate) async fn renew_epoch(log: &EventLog, head: &Head) -> Result<()> {
    tracing::error!(
        head = head.position,
        "the log lacks events that it gave positions before: it was restored, or a standby took over; beginning a new epoch"
    );
    begin_epoch(log.database().background_writer(), head.epoch).await?;
    log.shared.wake.notify_one();
    Ok(())
}

/// Ends the epoch `over`, if it is still the log's, and begins another one.
async fn begin_epoch(connection: &impl ConnectionTrait, over: u32) -> Result<()> {
    // The low half of a v7 id is random.
    let drawn = Uuid::now_v7().as_u128() as u32;
    let fresh = if drawn == over { !drawn } else { drawn };
    let sql = "update log_head set epoch = $1 where epoch = $2";
    let values = vec![i64::from(fresh).into(), i64::from(over).into()];
    execute(connection, sql, values).await?;
    Ok(())
}

impl Tx<'_> {
    /// Begins a new epoch: answers with the one that is over, and the one that begins if the transaction commits.
    pub async fn begin_epoch(&self) -> Result<(u32, u32)> {
        let (over, _) = read::read_pruned(&**self).await?;
        begin_epoch(&**self, over).await?;
        let (epoch, _) = read::read_pruned(&**self).await?;
        Ok((over, epoch))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{interval, timeout};

    use super::*;
    use crate::kit::{event, head};

    /// A log that another process numbers, before this one looks.
    struct Elsewhere;

    impl Source for Elsewhere {
        async fn sequence(&self, _: Duration) -> Result<(Head, u64)> {
            Ok((head(5), 0))
        }

        async fn read_after(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
            let events = (after + 1..=until).take(limit as usize);
            Ok(events
                .map(|position| event(position, "customer", 1))
                .collect())
        }

        async fn renew_epoch(&self, _: &Head) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_pump_that_is_woken_all_the_time_polls_all_the_same() {
        let (tail, wake) = (Tail::new(&head(0)), Notify::new());
        let pump = Pump {
            source: &Elsewhere,
            tail: &tail,
            currency: &Currency::new(),
            // Which has nothing.
            has_faster_way: true,
            batch_events: 2,
        };
        let waking = async {
            let mut ticks = interval(Duration::from_millis(1));
            while tail.position() < 5 {
                wake.notify_one();
                ticks.tick().await;
            }
        };
        let poll_interval = Duration::from_millis(50);
        tokio::select! {
            () = pump.run(&wake, poll_interval) => unreachable!("it runs for ever"),
            waited = timeout(100 * poll_interval, waking) => waited.expect("it polls"),
        }
    }
}
