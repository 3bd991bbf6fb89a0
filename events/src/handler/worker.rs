//! The state that the handlers of one process share: breakers, hints, the claims held, and the rule that a delivery which may
//! have ended a process runs alone. `run_handlers` is the entry point: it runs the registration, a consumer for each handler, the
//! renewal of claims, and the orderly stop.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch},
    task::JoinSet,
    time::{Instant, interval, sleep, timeout, timeout_at},
};

use super::{
    Handler, HandlerConfig,
    breaker::Breakers,
    consumer,
    deliveries::{self, Claimed, Outlook},
    dependency,
    jobs::{Ear, Jobs},
    registration::Registration,
    report,
};
use crate::{EventLog, FollowerConfig, Result, boxed, run_follower, undying};

/// The name of the database among the dependencies of handlers.
pub(super) const DATABASE: &str = "database";
/// The most events registered in one transaction.
const BATCH_EVENTS: u64 = 1_000;
/// How old a look may be that handlers share.
const SHARED_LOOK: Duration = Duration::from_millis(100);
/// Retries due sooner than this are announced by the process that saw the failure; later ones are found in the table, where looks may
/// be five seconds apart.
const REMINDED: Duration = Duration::from_secs(6);
/// When a delivery that was given back is announced again: it is due at once, but what was away is hardly back.
pub(super) const GIVEN_BACK: Duration = Duration::from_millis(500);
/// How long a handler waits for another one's look before it looks for itself.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most deliveries that are remembered for having found their dependency away.
const MOST_AWAY: usize = 10_000;
/// How often to look for times that a clock which was ahead has set.
const MEND_INTERVAL: Duration = Duration::from_secs(60);

/// While it is held, nothing runs alone.
pub(super) type Company = OwnedRwLockReadGuard<()>;
/// While it is held, nothing else runs, until the time for that is over.
pub(super) type Alone = Arc<Mutex<Option<OwnedRwLockWriteGuard<()>>>>;

pub(super) struct Worker {
    pub(super) log: EventLog,
    pub(super) config: HandlerConfig,
    pub(super) breakers: Breakers,
    pub(super) jobs: Arc<Jobs>,
    /// The name of each handler, and the limit of its attempts.
    handlers: Vec<(&'static str, u32)>,
    /// The longest delay between two attempts of any of them.
    most_delay: Duration,
    /// What the last look found for handlers that have not asked since, and when it began.
    outlooks: tokio::sync::Mutex<(Instant, HashMap<&'static str, Outlook>)>,
    crowd: Arc<RwLock<()>>,
    claims: Mutex<HashMap<(&'static str, u64), Claimed>>,
    /// The deliveries that found their dependency away, and when they last did.
    away: Mutex<HashMap<(&'static str, u64), Instant>>,
}

impl Worker {
    fn held(&self) -> Vec<Claimed> {
        self.claims.lock().values().cloned().collect()
    }

    /// Notes claims as held, until they are forgotten.
    pub(super) fn note(&self, claims: &[Claimed]) {
        let mut held = self.claims.lock();
        for claim in claims {
            held.insert((claim.handler, claim.position), claim.clone());
        }
    }

    /// Forgets all claims of a handler, whose loop begins: those of one that panicked are left to expire.
    pub(super) fn abandon(&self, handler: &'static str) {
        self.claims.lock().retain(|(of, _), _| *of != handler);
    }

    /// Forgets a claim that has an outcome.
    pub(super) fn forget(&self, claim: &Claimed) {
        let mut held = self.claims.lock();
        let key = (claim.handler, claim.position);
        if held.get(&key).is_some_and(|it| it.token == claim.token) {
            held.remove(&key);
        }
    }

    /// Notes that a delivery found its dependency away. Returns whether that is a matter of the delivery: it was away for it before, and was
    /// there since for another one, at `up_at`, which is from before the attempt.
    pub(super) fn is_away_for_one(&self, claim: &Claimed, up_at: Option<Instant>) -> bool {
        let mut away = self.away.lock();
        if away.len() >= MOST_AWAY {
            away.clear();
        }
        let before = away.insert((claim.handler, claim.position), Instant::now());
        before.is_some_and(|before| up_at.is_some_and(|up_at| before < up_at))
    }

    /// Notes that a delivery found its dependency there.
    pub(super) fn is_there(&self, claim: &Claimed) {
        let mut away = self.away.lock();
        away.remove(&(claim.handler, claim.position));
    }

    /// Waits for an attempt that runs alone; returns `None` when the process is stopping.
    pub(super) async fn in_company(&self, stop: &mut watch::Receiver<bool>) -> Option<Company> {
        tokio::select! {
            company = self.crowd.clone().read_owned() => Some(company),
            _ = stop.changed() => None,
        }
    }

    /// Waits for all running attempts, while no other begins; returns `None` when that takes too long, or the process is stopping.
    pub(super) async fn alone(&self, stop: &mut watch::Receiver<bool>) -> Option<Alone> {
        let guard = tokio::select! {
            alone = timeout(self.config.alone, self.crowd.clone().write_owned()) => alone.ok()?,
            _ = stop.changed() => return None,
        };
        let alone = Arc::new(Mutex::new(Some(guard)));
        let (held, limit) = (Arc::downgrade(&alone), self.config.alone);
        tokio::spawn(async move {
            sleep(limit).await;
            if let Some(held) = held.upgrade() {
                held.lock().take();
            }
        });
        Some(alone)
    }

    /// Looks for due deliveries of a handler now.
    pub(super) async fn look(&self, handler: &'static str) -> Result<Outlook> {
        let found = self.handlers.iter().find(|(name, _)| *name == handler);
        let outlooks = deliveries::look(
            self.log.database(),
            &found.copied().into_iter().collect::<Vec<_>>(),
        )
        .await?;
        Ok(outlooks.into_iter().next().unwrap_or_default())
    }

    /// Looks for due deliveries of all handlers at once, unless another handler has just done so. Each look is told once to each.
    pub(super) async fn look_with_others(&self, handler: &'static str) -> Result<Outlook> {
        let Ok(mut outlooks) = timeout(PATIENCE, self.outlooks.lock()).await else {
            return self.look(handler).await;
        };
        if outlooks.0.elapsed() < SHARED_LOOK
            && let Some(outlook) = outlooks.1.remove(handler)
        {
            return Ok(outlook);
        }
        let began = Instant::now();
        let found = deliveries::look(self.log.database(), &self.handlers).await?;
        let names = self.handlers.iter().map(|(name, _)| *name);
        *outlooks = (began, names.zip(found).collect());
        Ok(outlooks.1.remove(handler).unwrap_or_default())
    }

    pub(super) fn ear(&self, handler: &'static str) -> Ear {
        Ear::new(
            self.jobs.clone(),
            handler,
            &self.config.owner,
            self.config.lease,
        )
    }

    /// Announces another attempt, due after `delay`.
    pub(super) fn remind(&self, handler: &'static str, position: u64, delay: Duration) {
        if delay > REMINDED {
            return;
        }
        let jobs = self.jobs.clone();
        tokio::spawn(async move {
            sleep(delay).await;
            jobs.announce(vec![(handler, position)]);
        });
    }

    async fn mend_times(&self) {
        let (database, lease) = (self.log.database(), self.config.lease);
        let mending = deliveries::mend_times(database, &self.handlers, lease, self.most_delay);
        if let Err(error) = mending.await {
            tracing::debug!(%error, "the times of deliveries were not looked at");
        }
    }

    async fn keep_renewing(&self) {
        let mut ticks = interval(self.config.lease / 3);
        let mut mended_at: Option<Instant> = None;
        loop {
            ticks.tick().await;
            let held = self.held();
            if let Err(error) =
                deliveries::renew(self.log.database(), &held, self.config.lease).await
            {
                tracing::warn!(%error, "claims were not renewed");
            }
            // Afterwards: no claim waits for this.
            if mended_at.is_none_or(|at| at.elapsed() > MEND_INTERVAL) {
                mended_at = Some(Instant::now());
                self.mend_times().await;
            }
        }
    }

    /// Hands back the attempts that did not finish in time, so that other processes can take them at once.
    async fn hand_back(&self) {
        for claim in self.held() {
            let (handler, position) = (claim.handler, claim.position);
            match deliveries::give_back(self.log.database(), &claim, None).await {
                Ok(true) => {
                    self.jobs.announce(vec![(handler, position)]);
                    tracing::info!(handler, position, "a delivery was handed back");
                }
                // It was decided after all.
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, handler, position, "a delivery was not handed back; its lease will expire");
                }
            }
        }
    }
}

/// Runs the handlers until `stop` turns true; then lets running attempts finish, and hands back those left after `config.drain`.
#[boxed]
pub async fn run_handlers(
    log: EventLog,
    handlers: Vec<Arc<dyn Handler>>,
    config: HandlerConfig,
    mut stop: watch::Receiver<bool>,
) {
    let (jobs, hints) = Jobs::new(log.clone(), handlers.iter().map(|handler| handler.name()));
    let dependencies = handlers.iter().map(|handler| dependency(&**handler));
    let delays = handlers.iter().map(|handler| handler.policy().longest);
    let worker = Arc::new(Worker {
        breakers: Breakers::new(dependencies.chain([DATABASE])),
        jobs: jobs.clone(),
        handlers: handlers
            .iter()
            .map(|handler| (handler.name(), handler.policy().limit))
            .collect(),
        most_delay: delays.max().unwrap_or_default(),
        outlooks: tokio::sync::Mutex::new((Instant::now(), HashMap::new())),
        crowd: Arc::default(),
        claims: Mutex::default(),
        away: Mutex::default(),
        log: log.clone(),
        config: config.clone(),
    });
    let mut background = JoinSet::new();
    background.spawn(async move { jobs.send(hints).await });
    background.spawn({
        let worker = worker.clone();
        async move { undying("the renewal of claims", || worker.keep_renewing()).await }
    });
    background.spawn({
        let worker = worker.clone();
        async move {
            report::run(
                worker.log.database(),
                &worker.config.owner,
                &worker.breakers,
            )
            .await
        }
    });
    let registering = Arc::new(Registration {
        handlers: handlers.clone(),
        jobs: worker.jobs.clone(),
    });
    let follower_config = FollowerConfig {
        owner: config.owner.clone(),
        lease: config.lease,
        batch_events: BATCH_EVENTS,
    };
    let (registered, stopped) = (log.clone(), stop.clone());
    let registration = tokio::spawn(async move {
        let registration = || {
            let (log, follower) = (registered.clone(), registering.clone());
            run_follower(log, follower, follower_config.clone(), stopped.clone())
        };
        undying("the registration of deliveries", registration).await;
    });
    let mut consumers = JoinSet::new();
    for handler in handlers {
        tracing::info!(
            handler = handler.name(),
            owner = config.owner,
            "running a handler"
        );
        let (worker, stop) = (worker.clone(), stop.clone());
        consumers.spawn(async move {
            let consuming = || consumer::consume(worker.clone(), handler.clone(), stop.clone());
            undying(handler.name(), consuming).await
        });
    }
    // Only a stop ends the consumers; a sender that is gone counts as one.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
    let until = Instant::now() + config.drain;
    let mut running = Vec::new();
    while let Ok(Some(ended)) = timeout_at(until, consumers.join_next()).await {
        match ended {
            Ok(attempts) => running.push(attempts),
            Err(error) => tracing::error!(%error, "a handler's loop ended unexpectedly"),
        }
    }
    consumers.shutdown().await;
    for attempts in &mut running {
        while let Ok(Some(_)) = timeout_at(until, attempts.join_next()).await {}
        attempts.shutdown().await;
    }
    worker.hand_back().await;
    if let Err(error) = report::withdraw(log.database(), &config.owner).await {
        tracing::debug!(%error, "the breakers of this process could not be withdrawn");
    }
    background.shutdown().await;
    if let Err(error) = registration.await {
        tracing::error!(%error, "the registration of deliveries ended unexpectedly");
    }
}
