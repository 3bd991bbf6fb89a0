//! The loop of one follower in one process: renew the leases, apply new events, commit them with the checkpoints. After a failure
//! it keeps its place and retries with growing pauses. An event that keeps failing on its own becomes a dead letter, and later
//! events of its stream are parked behind it; the order of a stream is never given up.

mod attempts;
mod batch;
mod lease;
mod pace;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::Utc;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use attempts::Caution;
use batch::Batch;
use lease::Leases;
#[cfg(test)]
pub(crate) use lease::{Lease, remembered};
use pace::Pace;

use crate::{
    Error, Event, EventLog, Follower, Result, Tx,
    backoff::Backoff,
    boxed,
    database::Pool,
    follower::advance,
    letters::{self, Kind, Tried},
    metrics::{OfFollower, between},
    pages::PAGE_EVENTS,
    read,
    sql::to_i64,
    trace::{self, Kind as SpanKind},
    waiting::{self, Seat},
};

/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// The number of consecutive failures caused by events after which the events are examined one by one.
const POISON_ATTEMPTS: u32 = 5;
/// The number of a part's events read at once while they are applied one by one.
const CAREFUL_EVENTS: u64 = 64;
/// The error recorded for an event that was set aside because it ended its process.
const ENDED_ITS_PROCESS: &str =
    "the process that applied it ended each time before it had finished";
/// How often a paused follower looks whether it may go on.
const HOLD: Duration = Duration::from_millis(200);

/// How a process runs its followers.
#[derive(Debug, Clone)]
pub struct FollowerConfig {
    /// The name of this process among those that share the parts; unique for each start.
    pub owner: String,
    /// How long a process keeps a part without renewing its lease.
    pub lease: Duration,
    /// The most events applied in one transaction, once the follower is far behind and its transactions are quick.
    pub batch_events: u64,
}

struct Runner {
    log: EventLog,
    follower: Arc<dyn Follower>,
    config: FollowerConfig,
    leases: Leases,
    pace: Pace,
    /// The age of the tail's memory when the leases were last looked up.
    age: u64,
    renewed_at: Option<Instant>,
    /// Consecutive failures caused by events, and the time of the first of them.
    poisoned: Option<(u32, Instant)>,
    /// Parts that other processes left behind, whose events are applied one by one.
    cautions: BTreeMap<i16, Caution>,
    metrics: OfFollower,
}

/// Runs `follower` until `stop` turns true, then releases its parts.
#[boxed]
pub async fn run_follower(
    log: EventLog,
    follower: Arc<dyn Follower>,
    config: FollowerConfig,
    mut stop: watch::Receiver<bool>,
) {
    let mut runner = Runner {
        log,
        metrics: OfFollower::new(follower.name()),
        follower,
        leases: Leases::new(),
        pace: Pace::new(&config),
        config,
        age: 0,
        renewed_at: None,
        poisoned: None,
        cautions: BTreeMap::new(),
    };
    let mut backoff = Backoff::new(Duration::from_millis(100), MAX_PAUSE);
    while !*stop.borrow_and_update() {
        match runner.step().await {
            Ok(true) => backoff.reset(),
            Ok(false) => {
                backoff.reset();
                let without = runner.renewed_at.filter(|_| runner.leases.is_empty());
                let wait = waiting::rest(runner.config.lease, without);
                let mut changes = runner.log.tail().changes();
                let reached = runner.leases.values().map(|lease| lease.scanned).min();
                if reached.is_none_or(|reached| *changes.borrow_and_update() <= reached) {
                    let log = runner.log.clone();
                    let seat = runner.sit(&log);
                    let is_time = tokio::select! {
                        changed = timeout(wait, changes.changed()) => changed.is_err(),
                        () = seat.is_unsettled() => false,
                        _ = stop.changed() => false,
                    };
                    if is_time {
                        seat.renew(log.database()).await;
                    }
                    runner.renewed_at = seat.rise();
                }
            }
            Err(error) => {
                backoff.fail();
                runner.recover(&error, backoff);
                tokio::select! {
                    () = sleep(backoff.pause()) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }
    let (database, name) = (runner.log.database(), runner.follower.name());
    if let Err(error) = lease::leave(database, name, &runner.config).await {
        tracing::warn!(%error, "the leases were not released; they will expire");
    }
}

impl Runner {
    /// Applies one batch; returns false when there was nothing to apply.
    async fn step(&mut self) -> Result<bool> {
        let age = self.log.tail().age();
        if age != self.age {
            // Events were missed, or the log has another epoch: scanned positions and failures may no longer match the log.
            self.age = age;
            self.leases.clear();
            self.renewed_at = None;
            self.poisoned = None;
        }
        let due = self.config.lease / 3;
        if self.renewed_at.is_none_or(|at| at.elapsed() >= due) {
            self.renew_with_others().await?;
        }
        let (log, name) = (&self.log, self.follower.name());
        let (pauses, position) = (&log.shared.pauses, log.tail().position());
        if pauses.contain(log.database(), position, name).await? {
            sleep(HOLD).await;
            return Ok(false);
        }
        if let Some((part, caution)) = self.cautions.first_key_value() {
            match caution.doubt() {
                Some(left) if !left.is_zero() => {
                    sleep(left.min(due).min(HOLD)).await;
                    return Ok(false);
                }
                _ => self.step_carefully(*part).await?,
            }
            return Ok(true);
        }
        let Some(after) = self.leases.values().map(|lease| lease.scanned).min() else {
            return Ok(false);
        };
        let reached = self.log.tail().position();
        if reached <= after {
            return Ok(false);
        }
        let began = Instant::now();
        let (batch, scanned) = self.read_batch(after, reached, began).await?;
        if !batch.is_empty() {
            let events = batch.events();
            let _company = self.log.shared.applying.clone().read_owned().await;
            self.commit(batch, None).await?;
            self.pace.note(events, began.elapsed());
        }
        for lease in self.leases.values_mut() {
            lease.scanned = lease.scanned.max(scanned);
        }
        Ok(true)
    }

    /// Returns the unapplied events of the held parts, after `after` and up to `reached`, and how far that goes. It ends when it is
    /// full, or when reading takes long. Unwanted events only move the checkpoints, so long stretches of them take few transactions.
    async fn read_batch(&self, after: u64, reached: u64, began: Instant) -> Result<(Batch, u64)> {
        let most = self.most_events();
        let (mut batch, mut scanned) = (Batch::default(), after);
        loop {
            let log = &self.log;
            let events = log.read_page_by_page(scanned, reached, PAGE_EVENTS).await?;
            for event in &events {
                if !batch.take(event, &self.leases, &*self.follower) {
                    return Ok((batch, scanned));
                }
                scanned = event.position;
                if batch.is_full(most) {
                    return Ok((batch, scanned));
                }
            }
            if (events.len() as u64) < PAGE_EVENTS {
                return Ok((batch, reached));
            }
            if scanned >= reached || self.pace.is_late(began) {
                return Ok((batch, scanned));
            }
        }
    }

    /// Returns the most events of the next transaction. They are few until each part that was left behind has moved on, so that the
    /// event that ends its process a second time is among the few next ones.
    fn most_events(&self) -> u64 {
        match self.leases.values().any(|lease| lease.is_left_behind) {
            true => self.pace.first(),
            false => self.pace.events(),
        }
    }

    /// Applies the next event of a part that was left behind, or passes the unwanted ones before it. The reasons are in `attempts`.
    async fn step_carefully(&mut self, part: i16) -> Result<()> {
        let log = self.log.clone();
        let (name, database) = (self.follower.name(), log.database());
        let Some(after) = self.leases.get(&part).map(|lease| lease.position) else {
            self.cautions.remove(&part);
            return Ok(());
        };
        if let Some(caution) = self.cautions.get_mut(&part)
            && caution.doubt().is_some()
            && !caution.confirm(database, name, (part, after)).await?
        {
            self.cautions.remove(&part);
            return Ok(());
        }
        let (reached, connection) = (log.tail().position(), &database.background);
        let events = read::read_part(connection, part, after, reached, CAREFUL_EVENTS).await?;
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        let is_wanted = |event: &Arc<Event>| self.follower.wants(&event.stream);
        let unwanted = events.iter().take_while(|event| !is_wanted(event)).count();
        if unwanted > 0 {
            let passed = Batch::of(&events[..unwanted], &self.leases, &*self.follower);
            return self.commit(passed, None).await;
        }
        if let (Some(event), Some(caution)) = (events.first(), self.cautions.get_mut(&part))
            && caution.left > 0
        {
            caution.left -= 1;
            let verdict = caution.verdict(event);
            let _alone = log.shared.applying.clone().write_owned().await;
            if verdict.is_none() {
                attempts::note(database, name, event).await?;
            }
            let alone = Batch::of(&events[..1], &self.leases, &*self.follower);
            let applied = self.commit(alone, verdict).await;
            if applied.is_err()
                && verdict.is_none()
                && let Err(error) = attempts::withdraw(database, name, event).await
            {
                tracing::debug!(%error, position = event.position, "an attempt stays counted");
            }
            return applied;
        }
        attempts::forget(database, name, part).await?;
        self.cautions.remove(&part);
        Ok(())
    }

    /// Sits down with the others that wait.
    fn sit<'a>(&self, log: &'a EventLog) -> Seat<'a> {
        let held = self.leases.iter();
        let held = held.map(|(part, lease)| (*part, lease.token, to_i64(lease.position)));
        let key = (&*self.config.owner, self.follower.name());
        let lease = self.config.lease;
        log.shared.waiting.sit(key, lease, held, self.renewed_at)
    }

    /// Renews the leases, and those of the followers of this process that wait.
    async fn renew_with_others(&mut self) -> Result<()> {
        let log = self.log.clone();
        let seat = self.sit(&log);
        seat.renew(log.database()).await;
        self.renewed_at = seat.rise();
        match self.renewed_at {
            Some(_) => Ok(()),
            None => self.renew().await,
        }
    }

    async fn renew(&mut self) -> Result<()> {
        let name = self.follower.name();
        let database = self.log.database();
        let begin = self.follower.begins();
        let (config, most, held) = (&self.config, self.pace.first(), &self.leases);
        let renewed = lease::renew(database, name, begin, config, most, held).await?;
        self.leases = renewed.leases;
        self.cautions.extend(renewed.cautions);
        self.cautions
            .retain(|part, _| self.leases.contains_key(part));
        self.renewed_at = Some(Instant::now());
        Ok(())
    }

    /// Commits one transaction: the checkpoints, then the effects of the events. An event that has ended its process too often is
    /// set aside without being applied.
    async fn commit(&mut self, batch: Batch, deadly: Option<Tried>) -> Result<()> {
        let follower = self.follower.clone();
        let (advances, wanted) = batch.into_parts();
        let suspects = self
            .poisoned
            .filter(|(failures, _)| *failures >= POISON_ATTEMPTS)
            .map(|(attempts, at)| Tried {
                attempts,
                since: at.elapsed(),
            });
        let served = wanted.iter().map(|event| &**event);
        let mut spans = trace::of_events("follow", SpanKind::Consumer, served);
        spans.set("millrace.follower", self.follower.name());
        let database = self.log.database();
        let committing = spans.scope(database.transaction(Pool::Background, |tx| {
            let follower = follower.clone();
            let (advances, wanted) = (advances.clone(), wanted.clone());
            Box::pin(async move {
                let (follower, whose) = (&*follower, (follower.name(), Kind::Follower));
                advance(tx, follower.name(), &advances).await?;
                let raised = Mutex::default();
                match (suspects, deadly) {
                    _ if wanted.is_empty() => {}
                    (_, Some(tried)) => {
                        letters::set_aside(tx, whose, &wanted, ENDED_ITS_PROCESS, tried).await?;
                    }
                    (None, None) => {
                        let raising = Tx::new(tx, &raised);
                        letters::apply_or_park(tx, whose, follower, &wanted, Some(&raising))
                            .await?;
                    }
                    (Some(tried), None) => {
                        let raised = Some(&raised);
                        letters::apply_carefully(tx, whose, follower, &wanted, raised, tried)
                            .await?;
                    }
                }
                let raised = raised.into_inner();
                Ok::<_, Error>(raised)
            })
        }));
        let raised = match committing.await {
            Ok(raised) => raised,
            Err(error) => {
                spans.fail("transaction");
                return Err(error);
            }
        };
        drop(spans);
        self.poisoned = None;
        self.metrics.events.inc_by(wanted.len() as u64);
        let now = Utc::now();
        for event in &*wanted {
            let delay = between(event.occurred_at, now);
            self.metrics.delays.observe(delay);
        }
        self.log.announce(raised);
        self.follower.committed(&wanted);
        for advance in &*advances {
            if let Some(lease) = self.leases.get_mut(&advance.part) {
                lease.position = advance.position;
                lease.is_left_behind = false;
            }
        }
        Ok(())
    }

    fn recover(&mut self, error: &Error, backoff: Backoff) {
        let follower = self.follower.name();
        if let Error::Fenced { part, .. } = error {
            tracing::info!(follower, part, "a part was taken over by another process");
        } else if backoff.is_telling() {
            let failures = backoff.failures();
            tracing::warn!(follower, failures, %error, "the follower failed; trying again");
        }
        if !matches!(error, Error::Fenced { .. }) {
            self.metrics.failures.inc();
        }
        if error.is_of_event() {
            let (failures, at) = self.poisoned.unwrap_or((0, Instant::now()));
            self.poisoned = Some((failures + 1, at));
        }
        self.pace.restart();
        // Whatever the outcome, the leases held are looked up again.
        self.renewed_at = None;
    }
}
