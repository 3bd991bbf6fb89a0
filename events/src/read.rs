//! Reads the log: by position, by stream, and its head. Every reader that missed something live reads it here, so these queries
//! are the ground truth of resume, relay and followers.

mod head;
mod sets;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use serde_json::value::RawValue;
use uuid::Uuid;

use head::read_proof;
pub(crate) use head::{Head, Pass, read_head, read_pruned, read_standing, sequence};
pub(crate) use sets::WINDOW;

use crate::{
    DatabaseConnection, Error, Event, Proof, Result,
    sql::{Dialect, from_i64, number_list, query, query_as, query_one, to_i64},
    topic::Topics,
};

/// The state of the log at one position, read in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) epoch: u32,
    /// The last position given out.
    pub(crate) head: u64,
    /// Events up to here may have been removed.
    pub(crate) pruned: u64,
    /// Cursors without a proof are valid up to this position, the head when proofs were introduced.
    pub(crate) unproven_until: u64,
    /// The proof of the event at the position, if there is one.
    pub(crate) found: Option<Proof>,
}

pub(crate) fn columns(backend: DbBackend) -> &'static str {
    backend.either(
            "coalesce(p.position, 0) as position, coalesce(p.previous, 0) as previous, e.event_id, e.part, e.stream,
             e.stream_id, e.version, e.type, e.schema_version, e.data::text as data, e.meta::text as meta, e.occurred_at",
            "p.position, p.previous, e.event_id, e.part, e.stream, e.stream_id, e.version, e.type, e.schema_version,
             e.data, e.meta, e.occurred_at",
    )
}

/// Joins positions with their events so that they are looked up one by one, as written: by a lateral query with an offset
/// (Postgres) or a cross join (SQLite). In a log that was never analyzed Postgres takes any range to be small, and would read all
/// events, or the whole range, and sort it, for each batch.
pub(crate) fn by_position(backend: DbBackend) -> &'static str {
    backend.either(
        "event_position p cross join lateral (select * from event where inserted = p.inserted offset 0) e",
        "event_position p cross join event e on e.inserted = p.inserted",
    )
}

/// Returns at most `limit` events after `after` and up to `until`, of `topics` or of all, by position. Events of all topics have
/// `follows` set; events of some topics do not.
pub(crate) async fn read_after(
    database: &DatabaseConnection,
    topics: Option<&Topics>,
    after: u64,
    until: u64,
    limit: u64,
) -> Result<Vec<Event>> {
    let Some(topics) = topics.filter(|topics| !topics.is_everything()) else {
        return read_all(database, after, until, limit).await;
    };
    match topics.iter().next() {
        None => Ok(Vec::new()),
        Some(_) => sets::read_set(database, topics, after, until, limit).await,
    }
}

/// Reads all events of a stretch together with the one before it, so that `follows` is set in each.
async fn read_all(
    database: &DatabaseConnection,
    after: u64,
    until: u64,
    limit: u64,
) -> Result<Vec<Event>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select {} from {} where p.position >= $1 and p.position <= $2 order by p.position limit {}",
        columns(backend),
        by_position(backend),
        to_i64(limit.saturating_add(1))
    );
    let values: Vec<Value> = vec![to_i64(after).into(), to_i64(until).into()];
    let rows = query(database, &sql, values).await?;
    let mut before: Option<(u64, Proof)> = None;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut event = from_row(row)?;
        event.follows = before
            .filter(|(position, _)| position + 1 == event.position)
            .map(|(_, proof)| proof);
        before = Some((event.position, Proof::of(event.event_id)));
        if event.position > after {
            events.push(event);
        }
    }
    events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(events)
}

/// Returns the events at these positions, in their order, leaving out those that were pruned.
pub(crate) async fn read_positions(
    database: &impl ConnectionTrait,
    positions: impl Iterator<Item = u64>,
) -> Result<Vec<Event>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select {} from event_position p join event e on e.inserted = p.inserted
         where p.position in ({}) order by p.position",
        columns(backend),
        backend.numbers(1)
    );
    let rows = query(database, &sql, vec![number_list(positions)]).await?;
    rows.iter().map(from_row).collect()
}

/// Returns at most `limit` events of one part after `after` and up to `until`. `follows` is set, whatever part the event before
/// is in.
pub(crate) async fn read_part(
    database: &DatabaseConnection,
    part: i16,
    after: u64,
    until: u64,
    limit: u64,
) -> Result<Vec<Event>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select {}, (select o.event_id from event_position b join event o on o.inserted = b.inserted
                     where b.position = p.position - 1) as follows
         from {} where p.position > $1 and p.position <= $2 and e.part = $3
         order by p.position limit {limit}",
        columns(backend),
        by_position(backend)
    );
    let values: Vec<Value> = vec![to_i64(after).into(), to_i64(until).into(), part.into()];
    let rows = query(database, &sql, values).await?;
    let chained = |row: &QueryResult| {
        let mut event = from_row(row)?;
        event.follows = read_proof(row, "follows")?;
        Ok(event)
    };
    rows.iter().map(chained).collect()
}

/// Returns the last position of each stream of `kind` that has an event after `after`.
pub(crate) async fn last_positions(
    database: &DatabaseConnection,
    kind: &str,
    after: u64,
) -> Result<Vec<(Uuid, u64)>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select e.stream_id, max(p.position) as position from {}
         where p.position > $1 and e.stream = $2 group by e.stream_id",
        by_position(backend)
    );
    let values: Vec<Value> = vec![to_i64(after).into(), kind.into()];
    let rows: Vec<(Uuid, i64)> = query_as(database, &sql, values).await?;
    let positions = rows
        .into_iter()
        .map(|(id, position)| (id, from_i64(position)));
    Ok(positions.collect())
}

fn no_head() -> Error {
    Error::Database(sea_orm::DbErr::RecordNotFound(
        "the log has no head".to_owned(),
    ))
}

async fn one(
    database: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<QueryResult> {
    query_one(database, sql, values).await?.ok_or_else(no_head)
}

/// The values of `columns`.
type Row = (
    i64,
    i64,
    Uuid,
    i16,
    String,
    Uuid,
    i64,
    String,
    i16,
    String,
    String,
    DateTime<Utc>,
);

/// Reads an event from a row that begins with `columns`, by their places: looking them up by name takes longer than decoding them.
pub(crate) fn from_row(row: &QueryResult) -> Result<Event> {
    let (
        position,
        previous,
        event_id,
        part,
        stream,
        stream_id,
        version,
        event_type,
        schema_version,
        data,
        meta,
        occurred_at,
    ): Row = row.try_get_many_by_index()?;
    Ok(Event {
        position: from_i64(position),
        previous: from_i64(previous),
        event_id,
        part,
        stream,
        stream_id,
        version,
        event_type,
        schema_version,
        data: RawValue::from_string(data).map_err(|source| Error::Malformed {
            what: "event data",
            source,
        })?,
        meta: serde_json::from_str(&meta).map_err(|source| Error::Malformed {
            what: "event meta",
            source,
        })?,
        occurred_at,
        follows: None,
    })
}
