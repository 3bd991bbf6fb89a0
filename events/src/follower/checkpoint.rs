//! Reads and moves checkpoints. `advance` is the fence: for each position it succeeds once, and only for the holder of the lease.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::{
    Database, DatabaseConnection, DatabaseTransaction, Error, PARTS, Result, boxed,
    sql::{Dialect, from_i64, query_as, to_i64},
};

/// How far a follower has come.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    /// The last position applied in each part.
    pub parts: [u64; PARTS as usize],
    /// The sum of `parts`. It grows with each event that is applied, and only then.
    pub progress: u64,
}

/// Reads a follower's checkpoint, which is 0 if it never ran.
#[boxed]
pub async fn read_checkpoint(database: &DatabaseConnection, follower: &str) -> Result<Checkpoint> {
    checkpoint_of(database, follower).await
}

/// Reads it as a transaction sees it.
pub(crate) async fn checkpoint_of(
    database: &impl ConnectionTrait,
    follower: &str,
) -> Result<Checkpoint> {
    let sql = "select part, position from checkpoint where follower = $1";
    let mut checkpoint = Checkpoint::default();
    let rows: Vec<(i16, i64)> = query_as(database, sql, vec![follower.into()]).await?;
    for (part, position) in rows {
        if let Some(slot) = checkpoint.parts.get_mut(part as usize) {
            *slot = from_i64(position);
            checkpoint.progress += *slot;
        }
    }
    Ok(checkpoint)
}

/// Returns the least advanced checkpoint of all followers for each part; `None` where no follower ever ran.
pub(crate) async fn slowest_checkpoints(
    database: &Database,
) -> Result<[Option<u64>; PARTS as usize]> {
    let sql = "select part, min(position) as position from checkpoint group by part";
    let rows: Vec<(i16, i64)> = query_as(&database.background, sql, Vec::new()).await?;
    let mut slowest = [None; PARTS as usize];
    for (part, position) in rows {
        if let Some(slot) = slowest.get_mut(part as usize) {
            *slot = Some(from_i64(position));
        }
    }
    Ok(slowest)
}

/// A move of a part's checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Advance {
    pub(crate) part: i16,
    /// The fencing token of the lease.
    pub(crate) token: i64,
    pub(crate) previous: u64,
    pub(crate) position: u64,
    /// The id of the event at `position`.
    pub(crate) event_id: Uuid,
}

/// Moves the checkpoints of some parts, each from `previous` to `position`, provided that all leases still hold and the log has
/// that event: an event that is only in memory, because the database has lost it since, moves nothing. It takes one statement for
/// any number of parts, as a batch has events of most of them.
pub(crate) async fn advance(
    tx: &DatabaseTransaction,
    follower: &str,
    advances: &[Advance],
) -> Result<()> {
    if advances.is_empty() {
        return Ok(());
    }
    let id = tx.get_database_backend().either("uuid", "blob");
    let kinds = ["smallint", "bigint", "bigint", "bigint", id];
    let mut values: Vec<Value> = vec![follower.into()];
    let mut rows = Vec::with_capacity(advances.len());
    for it in advances {
        let first = values.len() + 1;
        let places = kinds
            .iter()
            .enumerate()
            .map(|(place, kind)| format!("cast(${} as {kind})", first + place))
            .collect::<Vec<_>>();
        rows.push(format!("({})", places.join(", ")));
        values.extend::<[Value; 5]>([
            it.part.into(),
            it.token.into(),
            to_i64(it.previous).into(),
            to_i64(it.position).into(),
            it.event_id.into(),
        ]);
    }
    let sql = format!(
        "with v (of_part, held, previous, reached, event_id) as (values {})
         update checkpoint set position = v.reached from v
         where follower = $1 and part = v.of_part and token = v.held and position = v.previous
           and (select e.event_id from event_position p join event e on e.inserted = p.inserted
                where p.position = v.reached) = v.event_id
         returning part",
        rows.join(", ")
    );
    let moved: Vec<i16> = query_as(tx, &sql, values).await?;
    match advances.iter().find(|it| !moved.contains(&it.part)) {
        None => Ok(()),
        Some(fenced) => Err(Error::Fenced {
            follower: follower.to_owned(),
            part: fenced.part,
        }),
    }
}
