//! What may be gone on from after the database has lost commits: pure decisions, by what the log says now of a place that
//! somebody remembers. A log that lost its end and grew again is dense as before, but from where it parted on each of its
//! events has another id. So whoever remembers a place compares its last event: if that is still there, all before it is.
//! Asked at resume, while paging, by the pump before it hands anything on, by the tail for what comes over Redis, by
//! followers and by those who remember folds. `tests` searches all orders of losses and restarts.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::{
    Cursor, CursorError, Event, Proof, Result as LogResult, Tx,
    read::{Head, read_pruned},
    sql::execute,
};

/// What the log says of one position, all of it in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) epoch: u32,
    /// The last position given.
    pub(crate) head: u64,
    /// Events up to here may have been removed.
    pub(crate) pruned: u64,
    /// Cursors without a proof are good up to here: what was there when cursors got proofs.
    pub(crate) unproven_until: u64,
    /// Of the event at the position, if there is one.
    pub(crate) found: Option<Proof>,
}

/// Whether a reader may go on behind `cursor`, which it names or has come to.
pub(crate) fn judge(cursor: Cursor, log: &Standing) -> Result<(), CursorError> {
    if cursor.epoch != log.epoch || cursor.position > log.head {
        return Err(CursorError::Foreign);
    }
    if cursor.position < log.pruned {
        return Err(CursorError::Expired);
    }
    match (cursor.proof, log.found) {
        _ if cursor.position == 0 => Ok(()),
        (Some(claimed), Some(found)) if claimed == found => Ok(()),
        (Some(_), Some(_)) => Err(CursorError::Foreign),
        // A program that kept no ids pruned exactly up to here.
        (Some(_), None) if cursor.position == log.pruned => Err(CursorError::Expired),
        (Some(_), None) => Err(CursorError::Foreign),
        // Nothing is there that it could have missed.
        (None, None) => Ok(()),
        (None, Some(_)) if cursor.position <= log.unproven_until => Ok(()),
        (None, Some(_)) => Err(CursorError::Foreign),
    }
}

/// What a process does whose tail has come to some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on.
    GoOn,
    /// It starts over: the log has another epoch.
    StartOver,
    /// It begins a new epoch: the log does not have what was handed on.
    BeginEpoch,
}

/// `found` is of the event at `reached.position` as the log has it.
pub(crate) fn step(reached: Cursor, head: &Head, found: Option<Proof>) -> Step {
    if head.epoch != reached.epoch {
        return Step::StartOver;
    }
    if head.position < reached.position {
        return Step::BeginEpoch;
    }
    match (reached.proof, found) {
        _ if reached.position == 0 => Step::GoOn,
        // A program that keeps no ids has pruned it.
        (Some(_), None) if reached.position <= head.pruned => Step::GoOn,
        (had, found) if had == found => Step::GoOn,
        _ => Step::BeginEpoch,
    }
}

/// Whether `event`, from whatever source, is the one right behind `reached`, in the same log.
pub(crate) fn is_next(event: &Event, reached: Cursor) -> bool {
    event.position == reached.position + 1 && event.follows == reached.proof
}

/// Whether who has come to `last` may go on with what is handed on behind `reached`, without looking at the log.
pub(crate) fn is_level(last: Cursor, reached: Cursor) -> bool {
    last.epoch == reached.epoch
        && last.position == reached.position
        && (last.proof == reached.proof || last.position == 0)
}

/// Whether what was remembered of a stream up to the event `last` may be gone on from: `found` is the event that the log has
/// at the same version.
pub fn continues(last: Uuid, found: Option<Uuid>) -> bool {
    found == Some(last)
}

/// Ends the epoch `over`, if it is the log's, and begins another one; false when it is not, as somebody else was first.
pub(crate) async fn begin(connection: &impl ConnectionTrait, over: u32) -> LogResult<bool> {
    // The low half of a v7 id is random.
    let drawn = Uuid::now_v7().as_u128() as u32;
    let fresh = if drawn == over { !drawn } else { drawn };
    let values: Vec<Value> = vec![i64::from(fresh).into(), i64::from(over).into()];
    let sql = "update log_head set epoch = $1 where epoch = $2";
    Ok(execute(connection, sql, values).await? == 1)
}

impl Tx<'_> {
    /// Begins a new epoch: answers with the one that is over, and the one that begins if the transaction commits.
    pub async fn begin_epoch(&self) -> LogResult<(u32, u32)> {
        let (over, _) = read_pruned(&**self).await?;
        begin(&**self, over).await?;
        let (epoch, _) = read_pruned(&**self).await?;
        Ok((over, epoch))
    }
}

#[cfg(test)]
mod tests;
