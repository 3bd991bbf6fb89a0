//! The pump of a process: it numbers what was committed and hands it to the tail. It runs after every local commit and
//! at least every poll interval, so a process that dies between its commit and the numbering is stood in for by any
//! other, and a wake-up that got lost costs one interval.
//!
//! The argument for the numbering itself is beside the function `sequence_events` in the migration that creates it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    EventLog, Result,
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

pub(crate) async fn run(log: EventLog) {
    let mut failures = 0_u32;
    loop {
        let started = Instant::now();
        let poll_at = started + log.shared.config.poll_interval;
        let woken = timeout_at(poll_at, log.shared.wake.notified())
            .await
            .is_ok();
        sleep_until(started + PASS_INTERVAL).await;
        match pass(&log, !woken, failures).await {
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

/// `is_poll`: nobody woke us, so whatever is there was missed by faster ways.
async fn pass(log: &EventLog, is_poll: bool, failures: u32) -> Result<()> {
    let shared = &log.shared;
    let started = Instant::now();
    let reached = shared.tail.position();
    let patience = MOST_PATIENCE.min(PASS_PATIENCE * (1 << failures.min(4)));
    let patient = shared.database.background.patient(patience);
    let (head, numbered) = read::sequence(&patient).await?;
    if head.epoch != shared.tail.epoch() {
        tracing::warn!(
            epoch = head.epoch,
            "the log has a new epoch; subscriptions start over"
        );
        shared.tail.reset(&head);
        shared.currency.restart();
        return Ok(());
    }
    if head.position < reached {
        return renew_epoch(log, &head).await;
    }
    shared.tail.set_pruned(head.pruned);
    shared.currency.look(head.position, started);
    // What other processes numbered comes over Redis, sooner than it could be read here; what did not come by the
    // next poll is read.
    let has_faster_way = shared.config.redis_url.is_some();
    if numbered > 0 || is_poll || !has_faster_way || shared.tail.has_gap() {
        read_up_to(log, head.position).await?;
    }
    shared.currency.settle(shared.tail.position());
    Ok(())
}

async fn read_up_to(log: &EventLog, head: u64) -> Result<()> {
    let shared = &log.shared;
    loop {
        let after = shared.tail.position();
        if after >= head {
            return Ok(());
        }
        let database = &shared.database.background;
        let events = read::read_after(database, None, after, head, BATCH_EVENTS).await?;
        if events.is_empty() {
            return Ok(());
        }
        shared.tail.offer(events);
        if shared.tail.position() == after {
            return Ok(());
        }
    }
}

/// The database, or Redis, shows that positions were given out that the log no longer knows: it was restored to an
/// older state. A new epoch makes every old cursor and key recognizable.
pub(crate) async fn renew_epoch(log: &EventLog, head: &Head) -> Result<()> {
    let database = log.database().background_writer();
    // The low half of a v7 id is random.
    let drawn = uuid::Uuid::now_v7().as_u128() as u32;
    let fresh = if drawn == head.epoch { !drawn } else { drawn };
    tracing::error!(
        head = head.position,
        "the log is behind positions it gave out before: it was restored; beginning a new epoch"
    );
    let sql = "update log_head set epoch = $1 where epoch = $2";
    let values = [i64::from(fresh).into(), i64::from(head.epoch).into()];
    let backend = log.database().backend();
    database
        .execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    log.shared.wake.notify_one();
    Ok(())
}
