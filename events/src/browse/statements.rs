//! The statements of the log browser. They are few, and their texts do not depend on the values searched for: a condition that a
//! filter leaves out is a parameter that is null. Each is written so that it gets the intended plan, whatever the planner thinks
//! of the values.

use chrono::{DateTime, TimeZone, Utc};
use sea_orm::{DbBackend, Value};

use super::LogFilter;
use crate::{
    DatabaseConnection, Result,
    read::columns,
    sql::{Dialect, query_one_as, to_i64},
};

/// The number of events that may be read and sorted for a page without searching by position.
pub(super) const FEW: u64 = 4096;

/// How the events are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Positions, in order.
    Positions,
    /// Streams with an id, by the index of versions.
    StreamId,
    /// Events caused by an actor.
    Actor,
    /// Events of a kind of stream.
    Kind,
    /// Events of types, in any kind of stream.
    Types,
    /// A stretch of time.
    Time,
}

/// The parameters of `select`. Each statement has all of them.
pub(super) fn values(filter: &LogFilter, (after, until): (u64, u64)) -> Vec<Value> {
    let (from, before) = times(filter);
    vec![
        to_i64(after).into(),
        to_i64(until).into(),
        filter.stream.clone().into(),
        filter.stream_id.into(),
        types(filter).into(),
        filter.actor.clone().into(),
        from.into(),
        before.into(),
    ]
}

/// Returns the filter's times, or else bounds that both databases can compare with.
fn times(filter: &LogFilter) -> (DateTime<Utc>, DateTime<Utc>) {
    let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    let from = filter.from.or_else(|| year(1));
    let before = filter.before.or_else(|| year(9999));
    (from.unwrap_or_default(), before.unwrap_or_default())
}

fn types(filter: &LogFilter) -> Option<String> {
    let types = filter.types.clone()?;
    Some(serde_json::Value::from(types).to_string())
}

/// Selects all kinds of streams, with as many look-ups as there are kinds.
const KINDS: &str = "with recursive kinds(stream) as (
     select min(stream) from event
     union all
     select (select min(e.stream) from event e where e.stream > kinds.stream) from kinds where kinds.stream is not null)
     ";

/// Selects the events of the types listed in a parameter, kind by kind and type by type.
fn of_types(backend: DbBackend, list: &str, columns: &str, end: &str) -> String {
    match backend {
        DbBackend::Postgres => format!(
            "select {columns} from kinds k
             cross join (select distinct json_array_elements_text({list}::text::json) as type) t
             cross join lateral
             (select * from event e where e.stream = k.stream and e.type = t.type {end}) e where k.stream is not null{end}"
        ),
        _ => format!(
            "select {columns} from kinds k cross join (select distinct value as type from json_each({list})) t
             cross join event e on e.stream = k.stream and e.type = t.type where k.stream is not null{end}"
        ),
    }
}

/// Selects at most `limit` of the events that match, with positions in ($1, $2].
pub(super) fn select(backend: DbBackend, way: Way, from_end: bool, limit: u64) -> String {
    let (text, uuid) = backend.either(("::text", "::uuid"), ("", ""));
    let types = backend.either(
        "(select json_array_elements_text($5::text::json))",
        "(select value from json_each($5))",
    );
    // Keeps a subquery separate, so that it runs as written: SQLite never merges one with a limit into the query around it.
    let apart = backend.either(" offset 0", " limit -1");
    let matches = format!(
        "($3{text} is null or e.stream = $3) and ($4{uuid} is null or e.stream_id = $4)
         and ($5{text} is null or e.type in {types}) and ($6{text} is null or e.meta ->> 'actor' = $6)
         and e.occurred_at >= $7 and e.occurred_at < $8"
    );
    let range = "p.position > $1 and p.position <= $2";
    let driving = match way {
        Way::Positions => None,
        Way::StreamId => Some(format!(
            "select * from event e where e.stream_id = $4{apart}"
        )),
        Way::Actor => Some(format!(
            "select * from event e where e.meta ->> 'actor' = $6{apart}"
        )),
        Way::Time => Some(format!(
            "select * from event e where e.occurred_at >= $7 and e.occurred_at < $8 order by e.occurred_at{apart}"
        )),
        Way::Kind => Some(format!("select * from event e where e.stream = $3{apart}")),
        Way::Types => Some(of_types(backend, "$5", "e.*", &format!("{apart} "))),
    };
    let with = if way == Way::Types { KINDS } else { "" };
    let joined = match (backend, driving) {
        (DbBackend::Postgres, None) => format!(
            "event_position p cross join lateral
             (select * from event e where e.inserted = p.inserted and {matches} offset 0) e where {range}"
        ),
        (DbBackend::Postgres, Some(driving)) => format!(
            "({driving}) e cross join lateral
             (select * from event_position p where p.inserted = e.inserted and {range} offset 0) p where {matches}"
        ),
        (_, None) => format!(
            "event_position p cross join event e on e.inserted = p.inserted where {range} and {matches}"
        ),
        (_, Some(driving)) => format!(
            "({driving}) e cross join event_position p on p.inserted = e.inserted where {range} and {matches}"
        ),
    };
    let direction = if from_end { "desc" } else { "asc" };
    format!(
        "{with}select {} from {joined} order by p.position {direction} limit {limit}",
        columns(backend)
    )
}

/// Returns the way by which the filter is known to match few events, if there is one.
pub(super) async fn few(database: &DatabaseConnection, filter: &LogFilter) -> Result<Option<Way>> {
    let ways = [
        (Way::StreamId, filter.stream_id.is_some()),
        (Way::Actor, filter.actor.is_some()),
        (Way::Types, filter.types.is_some()),
        (Way::Kind, filter.stream.is_some()),
        (Way::Time, filter.from.is_some() || filter.before.is_some()),
    ];
    for (way, is_given) in ways {
        if is_given && is_few(database, filter, way).await? {
            return Ok(Some(way));
        }
    }
    Ok(None)
}

/// Returns whether the index of `way` has few events for the filter. It reads no further than that.
async fn is_few(database: &DatabaseConnection, filter: &LogFilter, way: Way) -> Result<bool> {
    let backend = database.get_database_backend();
    let limit = FEW + 1;
    let (from, before) = times(filter);
    let mut with = "";
    let (found, values): (String, Vec<Value>) = match way {
        Way::Positions => return Ok(false),
        Way::StreamId => (
            format!("select 1 from event e where e.stream_id = $1 limit {limit}"),
            vec![filter.stream_id.into()],
        ),
        Way::Actor => (
            format!("select 1 from event e where e.meta ->> 'actor' = $1 limit {limit}"),
            vec![filter.actor.clone().into()],
        ),
        Way::Time => (
            format!(
                "select 1 from event e where e.occurred_at >= $1 and e.occurred_at < $2 order by e.occurred_at limit {limit}"
            ),
            vec![from.into(), before.into()],
        ),
        Way::Kind => (
            format!("select 1 from event e where e.stream = $1 limit {limit}"),
            vec![filter.stream.clone().into()],
        ),
        Way::Types => {
            with = KINDS;
            let end = format!(" limit {limit}");
            let sql = of_types(backend, "$1", "1", &end);
            (sql, vec![types(filter).into()])
        }
    };
    let sql = format!("{with}select count(*) as events from ({found}) found");
    let events: Option<i64> = query_one_as(database, &sql, values).await?;
    Ok(events.is_some_and(|events| events <= to_i64(FEW)))
}
