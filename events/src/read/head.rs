//! The head of the log, and the state of the log at one position. On Postgres `number_events` gives out positions and begins a
//! new epoch in a database that is not the one that numbered last. On SQLite positions are given at append, and the table's
//! counter knows the last one even if events were removed since.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::{Standing, one};
use crate::{
    DatabaseConnection, PARTS, Proof, Result,
    fresh::Numbered,
    sql::{Dialect, from_i64, query_as, to_i64},
};

/// The head: how far the log is numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) epoch: u32,
    /// The last position given; 0 when the log is empty.
    pub(crate) position: u64,
    /// Events up to here may have been removed.
    pub(crate) pruned: u64,
    /// The last position given in each part.
    pub(crate) parts: [u64; PARTS as usize],
    /// The proof of the event at the last position, if there is one.
    pub(crate) proof: Option<Proof>,
}

/// The result of a pass of the sequencer.
pub(crate) struct Pass {
    pub(crate) head: Head,
    /// How many events it numbered.
    pub(crate) numbered: u64,
    /// These events, in order, if they are few.
    pub(crate) events: Vec<Numbered>,
    /// The proof of the event at the position that was asked about, if there is one.
    pub(crate) found: Option<Proof>,
}

/// Selects `log_head` with the last position given out, on SQLite. The newest event may be pruned while an older one is kept: the
/// counter does not fall then, nor when an event is removed by hand.
const SQLITE_HEAD: &str = "(select epoch, pruned, proven, proven_event, unproven_until,
    max(coalesce((select seq from sqlite_sequence where name = 'event'), 0),
        coalesce((select max(inserted) from event), 0), pruned) as position from log_head) h";

/// The counterpart for SQLite of the function `event_at` of Postgres, on `log_head`.
fn event_at(position: &str) -> String {
    format!(
        "coalesce((select event_id from event where inserted = {position}),
                  case when proven = {position} then proven_event end)"
    )
}

/// Numbers fresh events (on Postgres; SQLite numbers at append). Returns the head, how many events were fresh, and the proof of
/// the event at `reached`, the caller's position. In a dump from another cluster it first renews the transaction ids of all events, ten
/// thousand in a statement; nothing is numbered before.
pub(crate) async fn sequence(database: &DatabaseConnection, reached: u64) -> Result<Pass> {
    let values: Vec<Value> = vec![to_i64(reached).into()];
    if database.get_database_backend().is_postgres() {
        let sql = "select head_epoch, head_position, head_pruned, head_parts, head_event, numbered, reached_event,
                          coalesce(events, '{}') as events, coalesce(previous, '{}') as previous
                   from number_known_events($1)";
        let mut row = one(database, sql, values.clone()).await?;
        let mut steps = 0_u32;
        while row.try_get::<i64>("", "numbered")? < 0 {
            steps += 1;
            if steps.is_power_of_two() {
                tracing::info!(
                    steps,
                    "the database was restored from a dump of another cluster; renewing the transaction ids of its events"
                );
            }
            row = one(database, sql, values.clone()).await?;
        }
        let events: Vec<Uuid> = row.try_get("", "events")?;
        let previous: Vec<i64> = row.try_get("", "previous")?;
        return Ok(Pass {
            head: postgres_head(&row)?,
            numbered: from_i64(row.try_get("", "numbered")?),
            events: events
                .into_iter()
                .zip(previous.into_iter().map(from_i64))
                .collect(),
            found: read_proof(&row, "reached_event")?,
        });
    }
    let sql = format!(
        "select epoch, pruned, position, {} as head_event, {} as reached_event from {SQLITE_HEAD}",
        event_at("position"),
        event_at("$1")
    );
    let row = one(database, &sql, values).await?;
    Ok(Pass {
        head: sqlite_head(database, &row).await?,
        numbered: 0,
        events: Vec::new(),
        found: read_proof(&row, "reached_event")?,
    })
}

/// Reads the current head.
pub(crate) async fn read_head(database: &impl ConnectionTrait) -> Result<Head> {
    match database.get_database_backend() {
        DbBackend::Postgres => {
            let sql =
                "select epoch as head_epoch, position as head_position, pruned as head_pruned,
                        part_positions as head_parts, event_at(position) as head_event
                 from log_head order by position desc limit 1";
            postgres_head(&one(database, sql, Vec::new()).await?)
        }
        _ => {
            let sql = format!(
                "select epoch, pruned, position, {} as head_event from {SQLITE_HEAD}",
                event_at("position")
            );
            let row = one(database, &sql, Vec::new()).await?;
            sqlite_head(database, &row).await
        }
    }
}

/// Reads the state of the log at a position.
pub(crate) async fn read_standing(
    database: &impl ConnectionTrait,
    position: u64,
) -> Result<Standing> {
    let sql = match database.get_database_backend() {
        DbBackend::Postgres => {
            "select epoch, position, pruned, unproven_until, event_at($1) as found
             from log_head order by position desc limit 1"
                .to_owned()
        }
        _ => format!(
            "select epoch, position, pruned, unproven_until, {} as found from {SQLITE_HEAD}",
            event_at("$1")
        ),
    };
    let row = one(database, &sql, vec![to_i64(position).into()]).await?;
    Ok(Standing {
        epoch: from_i64(row.try_get("", "epoch")?) as u32,
        head: from_i64(row.try_get("", "position")?),
        pruned: from_i64(row.try_get("", "pruned")?),
        unproven_until: from_i64(row.try_get("", "unproven_until")?),
        found: read_proof(&row, "found")?,
    })
}

/// Reads the epoch, and the position up to which events may have been removed.
pub(crate) async fn read_pruned(connection: &impl ConnectionTrait) -> Result<(u32, u64)> {
    let sql = connection.get_database_backend().either(
        "select epoch, pruned from log_head order by position desc limit 1",
        "select epoch, pruned from log_head",
    );
    let row = one(connection, sql, Vec::new()).await?;
    let epoch = from_i64(row.try_get("", "epoch")?) as u32;
    Ok((epoch, from_i64(row.try_get("", "pruned")?)))
}

pub(super) fn read_proof(row: &QueryResult, column: &str) -> Result<Option<Proof>> {
    let event_id: Option<Uuid> = row.try_get("", column)?;
    Ok(event_id.map(Proof::of))
}

fn postgres_head(row: &QueryResult) -> Result<Head> {
    let stored: Vec<i64> = row.try_get("", "head_parts")?;
    let mut parts = [0; PARTS as usize];
    for (part, position) in parts.iter_mut().zip(stored) {
        *part = from_i64(position);
    }
    Ok(Head {
        epoch: from_i64(row.try_get("", "head_epoch")?) as u32,
        position: from_i64(row.try_get("", "head_position")?),
        pruned: from_i64(row.try_get("", "head_pruned")?),
        parts,
        proof: read_proof(row, "head_event")?,
    })
}

async fn sqlite_head(database: &impl ConnectionTrait, row: &QueryResult) -> Result<Head> {
    Ok(Head {
        epoch: from_i64(row.try_get("", "epoch")?) as u32,
        position: from_i64(row.try_get("", "position")?),
        pruned: from_i64(row.try_get("", "pruned")?),
        parts: sqlite_part_heads(database).await?,
        proof: read_proof(row, "head_event")?,
    })
}

/// Makes sixteen index look-ups; grouping by part would walk the whole index. Pruned events count, too.
async fn sqlite_part_heads(database: &impl ConnectionTrait) -> Result<[u64; PARTS as usize]> {
    let sql = (0..PARTS)
        .map(|part| {
            format!(
                "select max(coalesce((select max(inserted) from event where part = {part}), 0),
                            coalesce((select position from pruned_part where part = {part}), 0)) as position"
            )
        })
        .collect::<Vec<_>>()
        .join(" union all ");
    let mut parts = [0; PARTS as usize];
    for (part, position) in parts
        .iter_mut()
        .zip(query_as(database, &sql, Vec::new()).await?)
    {
        *part = from_i64(position);
    }
    Ok(parts)
}
