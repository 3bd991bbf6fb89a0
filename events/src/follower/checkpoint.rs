//! Reading and moving checkpoints. `advance` is the fence: it succeeds for the holder of the lease, once a position.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, Value};

use super::lease::Lease;
use crate::{
    Database, Error, PARTS, Result,
    read::{from_i64, to_i64},
};

/// How far a follower has come.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    /// The last position applied in each part.
    pub parts: [u64; PARTS as usize],
    /// Their sum: grows with everything that is applied, and with nothing else.
    pub progress: u64,
}

/// Reads a follower's checkpoint; one that never ran is at 0.
pub async fn read_checkpoint(database: &DatabaseConnection, follower: &str) -> Result<Checkpoint> {
    let backend = database.get_database_backend();
    let sql = "select part, position from checkpoint where follower = $1";
    let mut checkpoint = Checkpoint::default();
    for row in database
        .query_all_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [follower.into()],
        ))
        .await?
    {
        let part: i16 = row.try_get("", "part")?;
        if let Some(slot) = checkpoint.parts.get_mut(part as usize) {
            *slot = from_i64(row.try_get("", "position")?);
            checkpoint.progress += *slot;
        }
    }
    Ok(checkpoint)
}

/// The least advanced checkpoint of all followers in each part; `None` where no follower ever ran.
pub(crate) async fn slowest_checkpoints(
    database: &Database,
) -> Result<[Option<u64>; PARTS as usize]> {
    let sql = "select part, min(position) as position from checkpoint group by part";
    let rows = database
        .background
        .query_all_raw(Statement::from_string(database.backend(), sql))
        .await?;
    let mut slowest = [None; PARTS as usize];
    for row in rows {
        let part: i16 = row.try_get("", "part")?;
        if let Some(slot) = slowest.get_mut(part as usize) {
            *slot = Some(from_i64(row.try_get("", "position")?));
        }
    }
    Ok(slowest)
}

/// Moves the checkpoint of `part` from `previous` to `position`, if the lease still holds.
pub(super) async fn advance(
    tx: &DatabaseTransaction,
    follower: &str,
    part: i16,
    lease: &Lease,
    previous: u64,
    position: u64,
) -> Result<()> {
    let values: [Value; 5] = [
        to_i64(position).into(),
        follower.into(),
        part.into(),
        lease.token.into(),
        to_i64(previous).into(),
    ];
    let sql = "update checkpoint set position = $1
               where follower = $2 and part = $3 and token = $4 and position = $5";
    let backend = tx.get_database_backend();
    let result = tx
        .execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::Fenced {
            follower: follower.to_owned(),
            part,
        })
    }
}
