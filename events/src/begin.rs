//! Where a follower that has never run begins when the log was pruned. It must not silently begin behind the missing events: a
//! follower that needs all of the log does not run at all, and one that can do without them begins where its parts do.
//!
//! A checkpoint is the last position of its part that counts as applied, and the next event of the part names it as its
//! `previous`. Heads are read first: a part that then has no event behind the pruned position has its head there. Pruning and
//! creating checkpoints exclude each other, so no event that a follower is about to begin with is pruned.

use sea_orm::Value;

use crate::{
    DatabaseTransaction, Error, PARTS, Result, read,
    sql::{from_i64, on_postgres, query_one_as, to_i64},
};

/// The advisory lock that pruning takes exclusively, and consumers that begin to need events take shared.
const EXCLUSION: i64 = 7_020_109_114_097_111;

/// Where a follower that has never run begins, on a log that may have been pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the first event ever. If that was pruned, the follower refuses to run and reports it, as its state would be wrong;
    /// until it has run, nothing is pruned.
    WithTheFirst,
    /// At the first event that was not pruned: the follower can do without the earlier ones.
    WithWhatIsLeft,
}

/// Returns the checkpoints with which `follower` begins, by part. Nothing is pruned until the transaction ends.
pub(crate) async fn first_checkpoints(
    tx: &DatabaseTransaction,
    follower: &str,
    begin: Begin,
) -> Result<[u64; PARTS as usize]> {
    let pruned = hold_pruning(tx).await?;
    if pruned == 0 {
        return Ok([0; PARTS as usize]);
    }
    if begin == Begin::WithTheFirst {
        return Err(Error::BeginIsPruned {
            follower: follower.to_owned(),
            pruned,
        });
    }
    let mut first = read::read_head(tx).await?.parts;
    for (part, checkpoint) in (0..PARTS).zip(&mut first) {
        if let Some(previous) = first_previous(tx, part, pruned).await? {
            *checkpoint = previous;
        }
    }
    Ok(first)
}

/// Keeps events from being pruned until the transaction ends, and returns the pruned position. SQLite has a single writer.
pub(crate) async fn hold_pruning(tx: &DatabaseTransaction) -> Result<u64> {
    let sql = format!("select pg_advisory_xact_lock_shared({EXCLUSION})");
    on_postgres(tx, &sql).await?;
    let (_, pruned) = read::read_pruned(tx).await?;
    Ok(pruned)
}

/// Keeps others from pruning, and from beginning to need events, until the transaction ends.
pub(crate) async fn exclude_others(tx: &DatabaseTransaction) -> Result<()> {
    on_postgres(tx, &format!("select pg_advisory_xact_lock({EXCLUSION})")).await
}

/// Returns the position before the first event of the part behind `pruned`.
async fn first_previous(tx: &DatabaseTransaction, part: i16, pruned: u64) -> Result<Option<u64>> {
    let sql = "select p.previous from event_position p join event e on e.inserted = p.inserted
               where p.position > $1 and e.part = $2 order by p.position limit 1";
    let values: Vec<Value> = vec![to_i64(pruned).into(), part.into()];
    let previous: Option<i64> = query_one_as(tx, sql, values).await?;
    Ok(previous.map(from_i64))
}
