//! Whether a reader may go on from a place it remembers after the database has lost commits: pure decisions, based on what the
//! log has at that place now. A log that lost its end and grew again is as dense as before, but from the point of divergence on
//! each of its events has another id. So a reader compares the last event of its place: if that is still there, so is everything
//! before it. Asked at resume, while paging, by the pump before it hands events on, by the tail for events from Redis, by
//! followers, and by those who cache folds. `tests` searches all orders of losses and restarts.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::{
    Cursor, CursorError, Event, Proof, Result as LogResult, Tx,
    read::{Head, Standing, read_pruned},
    sql::execute,
};

/// Decides whether a reader may go on behind `cursor`, which it names or has reached.
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
        // A version of the program that kept no ids pruned exactly up to here.
        (Some(_), None) if cursor.position == log.pruned => Err(CursorError::Expired),
        (Some(_), None) => Err(CursorError::Foreign),
        // There is nothing that the reader could have missed.
        (None, None) => Ok(()),
        (None, Some(_)) if cursor.position <= log.unproven_until => Ok(()),
        (None, Some(_)) => Err(CursorError::Foreign),
    }
}

/// What a process does when its tail has reached some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It continues.
    GoOn,
    /// It starts over, because the log has another epoch.
    StartOver,
    /// It begins a new epoch, because the log lacks events that were handed on.
    BeginEpoch,
}

/// Decides the step. `found` is the proof of the event that the log has at `reached.position`.
pub(crate) fn step(reached: Cursor, head: &Head, found: Option<Proof>) -> Step {
    if head.epoch != reached.epoch {
        return Step::StartOver;
    }
    if head.position < reached.position {
        return Step::BeginEpoch;
    }
    match (reached.proof, found) {
        _ if reached.position == 0 => Step::GoOn,
        // A version of the program that keeps no ids has pruned the event.
        (Some(_), None) if reached.position <= head.pruned => Step::GoOn,
        (had, found) if had == found => Step::GoOn,
        _ => Step::BeginEpoch,
    }
}

/// Returns whether `event`, from any source, directly follows `reached` in the same log.
pub(crate) fn is_next(event: &Event, reached: Cursor) -> bool {
    event.position == reached.position + 1 && event.follows == reached.proof
}

/// Returns whether a reader that has reached `last` may continue with events handed on behind `reached`, without a look at the log.
pub(crate) fn is_level(last: Cursor, reached: Cursor) -> bool {
    last.epoch == reached.epoch
        && last.position == reached.position
        && (last.proof == reached.proof || last.position == 0)
}

/// Returns whether memory of a stream up to the event `last` is still valid: `found` is the event that the log has at the same
/// version.
pub fn continues(last: Uuid, found: Option<Uuid>) -> bool {
    found == Some(last)
}

/// Ends the epoch `over` and begins another one, if `over` is the log's epoch; returns false when somebody else was first.
pub(crate) async fn begin(connection: &impl ConnectionTrait, over: u32) -> LogResult<bool> {
    // The low half of a v7 id is random.
    let drawn = Uuid::now_v7().as_u128() as u32;
    let fresh = if drawn == over { !drawn } else { drawn };
    let values: Vec<Value> = vec![i64::from(fresh).into(), i64::from(over).into()];
    let sql = "update log_head set epoch = $1 where epoch = $2";
    Ok(execute(connection, sql, values).await? == 1)
}

impl Tx<'_> {
    /// Begins a new epoch. Returns the one that is over, and the one that begins if the transaction commits.
    pub async fn begin_epoch(&self) -> LogResult<(u32, u32)> {
        let (over, _) = read_pruned(&**self).await?;
        begin(&**self, over).await?;
        let (epoch, _) = read_pruned(&**self).await?;
        Ok((over, epoch))
    }
}

#[cfg(test)]
mod tests;
