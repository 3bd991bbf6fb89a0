//! Many rows in one statement: they arrive as a table `v` that the statement inserts from, updates by or deletes by. On
//! Postgres each column is one array, so there is one text whatever the number of rows; on SQLite the rows are listed, in
//! lots of few lengths, so that prepared statements are found again. Called by followers, in their transaction.

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value,
    sea_query::{ArrayType, ValueType},
};
use uuid::Uuid;

/// SQLite takes 32,766 parameters in a statement; beyond a few hundred rows, more at once gain nothing.
const LOT: usize = 256;

/// What a column of the rows holds. Nothing is ever null in them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Uuid,
    Text,
    Number,
    Time,
}

impl Kind {
    fn array(self) -> (&'static str, ArrayType) {
        match self {
            Self::Uuid => ("uuid[]", <Uuid as ValueType>::array_type()),
            Self::Text => ("text[]", <String as ValueType>::array_type()),
            Self::Number => ("bigint[]", <i64 as ValueType>::array_type()),
            Self::Time => ("timestamptz[]", <DateTime<Utc> as ValueType>::array_type()),
        }
    }
}

/// The names and kinds of the columns of `v`.
pub(crate) type Columns<const N: usize> = [(&'static str, Kind); N];

/// Runs `statement` with `rows` as the table `v`; without rows it does nothing. Answers how many rows it changed.
pub(crate) async fn execute<const N: usize>(
    tx: &DatabaseTransaction,
    columns: &Columns<N>,
    rows: impl IntoIterator<Item = [Value; N]>,
    statement: &str,
) -> events::Result<u64> {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let names = columns.map(|(name, _)| name).join(", ");
    if tx.get_database_backend() == DbBackend::Postgres {
        let (arrays, values) = into_arrays(columns, rows);
        let sql = format!("with v ({names}) as (select * from unnest({arrays})) {statement}");
        return run(tx, sql, values).await;
    }
    let mut changed = 0;
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let lot = LOT.min(1 << rows.len().ilog2());
        let values = rows.by_ref().take(lot).flatten().collect();
        let places = places(lot, N);
        let sql = format!("with v ({names}) as (values {places}) {statement}");
        changed += run(tx, sql, values).await?;
    }
    Ok(changed)
}

async fn run(tx: &DatabaseTransaction, sql: String, values: Vec<Value>) -> events::Result<u64> {
    let backend = tx.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

fn into_arrays<const N: usize>(
    columns: &Columns<N>,
    rows: Vec<[Value; N]>,
) -> (String, Vec<Value>) {
    let mut arrays = columns.map(|_| Vec::with_capacity(rows.len()));
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value);
        }
    }
    let mut places = Vec::with_capacity(N);
    let mut values = Vec::with_capacity(N);
    for (number, ((_, kind), array)) in columns.iter().zip(arrays).enumerate() {
        let (name, array_type) = kind.array();
        places.push(format!("${}::{name}", number + 1));
        values.push(Value::Array(array_type, Some(Box::new(array))));
    }
    (places.join(", "), values)
}

/// `(?, ?), (?, ?)`.
fn places(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}
