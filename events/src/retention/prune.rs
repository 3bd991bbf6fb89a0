//! Pruning: removes a dense prefix of the log, a batch at a time. Each batch is a transaction that looks again at what holds the
//! log back, removes the events, and records that in `log_head` as its last statement, so that the sequencer, which writes the
//! same row, waits for one commit at most. If it is killed at any point, record and log agree.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, Value};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{
    ArchivedStretch, HeldBy, Keeps,
    age::Ages,
    bound::{Bound, bound},
    compact::compact,
};
use crate::{
    Begin, Database, DatabaseTransaction, Follower, Result,
    begin::exclude_others,
    database::Pool,
    read,
    sql::{Dialect, FIND_BY_KEY, execute, on_postgres, query_one_as, to_i64},
};

/// The number of positions in one transaction.
const BATCH_POSTGRES: u64 = 2_000;
/// With SQLite every writer waits for the transaction.
const BATCH_SQLITE: u64 = 500;

/// What to prune.
#[derive(Clone)]
pub struct PruneConfig {
    /// Only events that happened at least this long ago, by the database's clock. One with a time in the future is as old as what follows.
    pub older_than: Duration,
    /// What is kept regardless of age.
    pub keeps: Keeps,
    /// How long ago a stream must have ended, besides, for that to be all that is kept of it.
    pub ended_for: Duration,
    /// All followers. One that needs the whole log and has not run yet holds everything back.
    pub followers: Vec<Arc<dyn Follower>>,
    /// What is in the archive, if there is one.
    pub archived: Option<ArchivedStretch>,
}

/// The progress of pruning.
#[derive(Debug, Clone, Copy)]
pub struct PruneProgress {
    /// Events up to here are pruned.
    pub position: u64,
    /// Events up to here will be pruned, if they are old enough.
    pub until: u64,
}

/// The result of pruning.
#[derive(Debug, Clone)]
pub struct PruneReport {
    /// Events up to here are pruned now.
    pub position: u64,
    /// The number of positions that were passed.
    pub positions: u64,
    /// The number of events that were removed; the others are kept because of their kind.
    pub removed: u64,
    /// The number of events that were kept until now, and removed because their streams have ended.
    pub compacted: u64,
    /// Why it stopped there.
    pub held_by: HeldBy,
}

/// Prunes as much as possible, until `stop` turns true.
pub async fn prune(
    database: &Database,
    config: &PruneConfig,
    progress: impl Fn(PruneProgress),
    stop: &watch::Receiver<bool>,
) -> Result<PruneReport> {
    let needed: Arc<[String]> = config
        .followers
        .iter()
        .filter(|follower| follower.begins() == Begin::WithTheFirst)
        .map(|follower| follower.name().to_owned())
        .collect();
    let ages = Ages::new(database, config.older_than).await?;
    let (_, mut position) = read::read_pruned(&database.background).await?;
    let mut report = PruneReport {
        position,
        positions: 0,
        removed: 0,
        compacted: 0,
        held_by: HeldBy::Nothing,
    };
    while !*stop.borrow() {
        let began = Instant::now();
        let (keeps, archived) = (config.keeps, config.archived);
        let batch = database
            .transaction(Pool::Patient, |tx| {
                let needed = needed.clone();
                Box::pin(async move { prune_in_tx(tx, &needed, keeps, archived, ages).await })
            })
            .await?;
        report.held_by = batch.bound.held_by;
        report.positions += batch.position.saturating_sub(position);
        report.removed += batch.removed;
        let has_moved = batch.position > position;
        position = batch.position;
        report.position = position;
        progress(PruneProgress {
            position,
            until: batch.bound.position.max(position),
        });
        if !has_moved || report.held_by == HeldBy::Age {
            break;
        }
        // Work that waited for the same rows and disks comes first.
        sleep(began.elapsed() / 2).await;
    }
    let ages = Ages::new(database, config.older_than.max(config.ended_for)).await?;
    report.compacted = compact(database, config.keeps.ends, config.archived, ages, stop).await?;
    Ok(report)
}

struct Batch {
    position: u64,
    removed: u64,
    bound: Bound,
}

async fn prune_in_tx(
    tx: &DatabaseTransaction,
    needed: &[String],
    keeps: Keeps,
    archived: Option<ArchivedStretch>,
    ages: Ages,
) -> Result<Batch> {
    let backend = tx.get_database_backend();
    exclude_others(tx).await?;
    on_postgres(tx, FIND_BY_KEY).await?;
    let (epoch, from) = read::read_pruned(tx).await?;
    let mut bound = bound(tx, needed).await?;
    if let Some(archived) = archived {
        // After a failover or a restore, other events may be at these positions.
        let last = if archived.epoch == epoch {
            archived.last
        } else {
            0
        };
        bound.lower(last.max(from), HeldBy::Archive);
    }
    let size = backend.either(BATCH_POSTGRES, BATCH_SQLITE);
    let mut until = bound.position.min(from + size);
    let old = match until > from {
        true => ages.old_until(tx, from, until).await?,
        false => until,
    };
    if old < until {
        until = old;
        bound.lower(until, HeldBy::Age);
    }
    if until <= from {
        return Ok(Batch {
            position: from,
            removed: 0,
            bound,
        });
    }
    let last = event_at(tx, until).await?;
    let removed = match backend.is_postgres() {
        true => remove_postgres(tx, from, until, keeps).await?,
        false => remove_sqlite(tx, from, until, keeps).await?,
    };
    // The id of the last event distinguishes a cursor at exactly this position from a foreign one.
    let sql = "update log_head set pruned = $1, proven = $1, proven_event = $2 where pruned < $1";
    execute(tx, sql, vec![to_i64(until).into(), last.into()]).await?;
    Ok(Batch {
        position: until,
        removed,
        bound,
    })
}

async fn event_at(tx: &DatabaseTransaction, position: u64) -> Result<Option<Uuid>> {
    let sql = "select e.event_id from event_position p join event e on e.inserted = p.inserted where p.position = $1";
    query_one_as(tx, sql, vec![to_i64(position).into()]).await
}

/// In kinds that keep their last event, removes every event that has a later one in the range, even if it was spared before.
async fn remove_postgres(
    tx: &DatabaseTransaction,
    from: u64,
    until: u64,
    keeps: Keeps,
) -> Result<u64> {
    let values = |kinds: String| -> Vec<Value> {
        vec![to_i64(from).into(), to_i64(until).into(), kinds.into()]
    };
    let sql = "with doomed as materialized (
                   select p.position, p.inserted from event_position p join event e on e.inserted = p.inserted
                   where p.position > $1 and p.position <= $2 and e.stream <> all (string_to_array($3, ','))
               ), placed as (
                   delete from event_position p using doomed d where p.position = d.position
               )
               delete from event e using doomed d where e.inserted = d.inserted";
    let kept: Vec<_> = keeps.whole.iter().chain(keeps.last).copied().collect();
    let mut removed = execute(tx, sql, values(kept.join(","))).await?;
    let sql = "with newer as materialized (
                   select e.stream, e.stream_id, max(e.version) as version
                   from event_position p join event e on e.inserted = p.inserted
                   where p.position > $1 and p.position <= $2 and e.stream = any (string_to_array($3, ','))
                   group by e.stream, e.stream_id
               ), doomed as materialized (
                   select o.inserted from newer n join event o
                   on o.stream_id = n.stream_id and o.version < n.version and o.stream = n.stream
               ), placed as (
                   delete from event_position p using doomed d where p.inserted = d.inserted
               )
               delete from event e using doomed d where e.inserted = d.inserted";
    removed += execute(tx, sql, values(keeps.last.join(","))).await?;
    Ok(removed)
}

async fn remove_sqlite(
    tx: &DatabaseTransaction,
    from: u64,
    until: u64,
    keeps: Keeps,
) -> Result<u64> {
    let range = || -> Vec<Value> { vec![to_i64(from).into(), to_i64(until).into()] };
    let values = |kinds: &[&str]| {
        let mut values = range();
        values.push(serde_json::json!(kinds).to_string().into());
        values
    };
    let sql = "insert into pruned_part (part, position)
               select part, max(inserted) from event where inserted > $1 and inserted <= $2 group by part
               on conflict (part) do update set position = excluded.position";
    execute(tx, sql, range()).await?;
    let sql = "delete from event where inserted > $1 and inserted <= $2
               and stream not in (select value from json_each($3))";
    let kept: Vec<_> = keeps.whole.iter().chain(keeps.last).copied().collect();
    let mut removed = execute(tx, sql, values(&kept)).await?;
    let sql = "delete from event where inserted in (
                   select o.inserted from (
                       select stream, stream_id, max(version) as version from event
                       where inserted > $1 and inserted <= $2 and stream in (select value from json_each($3))
                       group by stream, stream_id
                   ) n join event o on o.stream_id = n.stream_id and o.version < n.version and o.stream = n.stream)";
    removed += execute(tx, sql, values(keeps.last)).await?;
    Ok(removed)
}
