//! Watches deadlines: whatever else happens, a signal ends at its deadline by the database's clock, or a moment after it. Every
//! process that does work watches; rows that one of them has locked are skipped by the others, and a signal that has ended is
//! not ended again. The same holds when embedded, and after workers were stopped for an hour: overdue signals end when a
//! process comes back.

use std::time::Duration;

use ::events::{
    Backoff, Error, EventLog, Looks, Meta, Result, Tx, now,
    sql::{Dialect, query_one_as},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    SignalCommand, SignalId,
    advancing::{advance_in_tx, advance_locked, database_now},
    tables::{
        signal::{Column, Entity},
        with_results,
    },
};
use crate::boxed;

/// How often the task looks for deadlines while signals come and go.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// The largest number of signals ended in one transaction.
const BATCH: u64 = 50;
/// The largest number of signals ended one by one.
const MOST_ALONE: u64 = 1_000;
/// The actor of the events in the log.
const ACTOR: &str = "signal_deadline";

/// Ends the signals whose deadlines have passed, until `stop` turns true.
#[boxed]
pub async fn watch_deadlines(log: EventLog, mut stop: watch::Receiver<bool>) {
    let mut backoff = Backoff::new(LOOK_INTERVAL, MAX_PAUSE);
    let mut looks = Looks::new(&log);
    while !*stop.borrow_and_update() {
        looks.look(LOOK_INTERVAL);
        let next = match expire(&log).await {
            Ok(next) => {
                backoff.reset();
                next
            }
            Err(error) => {
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "could not check the deadlines of signals");
                }
                let _ = timeout(backoff.pause(), stop.changed()).await;
                continue;
            }
        };
        let next = next.map(|next| Instant::now() + next);
        tokio::select! {
            () = looks.wait(next) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Ends a batch of them if one is due; returns when the next one is.
async fn expire(log: &EventLog) -> Result<Option<Duration>> {
    let next = next_deadline(log).await?;
    if next.is_none_or(|next| !next.is_zero()) {
        return Ok(next);
    }
    let ended = match log.write(|tx| Box::pin(expire_in_tx(tx))).await {
        Err(error) if !matches!(error, Error::Unavailable(_)) => expire_each(log, error).await?,
        ended => ended?,
    };
    if ended > 0 {
        tracing::info!(ended, "signals ended at their deadlines");
    }
    Ok(Some(match ended < BATCH {
        true => LOOK_INTERVAL,
        false => Duration::ZERO,
    }))
}

/// Ends those that are due one by one, after they could not be ended together: one that cannot be read, such as a signal of a newer
/// version, must not hold up the others.
///
/// # Errors
/// The one before, if none was ended.
async fn expire_each(log: &EventLog, before: Error) -> Result<u64> {
    let database = &log.database().background;
    let due: Vec<SignalId> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CompletedAt.is_null())
        .filter(Column::DeadlineAt.lte(database_now(database).await?))
        .order_by_asc(Column::DeadlineAt)
        .limit(MOST_ALONE)
        .into_tuple()
        .all(database)
        .await?;
    let mut ended = 0;
    for id in due {
        let ending = log.write(move |tx| {
            Box::pin(async move { advance_in_tx(tx, id, &SignalCommand::Expire, &meta()).await })
        });
        match ending.await {
            Ok(facts) => ended += u64::from(!facts.is_empty()),
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(error) => {
                let signal = id.to_string();
                tracing::warn!(signal, %error, "the signal {signal} cannot be ended");
            }
        }
    }
    match ended {
        0 => Err(before),
        ended => Ok(ended),
    }
}

fn meta() -> Meta {
    Meta {
        actor: ACTOR.to_owned(),
        ..Meta::default()
    }
}

/// Returns how long it is until the next deadline. It uses no transaction, which on SQLite would make writers wait for nothing.
async fn next_deadline(log: &EventLog) -> Result<Option<Duration>> {
    let database = &log.database().background;
    // SQLite stores times as texts here, and has the clock of this process.
    let (seconds, values) = match database.get_database_backend().is_postgres() {
        true => (
            "extract(epoch from min(deadline_at) - clock_timestamp())::float8",
            Vec::new(),
        ),
        // One that cannot be read hides no other.
        false => (
            "case when min(deadline_at) is not null
                  then coalesce((julianday(min(deadline_at)) - julianday($1)) * 86400.0, 0.0) end",
            vec![now().into()],
        ),
    };
    let sql = format!("select {seconds} as seconds from signal where completed_at is null");
    let seconds: Option<Option<f64>> = query_one_as(database, &sql, values).await?;
    let seconds = seconds.flatten();
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
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
    let meta = meta();
    let mut ended = 0;
    for signal in with_results(&**tx, rows).await? {
        let facts = advance_locked(tx, signal, &SignalCommand::Expire, at, &meta).await?;
        ended += u64::from(!facts.is_empty());
    }
    Ok(ended)
}
