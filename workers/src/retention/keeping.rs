//! Retention in the background: archiving and pruning, by one process at a time, and erasures, each by one process at a time.

use std::{sync::Arc, time::Duration};

use events::{
    ArchiveConfig, Backoff, Database, ErasureConfig, ErasureWaits, EventLog, HeldBy, Looks,
    archive, archived_stretch, bring_archive_up_to_date, lease_job, prune, work_on_erasure,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{RetentionError, RetentionSettings, eraser, prune_config};

/// The name of the lease.
const JOB: &str = "retention";
/// How often to look for erasures while events come.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The length of the lease: after that, another process stands in for one that was killed.
const LEASE: Duration = Duration::from_secs(30);
/// The longest pause before it looks again after failures.
const MOST_PATIENT: Duration = Duration::from_secs(60);
/// The longest time between two runs.
const MOST_SELDOM: Duration = Duration::from_secs(3600);

/// Prunes what is older than `retention`, repeatedly, until `stop` turns true.
pub(crate) async fn keep_retention(
    database: Database,
    settings: RetentionSettings,
    owner: String,
    mut stop: watch::Receiver<bool>,
) {
    let Some(retention) = settings.retention else {
        return;
    };
    let interval = (retention / 100).clamp(Duration::from_secs(1), MOST_SELDOM);
    while !*stop.borrow_and_update() {
        match lease_job(&database, JOB, &owner, LEASE).await {
            Ok(true) => {
                let renewing = renew(database.clone(), owner.clone());
                let running = run_once(&database, retention, &settings, &stop);
                // The renewal ends with the run, also when that panics.
                let ended = tokio::select! {
                    ended = running => ended,
                    never = renewing => match never {},
                };
                if let Err(error) = ended {
                    tracing::warn!(%error, "the log was not pruned");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the lease for pruning could not be taken"),
        }
        let _ = timeout(interval, stop.changed()).await;
    }
}

/// Renews the lease until it is dropped.
async fn renew(database: Database, owner: String) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        // The renewal runs in a task of its own: what drops this must not leave a transaction open.
        let (database, owner) = (database.clone(), owner.clone());
        let _ = tokio::spawn(async move { lease_job(&database, JOB, &owner, LEASE).await }).await;
    }
}

async fn run_once(
    database: &Database,
    retention: Duration,
    settings: &RetentionSettings,
    stop: &watch::Receiver<bool>,
) -> Result<(), RetentionError> {
    let mut archived = None;
    if let Some(directory) = &settings.archive {
        bring_archive_up_to_date(database, &eraser(), directory.clone()).await?;
        let config = ArchiveConfig {
            older_than: retention,
            directory: directory.clone(),
        };
        let report = archive(database, &config, |_| {}, stop).await?;
        if report.events > 0 {
            tracing::info!(
                events = report.events,
                position = report.position,
                "archived events"
            );
        }
        archived = Some(archived_stretch(database, directory.clone()).await?);
    }
    let config = prune_config(retention, archived);
    let report = prune(database, &config, |_| {}, stop).await?;
    if report.positions > 0 {
        tracing::info!(
            position = report.position,
            removed = report.removed,
            held_by = %report.held_by,
            "pruned the log"
        );
    }
    if report.compacted > 0 {
        tracing::info!(
            removed = report.compacted,
            "only the deletion is left of posts that were deleted long ago"
        );
    }
    if !matches!(report.held_by, HeldBy::Age | HeldBy::Nothing) {
        tracing::warn!(
            position = report.position,
            "events that are old enough were not pruned: {}",
            report.held_by
        );
    }
    Ok(())
}

/// Carries out the requests of `eraseUser`, until `stop` turns true.
pub(crate) async fn erase_requested(
    log: EventLog,
    settings: RetentionSettings,
    owner: String,
    mut stop: watch::Receiver<bool>,
) {
    let eraser: Arc<dyn events::Eraser> = eraser();
    let config = ErasureConfig {
        owner,
        settle: settings.erasure_settle,
        archive: settings.archive,
    };
    let mut waits = ErasureWaits::default();
    let mut backoff = Backoff::new(LOOK_INTERVAL, MOST_PATIENT);
    let mut looks = Looks::new(&log);
    while !*stop.borrow_and_update() {
        looks.look(LOOK_INTERVAL);
        let mut again_at = None;
        match work_on_erasure(&log, &eraser, &config, &mut waits, &stop).await {
            Ok(true) => {
                backoff.reset();
                tracing::debug!("worked on an erasure");
                let _ = timeout(Duration::from_millis(250), stop.changed()).await;
                continue;
            }
            Ok(false) => backoff.reset(),
            Err(error) => {
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "erasures cannot be looked at; trying again");
                }
                again_at = Some(Instant::now() + backoff.pause());
            }
        }
        tokio::select! {
            () = looks.wait(again_at) => {}
            _ = stop.changed() => {}
        }
    }
}
