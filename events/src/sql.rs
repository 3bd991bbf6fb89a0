//! The home of SQL: how a statement is run, how its rows are read, and how lists are passed to it. What the two databases say
//! differently is in `dialect`. Texts are constant or exist in few forms, so that prepared statements are found again.
//! Called by all of this crate and by the domains, where an entity of SeaORM does not say it.

mod dialect;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetableMany, Value};
use uuid::Uuid;

pub use self::dialect::Dialect;
use crate::Result;

/// Has Postgres find every row by its key: a plan made for an empty table must not read a full one.
pub const FIND_BY_KEY: &str = "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

/// The statement for `connection`.
pub fn statement(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// All rows.
pub async fn query(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let statement = statement(connection, sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

/// All rows, each as its columns in their order: one value, or a tuple.
pub async fn query_as<T: TryGetableMany>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>> {
    let rows = query(connection, sql, values).await?;
    let read = rows.iter().map(QueryResult::try_get_many_by_index);
    Ok(read.collect::<Result<_, _>>()?)
}

/// The first row.
pub async fn query_one(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>> {
    let statement = statement(connection, sql, values);
    Ok(connection.query_one_raw(statement).await?)
}

/// The first row, as `query_as` reads it.
pub async fn query_one_as<T: TryGetableMany>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<T>> {
    let row = query_one(connection, sql, values).await?;
    let read = row.as_ref().map(QueryResult::try_get_many_by_index);
    Ok(read.transpose()?)
}

/// Answers how many rows were changed.
pub async fn execute(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64> {
    let statement = statement(connection, sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// Runs what only Postgres is told, such as a setting or a lock for the rest of the transaction. It is not prepared.
pub async fn on_postgres(tx: &impl ConnectionTrait, sql: &str) -> Result<()> {
    if tx.get_database_backend().is_postgres() {
        tx.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Parameters from `first` on: `$3, $4`.
pub fn places(first: usize, count: usize) -> String {
    let places = (first..first + count).map(|number| format!("${number}"));
    places.collect::<Vec<_>>().join(", ")
}

/// Repeats the last key up to a power of two, so that a statement exists in few lengths and is found again.
pub fn padded<K: Copy>(keys: &[K]) -> Vec<K> {
    let mut padded = keys.to_vec();
    if let Some(last) = keys.last() {
        padded.resize(keys.len().next_power_of_two(), *last);
    }
    padded
}

/// That `column` is one of `ids`, whose values are added to `values`. They are one array on Postgres, and padded on SQLite.
pub fn is_one_of(
    backend: DbBackend,
    column: &str,
    ids: &[Uuid],
    values: &mut Vec<Value>,
) -> String {
    let first = values.len() + 1;
    if backend.is_postgres() {
        values.push(ids.to_vec().into());
        return format!("{column} = any(${first}::uuid[])");
    }
    let ids = padded(ids);
    values.extend(ids.iter().map(|id| Value::from(*id)));
    format!("{column} in ({})", places(first, ids.len()))
}

/// A list of numbers as one parameter, for `Dialect::numbers`.
pub(crate) fn number_list(numbers: impl Iterator<Item = u64>) -> Value {
    let numbers: Vec<_> = numbers.map(|number| to_i64(number).to_string()).collect();
    format!("[{}]", numbers.join(",")).into()
}

/// Positions are bigint in the database; they never pass its maximum.
pub(crate) fn to_i64(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn from_i64(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}
