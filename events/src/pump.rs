//! The pump of a process: it numbers committed events and hands them to the tail. It runs after every local commit and polls between
//! them, however often it is woken. So any other process stands in for one that dies between its commit and the numbering, and a lost
//! wake-up costs the time until the next poll.
//!
//! That is the configured interval. While events arrive over Redis, it doubles with each poll that finds nothing, up to
//! `MOST_INTERVAL`: processes that do nothing cost next to nothing. The first look that finds something, or a doubt whether all has
//! arrived, brings the configured interval back.
//!
//! The argument for the numbering itself is beside the function `sequence_events` in the migration that creates it.

use std::time::Duration;

use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    Event, EventLog, Proof, Result, Tail,
    backoff::Backoff,
    clock::{self, Moment},
    copies::Arrivals,
    currency::Currency,
    epoch::{self, Step},
    fresh::Fresh,
    metrics::METRICS,
    read::{self, Head, Pass},
    trace::{self, Kind},
};

/// The shortest time between two passes, so that a burst of commits shares one.
const PASS_INTERVAL: Duration = Duration::from_millis(2);
/// The longest time between two polls. Caches and whispers count a process as current for twice as long.
const MOST_INTERVAL: Duration = Duration::from_secs(1);
/// How often memory that is no longer needed is freed.
const TIDY_INTERVAL: Duration = Duration::from_secs(2);
/// Events read from the log at once.
const BATCH_EVENTS: u64 = 500;
/// How long a pass waits for the numbering, at first and at most. The limit doubles with each failure: a silent connection is
/// soon replaced, and a database with much to number still finishes.
const PASS_PATIENCE: Duration = Duration::from_secs(4);
const MOST_PATIENCE: Duration = Duration::from_secs(64);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// What a pump needs from the log. The simulation implements its own.
pub(crate) trait Source: Sync {
    /// Numbers fresh events and finds the event at `reached`. It waits up to `patience` for the answer.
    fn sequence(
        &self,
        reached: u64,
        patience: Duration,
    ) -> impl Future<Output = Result<Pass>> + Send;
    /// Returns the proof of the event at `position`, if there is one.
    fn find_proof(&self, position: u64) -> impl Future<Output = Result<Option<Proof>>> + Send;
    /// Returns at most `limit` events after `after` and up to `until`, in order.
    fn read_after(
        &self,
        after: u64,
        until: u64,
        limit: u64,
    ) -> impl Future<Output = Result<Vec<Event>>> + Send;
    /// Ends the epoch `over`, because the log no longer has events that it had.
    fn begin_epoch(&self, over: u32) -> impl Future<Output = Result<()>> + Send;
}

impl Source for EventLog {
    async fn sequence(&self, reached: u64, patience: Duration) -> Result<Pass> {
        read::sequence(&self.shared.database.background.patient(patience), reached).await
    }

    async fn find_proof(&self, position: u64) -> Result<Option<Proof>> {
        let standing = read::read_standing(&self.shared.database.background, position).await?;
        Ok(standing.found)
    }

    async fn read_after(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
        let database = &self.shared.database.background;
        read::read_after(database, None, after, until, limit).await
    }

    async fn begin_epoch(&self, over: u32) -> Result<()> {
        begin_epoch(self, over).await
    }
}

/// When the log is polled next.
struct Rhythm {
    least: Duration,
    interval: Duration,
    poll_at: Instant,
}

impl Rhythm {
    fn new(least: Duration, now: Instant) -> Self {
        Self {
            least,
            interval: least,
            poll_at: now + least,
        }
    }

    /// Records a poll. The next one is due soon if there is reason to expect something.
    fn polled(&mut self, now: Instant, is_soon: bool) {
        self.interval = match is_soon {
            true => self.least,
            false => (2 * self.interval).min(MOST_INTERVAL).max(self.least),
        };
        self.poll_at = now + self.interval;
    }

    fn hurry(&mut self, now: Instant) {
        self.interval = self.least;
        self.poll_at = self.poll_at.min(now + self.least);
    }
}

/// What one pass over the log needs: the log, and the state of the process.
pub(crate) struct Pump<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) tail: &'a Tail,
    pub(crate) currency: &'a Currency,
    /// What the process has committed itself.
    pub(crate) fresh: &'a Fresh,
    /// Whether events of other processes arrive sooner than they could be read.
    pub(crate) has_faster_way: bool,
    pub(crate) batch_events: u64,
}

pub(crate) async fn run(log: EventLog) {
    let shared = &log.shared;
    let pump = Pump {
        source: &log,
        tail: &shared.tail,
        currency: &shared.currency,
        fresh: &shared.fresh,
        has_faster_way: shared.config.redis_url.is_some(),
        batch_events: BATCH_EVENTS,
    };
    // Pages that nobody reads any more would otherwise stay until the next read.
    let tidying = async {
        loop {
            sleep(TIDY_INTERVAL).await;
            shared.pages.tidy().await;
        }
    };
    tokio::select! {
        () = pump.run(&shared.wake, &shared.arrivals, shared.config.poll_interval) => {}
        () = tidying => {}
    }
}

impl<S: Source> Pump<'_, S> {
    async fn run(&self, wake: &Notify, arrivals: &Arrivals, poll_interval: Duration) {
        let mut backoff = Backoff::new(Duration::from_millis(20), MAX_PAUSE);
        let mut rhythm = Rhythm::new(poll_interval, Instant::now());
        loop {
            let started = Instant::now();
            // A pump that is woken all the time still polls.
            tokio::select! {
                biased;
                () = arrivals.doubt.notified() => {
                    rhythm.hurry(Instant::now());
                    continue;
                }
                () = sleep_until(rhythm.poll_at) => {}
                () = wake.notified() => {}
            }
            sleep_until(started + PASS_INTERVAL).await;
            let now = Instant::now();
            let is_poll = now >= rhythm.poll_at;
            let patience = MOST_PATIENCE.min(PASS_PATIENCE * (1 << backoff.failures().min(4)));
            match self.pass(is_poll, patience).await {
                Ok(is_late) => {
                    backoff.reset();
                    if is_poll {
                        rhythm.polled(now, is_late || !arrivals.are_open());
                    } else if is_late {
                        // Unless it arrives, it is to be read soon.
                        rhythm.hurry(now);
                    }
                }
                Err(error) => {
                    let failures = backoff.fail();
                    if backoff.is_telling() {
                        tracing::warn!(%error, failures, "the log cannot be read; trying again");
                    }
                    sleep(backoff.pause()).await;
                    // Whoever woke this pass still waits for one, and what a poll has not read is still to be read.
                    rhythm.poll_at = Instant::now();
                }
            }
        }
    }

    /// Makes one pass over the log. On a poll (`is_poll`), any event found was missed by the faster ways. Returns whether a poll found
    /// any, or, after another pass, whether the tail still lacks some.
    pub(crate) async fn pass(&self, is_poll: bool, patience: Duration) -> Result<bool> {
        let began = Moment::now();
        let started = began.instant();
        let reached = self.tail.cursor();
        let Pass {
            head,
            numbered,
            events,
            found,
        } = self.source.sequence(reached.position, patience).await?;
        match epoch::step(reached, &head, found) {
            Step::GoOn => {}
            Step::StartOver => {
                tracing::warn!(
                    epoch = head.epoch,
                    "the log has a new epoch; subscriptions start over"
                );
                self.tail.reset(&head);
                self.currency.restart();
                return Ok(true);
            }
            Step::BeginEpoch => {
                self.source.begin_epoch(head.epoch).await?;
                return Ok(true);
            }
        }
        let proof = match reached.position < head.pruned {
            true => self.source.find_proof(head.pruned).await?,
            false => None,
        };
        self.tail.set_pruned(head.pruned, proof);
        self.currency.look(head.position, began);
        // Events that other processes numbered arrive over Redis, sooner than they could be read here. Those that have not
        // arrived by the next poll are read.
        let is_read = numbered > 0 || is_poll || !self.has_faster_way || self.tail.has_gap();
        // The events that this process has written and numbered are known to it.
        let first = (head.position + 1).saturating_sub(numbered);
        if !events.is_empty()
            && reached.position + 1 == first
            && let Some(events) = self.fresh.number(reached, &events)
        {
            trace_numbered(&events, first, started);
            self.tail.offer(head.epoch, events);
        }
        METRICS.sequenced.inc_by(numbered);
        let read = match is_read {
            true => self.read_up_to(&head, (first, started)).await,
            false => Ok(()),
        };
        self.currency.settle(self.tail.position());
        read?;
        let had = match is_poll {
            true => reached.position,
            false => self.tail.position(),
        };
        Ok(head.position > had)
    }

    /// Reads what the tail lacks. This pass has numbered the events from `first` on.
    async fn read_up_to(&self, head: &Head, (first, started): (u64, Instant)) -> Result<()> {
        loop {
            let reached = self.tail.cursor();
            let after = reached.position;
            if after >= head.position {
                return Ok(());
            }
            let mut events = self
                .source
                .read_after(after, head.position, self.batch_events)
                .await?;
            let Some(next) = events.first_mut() else {
                return Ok(());
            };
            if next.follows.is_none() {
                // Positions are dense, so the event before it was there when this pass began, and has been pruned since.
                next.follows = reached.proof;
            }
            trace_numbered(&events, first, started);
            self.tail.offer(head.epoch, events);
            if self.tail.position() == after {
                return Ok(());
            }
        }
    }
}

/// Tells traces that a pass has numbered events, those from `first` on, and looks at their times, which each numbering sees once.
fn trace_numbered(events: &[Event], first: u64, started: Instant) {
    let numbered = events.iter().filter(|event| event.position >= first);
    clock::note_ahead(numbered.clone().map(|event| event.occurred_at));
    let mut spans = trace::of_events("sequence", Kind::Internal, numbered);
    spans.since(started.into_std());
}

/// Begins a new epoch, because the database, or Redis, shows that positions were given out which the log no longer knows: it was
/// restored to an older state, or a standby took over that lacked the last commits. The new epoch makes every old cursor and key
/// recognizable.
pub(crate) async fn begin_epoch(log: &EventLog, over: u32) -> Result<()> {
    tracing::error!(
        epoch = over,
        "the log lacks events that it had before: it was restored, or a standby took over; beginning a new epoch"
    );
    epoch::begin(log.database().background_writer(), over).await?;
    log.shared.wake.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::{interval, timeout};

    use super::*;
    use crate::kit::{event, head, proof};

    /// A log whose events another process numbers before this one looks.
    struct Elsewhere;

    impl Source for Elsewhere {
        async fn sequence(&self, reached: u64, _: Duration) -> Result<Pass> {
            Ok(Pass {
                head: head(5),
                numbered: 0,
                events: Vec::new(),
                found: proof(reached),
            })
        }

        async fn find_proof(&self, position: u64) -> Result<Option<Proof>> {
            Ok(proof(position))
        }

        async fn read_after(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
            let events = (after + 1..=until).take(limit as usize);
            Ok(events
                .map(|position| event(position, "customer", 1))
                .collect())
        }

        async fn begin_epoch(&self, _: u32) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_pump_that_is_woken_all_the_time_polls_all_the_same() {
        let (tail, wake, arrivals) = (Tail::new(&head(0)), Notify::new(), Arrivals::default());
        let pump = Pump {
            source: &Elsewhere,
            tail: &tail,
            currency: &Currency::new(),
            fresh: &Fresh::default(),
            // The faster way, which has nothing here.
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
            () = pump.run(&wake, &arrivals, poll_interval) => unreachable!("it never ends"),
            waited = timeout(100 * poll_interval, waking) => waited.expect("it polls"),
        }
    }

    #[test]
    fn polls_that_find_nothing_come_further_apart_until_somebody_hurries() {
        let (least, start) = (Duration::from_millis(100), Instant::now());
        let mut rhythm = Rhythm::new(least, start);
        let polls = |rhythm: &mut Rhythm, has_found| {
            let polls = std::iter::repeat_with(|| {
                let at = rhythm.poll_at;
                rhythm.polled(at, has_found);
                (rhythm.poll_at - at).as_millis()
            });
            polls.take(6).collect::<Vec<_>>()
        };
        assert_eq!(
            polls(&mut rhythm, false),
            [200, 400, 800, 1_000, 1_000, 1_000]
        );
        let now = rhythm.poll_at - Duration::from_millis(700);
        rhythm.hurry(now);
        assert_eq!(rhythm.poll_at, now + least);
        rhythm.hurry(now + least / 2);
        assert_eq!(rhythm.poll_at, now + least, "it is not put off");
        assert_eq!(polls(&mut rhythm, true), [100; 6]);
        let mut slow = Rhythm::new(2 * MOST_INTERVAL, start);
        assert_eq!(polls(&mut slow, false), [2_000; 6]);
    }
}
