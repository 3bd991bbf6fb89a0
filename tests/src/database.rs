//! Reads the product's database, on both kinds, for what the API does not show: every event as it is stored.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::Value;

/// A stored event. `id` is the UUID of its stream as 32 hexadecimal digits.
#[derive(Debug, Clone)]
pub struct LogEntry {
    pub stream: String,
    pub id: String,
    pub version: u64,
    pub kind: String,
    pub position: Option<u64>,
    /// As the database writes it: later times are greater as texts.
    pub occurred_at: String,
    pub data: Value,
    pub meta: Value,
}

const POSTGRES_LOG: &str = "select e.stream, replace(e.stream_id::text, '-', '') as id, e.version, e.type, p.position, \
    e.occurred_at::text as occurred_at, e.data::text as data, e.meta::text as meta from event e left join event_position p using (inserted)";
const SQLITE_LOG: &str = "select stream, lower(hex(stream_id)) as id, version, type, inserted as position, \
    occurred_at, data, meta from event";

/// Returns all events; those without a position come last.
pub async fn log(database: &DatabaseConnection) -> Vec<LogEntry> {
    let statement = match is_postgres(database) {
        true => format!("{POSTGRES_LOG} order by p.position nulls last, e.inserted"),
        false => format!("{SQLITE_LOG} order by inserted"),
    };
    rows(database, &statement).await.iter().map(entry).collect()
}

/// Returns the events after a position, in order.
pub async fn log_after(database: &DatabaseConnection, position: u64) -> Vec<LogEntry> {
    let statement = match is_postgres(database) {
        true => format!("{POSTGRES_LOG} where p.position > {position} order by p.position"),
        false => format!("{SQLITE_LOG} where inserted > {position} order by inserted"),
    };
    rows(database, &statement).await.iter().map(entry).collect()
}

pub(crate) fn entry(row: &QueryResult) -> LogEntry {
    let read = || -> Result<LogEntry, sea_orm::DbErr> {
        let json = |text: String| serde_json::from_str(&text).expect("a JSON column");
        Ok(LogEntry {
            stream: row.try_get("", "stream")?,
            id: row.try_get("", "id")?,
            version: row.try_get::<i64>("", "version")?.unsigned_abs(),
            kind: row.try_get("", "type")?,
            position: row
                .try_get::<Option<i64>>("", "position")?
                .map(i64::unsigned_abs),
            occurred_at: row.try_get("", "occurred_at")?,
            data: json(row.try_get("", "data")?),
            meta: json(row.try_get("", "meta")?),
        })
    };
    read().expect("an event row")
}

/// Returns the number of events, and the highest position.
pub async fn log_size(database: &DatabaseConnection) -> (u64, u64) {
    let events = number(database, "select count(*) as number from event").await;
    let head = number(
        database,
        "select coalesce(max(position), 0) as number from event_position",
    )
    .await;
    (events, head)
}

/// Returns the single value, named `number`, that a statement selects.
pub async fn number(database: &DatabaseConnection, statement: &str) -> u64 {
    let rows = rows(database, statement).await;
    rows[0]
        .try_get::<i64>("", "number")
        .expect("a column named number")
        .unsigned_abs()
}

/// Returns the value, named `text`, of each row that a statement selects.
pub async fn texts(database: &DatabaseConnection, statement: &str) -> Vec<String> {
    rows(database, statement)
        .await
        .iter()
        .map(|row| row.try_get("", "text").expect("a column named text"))
        .collect()
}

pub fn is_postgres(database: &DatabaseConnection) -> bool {
    database.get_database_backend() == DbBackend::Postgres
}

async fn rows(database: &DatabaseConnection, statement: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(database.get_database_backend(), statement);
    database.query_all_raw(statement).await.expect("rows")
}
