//! Watching deadlines: whatever else happens, a signal ends at its deadline by the database's clock, or a moment after it.
//! Every process that does work watches; the rows that one of them has locked are skipped by the others, and what has ended
//! is not ended again. Embedded, and with workers stopped for an hour, the same: what is overdue ends when one comes back.

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

/// How often it is looked whether a time is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Signals ended in one transaction at most.
const BATCH: u64 = 50;
/// Under which the log remembers who ended them.
const ACTOR: &str = "signal_deadline";

/// Ends the signals whose time is over, until `stop` turns true.
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
                    tracing::warn!(%error, failures, "deadlines of signals could not be looked at");
                }
                backoff.pause()
            }
        };
        let _ = tokio::time::timeout(pause, stop.changed()).await;
    }
}

/// Ends a batch of them; how many.
async fn expire(log: &EventLog) -> Result<u64> {
    if !is_any_due(log).await? {
        return Ok(0);
    }
    log.write(|tx| Box::pin(expire_in_tx(tx))).await
}

/// Without a transaction, which on SQLite would keep writers waiting for nothing.
async fn is_any_due(log: &EventLog) -> Result<bool> {
    let database = &log.database().background;
    // SQLite has times as texts here, and the clock of this process.
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
