//! Redacts the events of the log in place, in the order in which they were inserted, including those that have no position yet. A
//! transaction redacts a window of insertions and saves the place reached. Only events that name the subject are read: the
//! subject's events contain their id, or name them as the actor.
//!
//! The first pass goes up to the last insertion that it sees at its beginning. Events inserted later, or by a transaction that
//! was open then, belong to the second pass: on Postgres their transaction id is not below the oldest one that was open
//! (`first_xid`); on SQLite they are behind the place where the first pass ended.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Value};

use super::state::Claimed;
use crate::{
    DatabaseTransaction, Error, Event, Result,
    read::{columns, from_row},
    retention::{ERASED, personal::Redactor},
    sql::{Dialect, execute, from_i64, number_list, query, query_one_as, to_i64},
};

/// The number of insertions that one transaction examines.
const WINDOW_POSTGRES: u64 = 20_000;
/// With SQLite every writer waits for the transaction.
const WINDOW_SQLITE: u64 = 2_000;

/// Sets where a pass begins and ends.
pub(super) async fn begin(tx: &DatabaseTransaction, claimed: &mut Claimed) -> Result<()> {
    let is_postgres = tx.get_database_backend().is_postgres();
    let status = &mut claimed.status;
    if status.pass == 1 {
        status.looked_at = 0;
        if is_postgres {
            // This is read before the last insertion is looked up: whatever is not seen there has at least this id.
            let sql = "select pg_snapshot_xmin(pg_current_snapshot())::text as xid";
            if let Some(xid) = query_one_as(tx, sql, Vec::new()).await? {
                claimed.first_xid = xid;
            }
        }
    } else if is_postgres {
        let sql = "select min(inserted) - 1 as place from event where xid >= $1::text::xid8";
        let place: Option<Option<i64>> =
            query_one_as(tx, sql, vec![claimed.first_xid.as_str().into()]).await?;
        status.looked_at = place.flatten().map_or(status.to_look_at, from_i64);
    }
    let sql = "select coalesce(max(inserted), 0) as last from event";
    if let Some(last) = query_one_as(tx, sql, Vec::new()).await? {
        status.to_look_at = from_i64(last).max(status.looked_at);
    }
    Ok(())
}

/// Redacts the events of the next window, and moves the place behind it.
pub(super) async fn redact_window(
    tx: &DatabaseTransaction,
    claimed: &mut Claimed,
    redactor: &Arc<Redactor>,
) -> Result<()> {
    let backend = tx.get_database_backend();
    let window = backend.either(WINDOW_POSTGRES, WINDOW_SQLITE);
    let status = &mut claimed.status;
    let until = status.to_look_at.min(status.looked_at + window);
    let subject = redactor.subject();
    let (data, meta) = backend.either(("e.data::text", "e.meta::text"), ("e.data", "e.meta"));
    // On SQLite the position is the insertion.
    let join = backend.either(
        "left join event_position p on p.inserted = e.inserted",
        "join event_position p on p.inserted = e.inserted",
    );
    let sql = format!(
        "select {}, e.inserted as place from event e {join}
         where e.inserted > $1 and e.inserted <= $2
           and (e.stream_id = $3 or {data} like $4 or {meta} like $5) order by e.inserted",
        columns(backend)
    );
    let values: Vec<Value> = vec![
        to_i64(status.looked_at).into(),
        to_i64(until).into(),
        subject.id.into(),
        format!("%{}%", subject.id.hyphenated()).into(),
        format!("%{}%", subject.actor).into(),
    ];
    let mut redacted: Vec<(i64, Event)> = Vec::new();
    for row in query(tx, &sql, values).await? {
        if let Some(event) = redactor.redact(&from_row(&row)?)? {
            redacted.push((row.try_get("", "place")?, event));
        }
    }
    store(tx, &redacted).await?;
    forget_errors(tx, &redacted).await?;
    status.events += redacted.len() as u64;
    status.looked_at = until;
    Ok(())
}

async fn store(tx: &DatabaseTransaction, redacted: &[(i64, Event)]) -> Result<()> {
    let malformed = |what| move |source| Error::Malformed { what, source };
    if redacted.is_empty() {
        return Ok(());
    }
    if tx.get_database_backend().is_postgres() {
        let rows: Vec<_> = redacted
            .iter()
            .map(|(inserted, event)| {
                serde_json::json!({ "inserted": inserted, "data": event.data.get(),
                    "meta": serde_json::to_string(&event.meta).unwrap_or_default() })
            })
            .collect();
        let rows = serde_json::to_string(&rows).map_err(malformed("event data"))?;
        let sql = "update event e set data = r.data::json, meta = r.meta::json
                   from json_to_recordset($1::text::json) as r (inserted bigint, data text, meta text)
                   where e.inserted = r.inserted";
        execute(tx, sql, vec![rows.into()]).await?;
        return Ok(());
    }
    for (inserted, event) in redacted {
        let meta = serde_json::to_string(&event.meta).map_err(malformed("event meta"))?;
        let sql = "update event set data = $1, meta = $2 where inserted = $3";
        let values = vec![event.data.get().into(), meta.into(), (*inserted).into()];
        execute(tx, sql, values).await?;
    }
    Ok(())
}

/// Clears the errors of handlers and followers about these events, which may quote them.
async fn forget_errors(tx: &DatabaseTransaction, redacted: &[(i64, Event)]) -> Result<()> {
    if redacted.is_empty() {
        return Ok(());
    }
    let in_list = tx.get_database_backend().numbers(2);
    for table in ["delivery", "dead_letter"] {
        let sql = format!(
            "update {table} set error = $1 where error is not null and position in ({in_list})"
        );
        let positions = number_list(redacted.iter().map(|(_, event)| event.position));
        execute(tx, &sql, vec![ERASED.into(), positions]).await?;
    }
    Ok(())
}
