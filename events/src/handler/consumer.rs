//! The loop of one handler in one process. It runs as many deliveries at once as the handler allows, and finds them through
//! hints, or in the table at least once in a poll interval. It claims nothing while the handler is paused, while its dependency
//! or the database is away, or when the process is stopping.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Handler, attempt,
    breaker::{Admission, Heard},
    deliveries::{self, Claimed, Scope},
    jobs::{Ear, Entry, Hint},
    worker::{DATABASE, GIVEN_BACK, Worker},
};
use crate::{Error, Looks, Result, backoff::Backoff, read};

/// How often the table is polled while events come, with hints from Redis and without.
const POLL_WITH_HINTS: Duration = Duration::from_secs(1);
const POLL_WITHOUT: Duration = Duration::from_millis(250);
/// The longest wait for a hint, which is also the longest delay before a stop is noticed.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often a paused handler looks whether it may go on.
const HOLD: Duration = Duration::from_millis(200);
/// The pause before another look for deliveries that were seen as due and could not be claimed.
const MISSED: Duration = Duration::from_millis(20);
/// When a delivery could not run alone, the pause before the next look for one, in multiples of the time that one may wait and
/// keep others waiting.
const ALONE_SHARE: u32 = 4;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Consumer {
    worker: Arc<Worker>,
    handler: Arc<dyn Handler>,
    ear: Ear,
    free: Arc<Semaphore>,
    looks: Looks,
    /// When the next delivery is due that the last look found.
    next: Option<Instant>,
    /// When the next delivery that must run alone is looked for.
    alone_at: Instant,
    attempts: JoinSet<()>,
}

/// Runs until `stop` turns true, then returns the attempts that are still running.
pub(super) async fn consume(
    worker: Arc<Worker>,
    handler: Arc<dyn Handler>,
    mut stop: watch::Receiver<bool>,
) -> JoinSet<()> {
    worker.abandon(handler.name());
    let ear = worker.ear(handler.name());
    let mut consumer = Consumer {
        free: Arc::new(Semaphore::new(handler.concurrency().max(1))),
        looks: Looks::new(&worker.log),
        worker,
        handler,
        ear,
        next: None,
        alone_at: Instant::now(),
        attempts: JoinSet::new(),
    };
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    while !*stop.borrow_and_update() {
        while consumer.attempts.try_join_next().is_some() {}
        let result = consumer.round(&mut stop).await;
        let Err(error) = result else {
            backoff.reset();
            continue;
        };
        let failures = backoff.fail();
        if backoff.is_telling() {
            let handler = consumer.handler.name();
            tracing::warn!(%error, handler, failures, "deliveries cannot be claimed; trying again");
        }
        pause(backoff.pause(), &mut stop).await;
    }
    while consumer.attempts.try_join_next().is_some() {}
    if consumer.attempts.is_empty() {
        consumer.ear.leave().await;
    }
    consumer.attempts
}

async fn pause(duration: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(duration) => {}
        _ = stop.changed() => {}
    }
}

impl Consumer {
    /// Makes one round: checks what is allowed, waits once for hints or polls the table once, and starts the claims that follow.
    async fn round(&mut self, stop: &mut watch::Receiver<bool>) -> Result<()> {
        let worker = self.worker.clone();
        let result = match worker.breakers.admit(DATABASE) {
            Admission::Nothing(wait) => {
                pause(wait, stop).await;
                return Ok(());
            }
            // A probe has to ask, also when there is nothing to claim.
            Admission::Probe => worker.look(self.handler.name()).await.map(|_| true),
            Admission::All => self.claim_some(stop).await,
        };
        worker.breakers.hear(
            DATABASE,
            &match &result {
                Err(Error::Unavailable(error)) => Heard::Down(error.to_string()),
                Ok(false) => Heard::Nothing,
                _ => Heard::Up,
            },
        );
        result.map(drop)
    }

    /// Returns whether the database was asked.
    async fn claim_some(&mut self, stop: &mut watch::Receiver<bool>) -> Result<bool> {
        let worker = self.worker.clone();
        let name = self.handler.name();
        let (log, position) = (&worker.log, worker.log.tail().position());
        let pauses = &log.shared.pauses;
        if pauses.contain(log.database(), position, name).await? {
            pause(HOLD, stop).await;
            return Ok(false);
        }
        let Some(places) = self.take_places(stop).await else {
            return Ok(false);
        };
        let dependency = super::dependency(&*self.handler);
        let places = match worker.breakers.admit(dependency) {
            Admission::All => places,
            Admission::Probe => places.into_iter().take(1).collect(),
            Admission::Nothing(wait) => {
                drop(places);
                pause(wait.min(PATIENCE), stop).await;
                return Ok(false);
            }
        };
        let claimed = self.claim_into(places, stop).await;
        if !matches!(claimed, Ok(Some(1..))) {
            // The admitted probe has nothing to try.
            worker.breakers.hear(dependency, &Heard::Nothing);
        }
        claimed.map(|claimed| claimed.is_some())
    }

    /// Takes all free places, at least one; `None` when the process is stopping.
    async fn take_places(
        &self,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            place = self.free.clone().acquire_owned() => place.ok()?,
            _ = stop.changed() => return None,
        };
        let mut places = vec![first];
        while let Ok(place) = self.free.clone().try_acquire_owned() {
            places.push(place);
        }
        Some(places)
    }

    /// Claims deliveries and returns their number; `None` when there was no reason to ask for any.
    async fn claim_into(
        &mut self,
        places: Vec<OwnedSemaphorePermit>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Option<usize>> {
        let now = Instant::now();
        let due = self.looks.due();
        let poll_at = self.next.map_or(due, |next| next.min(due));
        if poll_at <= now {
            return self.poll(places, stop).await.map(Some);
        }
        let patience = PATIENCE.min(poll_at - now);
        let entries = match self.ear.listen(places.len(), patience).await {
            Hint::Entries(entries) => entries,
            Hint::Wake => {
                self.next = Some(now);
                return Ok(None);
            }
            Hint::Nothing => return Ok(None),
        };
        let Some(company) = self.worker.in_company(stop).await else {
            return Ok(None);
        };
        let positions: Vec<_> = entries.iter().map(|entry| entry.position).collect();
        let claims = self.claim(Scope::These(&positions)).await?;
        let claimed = claims.len();
        self.start(claims, entries, places, company).await?;
        Ok(Some(claimed))
    }

    /// Claims due deliveries, or one of those that must run alone.
    async fn poll(
        &mut self,
        places: Vec<OwnedSemaphorePermit>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<usize> {
        let (worker, now) = (self.worker.clone(), Instant::now());
        let name = self.handler.name();
        // What is due, or was told of, is found by no look of before.
        let is_expected = self.next.is_some_and(|next| next <= now);
        self.looks.look(match self.ear.is_sharp() {
            true => POLL_WITH_HINTS,
            false => POLL_WITHOUT,
        });
        // A look that fails is repeated.
        self.next = Some(now);
        let outlook = match is_expected {
            true => worker.look(name).await?,
            false => worker.look_with_others(name).await?,
        };
        let alone = outlook.alone.filter(|_| self.alone_at <= now);
        self.next = outlook
            .due
            .into_iter()
            .chain(alone)
            .reduce(f64::min)
            .map(|seconds| {
                let next = Duration::try_from_secs_f64(seconds).unwrap_or_default();
                Instant::now() + next.max(MISSED)
            });
        if alone.is_some_and(|seconds| seconds <= 0.0) {
            let Some(alone) = worker.alone(stop).await else {
                // The others go on for a while, however long they take.
                self.alone_at = Instant::now() + worker.config.alone * ALONE_SHARE;
                return Ok(0);
            };
            let claims = self.claim(Scope::Alone).await?;
            if !claims.is_empty() {
                let place = places.into_iter().take(1).collect();
                self.start(claims, Vec::new(), place, alone).await?;
                return Ok(1);
            }
            return Ok(0);
        }
        if outlook.due.is_none_or(|seconds| seconds > 0.0) {
            return Ok(0);
        }
        let Some(company) = worker.in_company(stop).await else {
            return Ok(0);
        };
        let most = places.len();
        let claims = self.claim(Scope::Due { limit: most }).await?;
        let claimed = claims.len();
        if claimed == most {
            self.next = Some(now);
        }
        self.start(claims, Vec::new(), places, company).await?;
        Ok(claimed)
    }

    async fn claim(&self, scope: Scope<'_>) -> Result<Vec<Claimed>> {
        let config = &self.worker.config;
        let claims = deliveries::claim(
            self.worker.log.database(),
            self.handler.name(),
            self.handler.policy().limit,
            (&config.owner, config.lease),
            scope,
        )
        .await?;
        self.worker.note(&claims);
        Ok(claims)
    }

    /// Starts the claims, each in a task and in a place. A hint is acknowledged when its delivery is decided, or at once if there
    /// was nothing to claim: then it is claimed by others, decided already, or not due.
    async fn start<C: Send + Sync + 'static>(
        &mut self,
        claims: Vec<Claimed>,
        mut entries: Vec<Entry>,
        places: Vec<OwnedSemaphorePermit>,
        company: C,
    ) -> Result<()> {
        let name = self.handler.name();
        let company = Arc::new(company);
        let positions = claims.iter().map(|claim| claim.position);
        let events =
            match read::read_positions(&self.worker.log.database().background, positions).await {
                Ok(events) => events,
                Err(error) => {
                    // The deliveries are claimed, so each needs an outcome, and recording one waits for the database.
                    self.return_all(claims);
                    return Err(error);
                }
            };
        let mut events: std::collections::HashMap<_, _> = events
            .into_iter()
            .map(|event| (event.position, Arc::new(event)))
            .collect();
        for (claim, place) in claims.into_iter().zip(places) {
            let event = events.remove(&claim.position);
            let served: Vec<_> = entries
                .extract_if(.., |entry| entry.position == claim.position)
                .collect();
            let (worker, handler, company) =
                (self.worker.clone(), self.handler.clone(), company.clone());
            self.attempts.spawn(async move {
                let heard = attempt::run(&worker, &handler, &claim, event.as_ref()).await;
                worker.breakers.hear(super::dependency(&*handler), &heard);
                worker.forget(&claim);
                drop((place, company));
                worker.jobs.acknowledge(handler.name(), &served).await;
            });
        }
        self.worker.jobs.acknowledge(name, &entries).await;
        Ok(())
    }

    fn return_all(&mut self, claims: Vec<Claimed>) {
        let worker = self.worker.clone();
        self.attempts.spawn(async move {
            for claim in &claims {
                while let Err(error) = deliveries::give_back(worker.log.database(), claim, None).await {
                    tracing::debug!(%error, position = claim.position, "a claim was not released yet");
                    sleep(MAX_PAUSE).await;
                }
                worker.forget(claim);
                worker.remind(claim.handler, claim.position, GIVEN_BACK);
            }
        });
    }
}
