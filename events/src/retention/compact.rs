//! Compaction: of streams that are kept because they are state, those that have ended keep nothing but their end (`Keeps::ends`). A batch is
//! a transaction, which removes the events before some ends and records how far it has come. Why that hurts nobody:
//!
//! - **By position** nobody misses them. An end is looked at once the log is pruned past it, and the whole stream lies before its end. So
//!   what holds for pruned events holds for these: followers and handlers have passed them, subscribers from there are told, and chains,
//!   heads and Redis go on (`retention`).
//! - **Folds** of an ended stream depend on the end alone. That is what a domain says by naming it. The end has the last version, so no
//!   version is given out twice, and a command meets the same refusal.
//! - **A fold that is reading**, in pages, sees some first events and then the end, because the newest go first. It also finds that
//!   when a stream is so long that it takes several batches, and a process was killed between two of them.
//! - **Repeats** of a request get its first answer, folded as of then. A stream stays for as long as answers do (`PruneConfig::ended_for`).
//! - **A rebuild** that has begun holds compaction, by the lock that pruning takes. One that begins later makes the same rows of an end
//!   alone as of its whole stream: none. Followers never begin before what is pruned.
//! - **Dead letters** that a rebuild has left behind may need old events, so compaction stays before the first one.
//! - **The archive**, if there is one, has to have the stream from its first event on, in this epoch.
//! - **Erasures** find fewer events to redact. Nothing is stored that they would have to find.
//! - **Two at once** wait for each other by the same lock, or for SQLite's writer. One that is killed leaves a whole batch or none, and a
//!   database that was restored has what it had recorded.
//! - **Older programs** cannot fold an end without its beginning. From the first removal on they do not start.

use sea_orm::{ConnectionTrait, Value};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{ArchivedStretch, StreamEnd, age::Ages, bound::rebuilds};
use crate::{
    Database, DatabaseTransaction, Result,
    begin::exclude_others,
    control::first_needed_position,
    database::Pool,
    read,
    sql::{Dialect, FIND_BY_KEY, execute, from_i64, on_postgres, query_as, query_one_as, to_i64},
};

/// The number of events in which one transaction looks for ends, on Postgres and SQLite.
const LOOKED_AT: (u64, u64) = (1_000, 250);
/// The most events that one transaction removes. With SQLite every writer waits for it.
const REMOVED: (u64, u64) = (2_000, 500);
/// Versions that know no migration up to this one cannot fold an end without its beginning.
const LOWEST_VERSION: i32 = 34;

/// Compacts as much as possible, until `stop` turns true, and returns how many events were removed.
pub(super) async fn compact(
    database: &Database,
    ends: &[StreamEnd],
    archived: Option<ArchivedStretch>,
    ages: Ages,
    stop: &watch::Receiver<bool>,
) -> Result<u64> {
    let mut removed = 0;
    for &end in ends {
        while !*stop.borrow() {
            let began = Instant::now();
            let batch = database
                .transaction(Pool::Patient, |tx| {
                    Box::pin(async move { compact_in_tx(tx, end, archived, ages).await })
                })
                .await?;
            removed += batch.removed;
            if batch.is_last {
                break;
            }
            // Work that waited for the same rows and disks comes first.
            sleep(began.elapsed() / 2).await;
        }
    }
    Ok(removed)
}

struct Batch {
    removed: u64,
    is_last: bool,
}

async fn compact_in_tx(
    tx: &DatabaseTransaction,
    end: StreamEnd,
    archived: Option<ArchivedStretch>,
    ages: Ages,
) -> Result<Batch> {
    let backend = tx.get_database_backend();
    exclude_others(tx).await?;
    on_postgres(tx, FIND_BY_KEY).await?;
    let (epoch, _) = read::read_pruned(tx).await?;
    if archived.is_some_and(|archived| archived.epoch != epoch) {
        return Ok(Batch {
            removed: 0,
            is_last: true,
        });
    }
    let sql = "select position from compaction where stream = $1";
    let from: Option<i64> = query_one_as(tx, sql, vec![end.stream.into()]).await?;
    let from = from.map_or(0, from_i64);
    let window = backend.either(LOOKED_AT.0, LOOKED_AT.1);
    let (until, is_full) = window_behind(tx, from, window).await?;
    // They may be younger than what is to be kept, although the log was pruned past them.
    let old = match until > from {
        true => ages.old_until(tx, from, until).await?,
        false => from,
    };
    let mut batch = Batch {
        removed: 0,
        is_last: !is_full || old < until,
    };
    let mut reached = from;
    let most = backend.either(REMOVED.0, REMOVED.1);
    for (position, stream_id, version) in ends(tx, end, from, old).await? {
        if is_archived(tx, end, stream_id, archived).await? {
            let left = most - batch.removed;
            let removed = remove(tx, end, stream_id, version, left).await?;
            batch.removed += removed;
            if removed == left {
                // There may be more of it.
                batch.is_last = false;
                record(tx, end, reached, batch.removed).await?;
                return Ok(batch);
            }
        }
        reached = position;
    }
    if old > from {
        record(tx, end, old, batch.removed).await?;
    }
    Ok(batch)
}

/// Returns the last of so many events behind `from` that are pruned unless they are kept, and whether there may be more of them. There is
/// none while something needs such events.
async fn window_behind(tx: &DatabaseTransaction, from: u64, size: u64) -> Result<(u64, bool)> {
    if !rebuilds(tx).await?.is_empty() {
        return Ok((from, false));
    }
    let (_, mut last) = read::read_pruned(tx).await?;
    if let Some(needed) = first_needed_position(tx).await? {
        last = last.min(needed.saturating_sub(1));
    }
    let sql = format!(
        "select max(position) as position, count(*) as count from (
             select position from event_position where position > $1 and position <= $2 order by position limit {size}) w"
    );
    let values = vec![to_i64(from).into(), to_i64(last).into()];
    let found: Option<(Option<i64>, i64)> = query_one_as(tx, &sql, values).await?;
    Ok(match found {
        Some((Some(last), count)) => (from_i64(last), from_i64(count) == size),
        _ => (from, false),
    })
}

async fn ends(
    tx: &DatabaseTransaction,
    end: StreamEnd,
    from: u64,
    until: u64,
) -> Result<Vec<(u64, Uuid, i64)>> {
    let sql = "select p.position, e.stream_id, e.version from event_position p join event e on e.inserted = p.inserted
               where p.position > $1 and p.position <= $2 and e.stream = $3 and e.type = $4 order by p.position";
    let values: Vec<Value> = vec![
        to_i64(from).into(),
        to_i64(until).into(),
        end.stream.into(),
        end.event_type.into(),
    ];
    let rows: Vec<(i64, Uuid, i64)> = query_as(tx, sql, values).await?;
    let ends = rows
        .into_iter()
        .map(|(position, stream_id, version)| (from_i64(position), stream_id, version));
    Ok(ends.collect())
}

/// Returns whether all events of a stream are in the archive; without an archive they need not be.
async fn is_archived(
    tx: &DatabaseTransaction,
    end: StreamEnd,
    stream_id: Uuid,
    archived: Option<ArchivedStretch>,
) -> Result<bool> {
    let Some(archived) = archived else {
        return Ok(true);
    };
    let sql = "select p.position from event e join event_position p on p.inserted = e.inserted
               where e.stream_id = $1 and e.stream = $2 order by e.version limit 1";
    let values = vec![stream_id.into(), end.stream.into()];
    let first: Option<i64> = query_one_as(tx, sql, values).await?;
    Ok(first.is_some_and(|first| from_i64(first) >= archived.first))
}

/// Removes at most so many events before the end of a stream, the newest first, and returns how many.
async fn remove(
    tx: &DatabaseTransaction,
    end: StreamEnd,
    stream_id: Uuid,
    version: i64,
    most: u64,
) -> Result<u64> {
    let doomed = "select inserted from event where stream_id = $1 and stream = $2 and version < $3 order by version desc limit $4";
    let sql = match tx.get_database_backend().is_postgres() {
        true => format!(
            "with doomed as materialized ({doomed}), placed as (
                 delete from event_position p using doomed d where p.inserted = d.inserted
             )
             delete from event e using doomed d where e.inserted = d.inserted"
        ),
        false => format!("delete from event where inserted in ({doomed})"),
    };
    let values = vec![
        stream_id.into(),
        end.stream.into(),
        version.into(),
        to_i64(most).into(),
    ];
    execute(tx, &sql, values).await
}

async fn record(
    tx: &DatabaseTransaction,
    end: StreamEnd,
    position: u64,
    removed: u64,
) -> Result<()> {
    let sql = "insert into compaction (stream, position, removed) values ($1, $2, $3)
               on conflict (stream) do update
               set position = excluded.position, removed = compaction.removed + excluded.removed";
    let values = vec![
        end.stream.into(),
        to_i64(position).into(),
        to_i64(removed).into(),
    ];
    execute(tx, sql, values).await?;
    if removed > 0 {
        let sql = "update schema_compatibility set lowest = $1 where lowest < $1";
        execute(tx, sql, vec![LOWEST_VERSION.into()]).await?;
    }
    Ok(())
}
