//! The parts that react to events: runs the followers and handlers of all domains and the log's housekeeping, until told to stop.
//! It runs in a process of its own (`millrace work`), or inside an embedded gateway.

pub mod duration;
pub mod numbers;
pub mod operating;
pub mod printing;
pub mod rebuilding;
pub mod retention;
pub mod settings;
pub mod signal_settings;
pub mod tls;
mod webhook;

use std::time::Duration;

use entities::{
    Entities, HandlersConfig, remove_expired_answers, signals::watch_deadlines,
    users::remove_expired_sessions,
};
use events::{
    EventLog, FollowerConfig, HandlerConfig, remove_ended_deliveries, run_follower, run_handlers,
    undying,
};
use tokio::{sync::watch, task::JoinSet};

/// How long sessions are kept after their end.
const SESSIONS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long running attempts of handlers may take to finish when the process is told to stop.
const DRAIN: Duration = Duration::from_secs(3);
/// How long a delivery that may have ended its process may keep the others of a process waiting.
const ALONE: Duration = Duration::from_secs(10);
/// How long a completed delivery stays visible.
const DELIVERIES_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often expired rows are removed.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);

/// The configuration of a process that runs the workers.
#[derive(Clone)]
pub struct WorkersConfig {
    /// How long a process keeps a part without renewing its lease.
    pub lease: Duration,
    /// The most events applied in one transaction.
    pub batch_events: u64,
    /// The configuration of handlers.
    pub handlers: HandlersConfig,
    /// The retention of the log.
    pub retention: retention::RetentionSettings,
}

/// Runs until `stop` turns true, then releases all leases.
pub async fn run(log: EventLog, config: WorkersConfig, stop: watch::Receiver<bool>) {
    let mut tasks = Tasks(JoinSet::new());
    let follower_config = FollowerConfig {
        owner: uuid::Uuid::now_v7().to_string(),
        lease: config.lease,
        batch_events: config.batch_events,
    };
    let owner = follower_config.owner.clone();
    let followers = Entities::followers();
    for follower in followers
        .into_iter()
        .chain(Entities::warming_followers(&log))
    {
        tracing::info!(follower = follower.name(), owner, "running a follower");
        let (log, config, stop) = (log.clone(), follower_config.clone(), stop.clone());
        tasks.keep(follower.name(), move || {
            run_follower(log.clone(), follower.clone(), config.clone(), stop.clone())
        });
    }
    let (all, until) = ((log.clone(), config.clone(), owner.clone()), stop.clone());
    tasks.keep("erasure", move || {
        let (log, config, owner) = all.clone();
        retention::erase_requested(log, config.retention, owner, until.clone())
    });
    let (all, until) = ((log.clone(), config.clone(), owner.clone()), stop.clone());
    tasks.keep("retention", move || {
        let (log, config, owner) = all.clone();
        retention::keep_retention(
            log.database().clone(),
            config.retention,
            owner,
            until.clone(),
        )
    });
    let handler_config = HandlerConfig {
        owner,
        lease: config.lease,
        drain: DRAIN,
        alone: ALONE,
    };
    let (all, until) = ((log.clone(), config.handlers), stop.clone());
    tasks.keep("handlers", move || {
        let (log, handlers) = all.clone();
        let handlers = Entities::handlers(&log, &handlers);
        run_handlers(log, handlers, handler_config.clone(), until.clone())
    });
    let (of, until) = (log.clone(), stop.clone());
    tasks.keep("rebuilds", move || {
        rebuilding::serve_requests(of.clone(), until.clone())
    });
    let (of, until) = (log.clone(), stop.clone());
    tasks.keep("deadlines", move || {
        watch_deadlines(of.clone(), until.clone())
    });
    tasks.keep("housekeeping", move || {
        keep_house(log.clone(), stop.clone())
    });
    while let Some(ended) = tasks.0.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a worker ended unexpectedly");
        }
    }
}

struct Tasks(JoinSet<()>);

impl Tasks {
    /// Runs work that ends when the process is told to stop, and begins anew when it panics.
    fn keep<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        what: &'static str,
        work: impl Fn() -> F + Send + 'static,
    ) {
        self.0.spawn(async move { undying(what, work).await });
    }
}

/// Removes what is due, again and again. Told to stop, it leaves the rest to others, as there may be much of it.
async fn keep_house(log: EventLog, mut stop: watch::Receiver<bool>) {
    let keeping = async {
        loop {
            tidy(&log).await;
            tokio::time::sleep(HOUSEKEEPING_INTERVAL).await;
        }
    };
    tokio::select! {
        () = keeping => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn tidy(log: &EventLog) {
    match remove_expired_answers(log.database(), retention::ANSWERS_KEPT).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed old answers of idempotent requests"),
        Err(error) => tracing::warn!(%error, "old answers could not be removed"),
    }
    match remove_expired_sessions(log.database(), SESSIONS_KEPT).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed sessions that ended long ago"),
        Err(error) => tracing::warn!(%error, "old sessions could not be removed"),
    }
    match remove_ended_deliveries(log.database(), DELIVERIES_KEPT).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed deliveries that ended long ago"),
        Err(error) => tracing::warn!(%error, "old deliveries could not be removed"),
    }
}
