//! Moves signals: locks the row, asks the state machine, and writes its facts to the row and the log, all in the caller's
//! transaction. The lock serializes attempts on one signal, so that each is decided on the state that the one before it left;
//! the unique key of results is the last line of defence. Called by handlers and by the task that watches deadlines; nothing
//! else changes a signal.

use ::events::{
    Event, Meta, Result, Tx, now,
    sql::{Dialect, query_one_as},
};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QuerySelect,
};

use super::{
    Signal, SignalCommand, SignalEvent, SignalFact, SignalId, apply, decide,
    tables::{result, row_of, row_of_result, signal, with_results},
};

/// Returns the current time by the database's clock, even within a transaction: the clocks of processes do not matter.
pub(super) async fn database_now(connection: &impl ConnectionTrait) -> Result<DateTime<Utc>> {
    if !connection.get_database_backend().is_postgres() {
        // The database is in this process and has the same clock.
        return Ok(now());
    }
    let at = query_one_as(connection, "select clock_timestamp() as at", Vec::new()).await?;
    Ok(at.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?)
}

/// Tries `command` on a signal.
///
/// # Errors
/// Fails also when the signal does not exist.
pub(super) async fn advance_in_tx(
    tx: &Tx<'_>,
    id: SignalId,
    command: &SignalCommand,
    meta: &Meta,
) -> Result<Vec<SignalFact>> {
    let row = signal::Entity::find_by_id(id)
        .lock_exclusive()
        .one(&**tx)
        .await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(format!("signal {}", id.uuid())))?;
    let signal = with_results(&**tx, vec![row]).await?.pop();
    let signal = signal.ok_or_else(|| DbErr::RecordNotFound(format!("signal {}", id.uuid())))?;
    // The time is read after the lock was granted: an answer that waited for it past the deadline is late.
    let at = database_now(&**tx).await?;
    advance_locked(tx, signal, command, at, meta).await
}

/// Does the same for a signal whose row is locked.
pub(super) async fn advance_locked(
    tx: &Tx<'_>,
    mut signal: Signal,
    command: &SignalCommand,
    at: DateTime<Utc>,
    meta: &Meta,
) -> Result<Vec<SignalFact>> {
    let facts = decide(&signal, command, at);
    for fact in &facts {
        apply(&mut signal, fact, at);
        if let SignalFact::ResultRecorded(finding) | SignalFact::LateResultRecorded(finding) = fact
            && let Some(found) = signal.result_of(finding.processor())
        {
            let row = row_of_result(signal.id, found)?.into_active_model();
            result::Entity::insert(row)
                .exec_without_returning(&**tx)
                .await?;
        }
        let event = SignalEvent::of_fact(fact, signal.clone());
        event.append(tx, at, meta).await?;
    }
    if !facts.is_empty() {
        let row = row_of(&signal)?.into_active_model().reset_all();
        signal::Entity::update(row).exec(&**tx).await?;
    }
    Ok(facts)
}

/// Returns the metadata of the events that a handler causes: its name as the actor, and the handled event as the cause.
pub(super) fn caused_by(actor: &str, event: &Event) -> Meta {
    Meta {
        actor: actor.to_owned(),
        correlation_id: event.meta.correlation_id.clone(),
        causation_id: Some(event.event_id),
        traceparent: ::events::trace::context_after(event),
        ..Meta::default()
    }
}
