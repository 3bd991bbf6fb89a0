//! The home of SQL: runs statements, reads their rows, and passes lists to them. Where the two databases differ, `dialect` has
//! the expressions. Texts are constant or exist in few variants, so that prepared statements are reused. Called throughout this
//! crate, and by the domains where SeaORM's entities cannot express a query.

mod dialect;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetableMany, Value};
use uuid::Uuid;

pub use self::dialect::{Dialect, longest};
use crate::Result;

/// Makes Postgres find every row by its key: a plan made for an empty table must not read a full one.
pub const FIND_BY_KEY: &str = "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

/// Builds a statement for the database of `connection`.
pub fn statement(
    connection: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// Returns all rows.
pub async fn query(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let statement = statement(connection, sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

/// Returns all rows, each as its columns in order: one value, or a tuple.
pub async fn query_as<T: TryGetableMany>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>> {
    let rows = query(connection, sql, values).await?;
    let read = rows.iter().map(QueryResult::try_get_many_by_index);
    Ok(read.collect::<Result<_, _>>()?)
}

/// Returns the first row, if any.
pub async fn query_one(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>> {
    let statement = statement(connection, sql, values);
    Ok(connection.query_one_raw(statement).await?)
}

/// Returns the first row, if any, decoded like those of `query_as`.
pub async fn query_one_as<T: TryGetableMany>(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<T>> {
    let row = query_one(connection, sql, values).await?;
    let read = row.as_ref().map(QueryResult::try_get_many_by_index);
    Ok(read.transpose()?)
}

/// Returns how many rows were changed.
pub async fn execute(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64> {
    let statement = statement(connection, sql, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// Runs a statement on Postgres only, such as a setting or a lock for the rest of the transaction. It is not prepared.
pub async fn on_postgres(tx: &impl ConnectionTrait, sql: &str) -> Result<()> {
    if tx.get_database_backend().is_postgres() {
        tx.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Lists the parameters from `first` on: `$3, $4`.
pub fn places(first: usize, count: usize) -> String {
    let places = (first..first + count).map(|number| format!("${number}"));
    places.collect::<Vec<_>>().join(", ")
}

/// Repeats the last key up to a power of two, so that a statement exists in few lengths and is reused.
pub fn padded<K: Copy>(keys: &[K]) -> Vec<K> {
    let mut padded = keys.to_vec();
    if let Some(last) = keys.last() {
        padded.resize(keys.len().next_power_of_two(), *last);
    }
    padded
}

/// Returns the condition that `column` is one of `ids`, and adds their values to `values`. The ids are one array on Postgres, and
/// padded on SQLite.
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

/// The first rows of each of several parents: of each post its comments, of each stream its events.
pub struct OfEach<'a> {
    /// Selects the rows of one parent, whose id is `{parent}`.
    pub select: &'a str,
    /// The order, by selected columns that the selected tables have once.
    pub order: &'a str,
    /// The largest number of rows of each.
    pub limit: u64,
}

/// The most parents in one statement of SQLite, which combines no more than 500 queries.
const PARENTS_AT_ONCE: usize = 100;

impl OfEach<'_> {
    /// Returns the rows of all parents, those of each in the order. `values` are the first parameters of the selection. It is one
    /// statement on Postgres, which looks each parent up in the index, whatever it believes about the size of the table.
    pub async fn query(
        &self,
        connection: &impl ConnectionTrait,
        parents: &[Uuid],
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>> {
        let Self { order, limit, .. } = self;
        let first = values.len() + 1;
        let of = |parent: &str| {
            let select = self.select.replace("{parent}", parent);
            format!("{select} order by {order} limit {limit}")
        };
        if connection.get_database_backend().is_postgres() {
            let sql = format!(
                "select c.* from unnest(${first}::uuid[]) as parents (of_parent) cross join lateral ({}) c \
                 order by parents.of_parent, {order}",
                of("parents.of_parent")
            );
            let values = values.into_iter().chain([parents.to_vec().into()]);
            return query(connection, &sql, values.collect()).await;
        }
        let mut rows = Vec::new();
        for parents in parents.chunks(PARENTS_AT_ONCE) {
            let selects = (first..).take(parents.len());
            let selects = selects.map(|place| {
                format!(
                    "select c.*, ${place} as of_parent from ({}) c",
                    of(&format!("${place}"))
                )
            });
            let selects = selects.collect::<Vec<_>>().join(" union all ");
            let sql = format!("select * from ({selects}) order by of_parent, {order}");
            let values = values.iter().cloned();
            let values = values.chain(parents.iter().map(|id| Value::from(*id)));
            rows.extend(query(connection, &sql, values.collect()).await?);
        }
        Ok(rows)
    }
}

/// Passes a list of numbers as one parameter, for `Dialect::numbers`.
pub(crate) fn number_list(numbers: impl Iterator<Item = u64>) -> Value {
    let numbers: Vec<_> = numbers.map(|number| to_i64(number).to_string()).collect();
    format!("[{}]", numbers.join(",")).into()
}

/// Converts a position, which is a bigint in the database and never exceeds its maximum.
pub(crate) fn to_i64(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn from_i64(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}
