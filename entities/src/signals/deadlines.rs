//! Watches deadlines: whatever else happens, a signal ends at its deadline by the database's clock, or a moment after it. Every
//! process that does work watches; rows that one of them has locked are skipped by the others, and a signal that has ended is
//! not ended again. The same holds when embedded, and after workers were stopped for an hour: overdue signals end when a
//! process comes back.

use std::time::Duration;

use ::events::{
    Backoff, EventLog, Meta, Result, Tx, now,
    sql::{Dialect, query_one},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};
use tokio::sync::watch;

use super::{
    SignalCommand,
    advancing::{advance_locked, database_now},
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::boxed;

/// How often the task looks for deadlines that have passed.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// The largest number of signals ended in one transaction.
const BATCH: u64 = 50;
/// The actor of the events in the log.
const ACTOR: &str = "signal_deadline";

/// Ends the signals whose deadlines have passed, until `stop` turns true.
#[boxed]
pub async fn watch_deadlines(log: EventLog, mut stop: watch::Receiver<bool>) {
    let mut backoff = Backoff::new(LOOK_INTERVAL, MAX_PAUSE);
    while !*stop.borrow_and_update() {
        let pause = match expire(&log).await {
            Ok(ended) => {
                backoff.reset();
                if ended > 0 {
                    tracing::info!(ended, "signals ended at their deadlines");
                }
                match ended < BATCH {
                    true => LOOK_INTERVAL,
                    false => Duration::ZERO,
                }
            }
            Err(error) => {
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "could not check the deadlines of signals");
                }
                backoff.pause()
            }
        };
        let _ = tokio::time::timeout(pause, stop.changed()).await;
    }
}

/// Ends a batch of them; returns how many.
async fn expire(log: &EventLog) -> Result<u64> {
    if !is_any_due(log).await? {
        return Ok(0);
    }
    log.write(|tx| Box::pin(expire_in_tx(tx))).await
}

/// Returns whether a signal is due. It uses no transaction, which on SQLite would make writers wait for nothing.
async fn is_any_due(log: &EventLog) -> Result<bool> {
    let database = &log.database().background;
    // SQLite stores times as texts here, and has the clock of this process.
    let (time, values) = match database.get_database_backend().is_postgres() {
        true => ("clock_timestamp()", Vec::new()),
        false => ("$1", vec![now().into()]),
    };
    let sql = format!(
        "select 1 as found from signal where completed_at is null and deadline_at <= {time} limit 1"
    );
    Ok(query_one(database, &sql, values).await?.is_some())
}

async fn expire_in_tx(tx: &Tx<'_>) -> Result<u64> {
    let at = database_now(&**tx).await?;
    let rows = Entity::find()
        .filter(Column::CompletedAt.is_null())
        .filter(Column::DeadlineAt.lte(at))
        .order_by_asc(Column::DeadlineAt)
        .limit(BATCH)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&**tx)
        .await?;
    let meta = Meta {
        actor: ACTOR.to_owned(),
        ..Meta::default()
    };
    let mut ended = 0;
    for signal in with_results(&**tx, rows).await? {
        let facts = advance_locked(tx, signal, &SignalCommand::Expire, at, &meta).await?;
        ended += u64::from(!facts.is_empty());
    }
    Ok(ended)
}
