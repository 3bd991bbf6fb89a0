//! Statements for many rows: the rows are a table `v` that the statement inserts from, updates by or deletes by. On Postgres
//! each column is one array, so the text of the statement is the same for any number of rows. On SQLite the rows are listed, in
//! batches of few different sizes, so that prepared statements are reused. Called by followers, in their transaction.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ConnectionTrait, DbBackend, TryGetableMany, Value,
    sea_query::{ArrayType, ValueType},
};
use uuid::Uuid;

use events::{
    DatabaseTransaction,
    sql::{self, Dialect},
};

/// The largest batch. SQLite takes 32,766 parameters in a statement, but more than a few hundred rows at once gain nothing.
const LOT: usize = 256;

/// The type of a column of the rows. No value is null.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Uuid,
    Text,
    Number,
    Real,
    Time,
    Day,
}

impl Kind {
    fn array(self) -> (&'static str, ArrayType) {
        match self {
            Self::Uuid => ("uuid[]", <Uuid as ValueType>::array_type()),
            Self::Text => ("text[]", <String as ValueType>::array_type()),
            Self::Number => ("bigint[]", <i64 as ValueType>::array_type()),
            Self::Real => ("double precision[]", <f64 as ValueType>::array_type()),
            Self::Time => ("timestamptz[]", <DateTime<Utc> as ValueType>::array_type()),
            Self::Day => ("date[]", <NaiveDate as ValueType>::array_type()),
        }
    }
}

/// The names and types of the columns of `v`.
pub(crate) type Columns<const N: usize> = [(&'static str, Kind); N];

/// Runs `statement` with `rows` as the table `v`; without rows it does nothing. Returns how many rows it changed.
pub(crate) async fn execute<const N: usize>(
    tx: &DatabaseTransaction,
    columns: &Columns<N>,
    rows: impl IntoIterator<Item = [Value; N]>,
    statement: &str,
) -> events::Result<u64> {
    let mut changed = 0;
    for (sql, values) in statements(tx.get_database_backend(), columns, rows, statement) {
        changed += sql::execute(tx, &sql, values).await?;
    }
    Ok(changed)
}

/// Does the same with a statement that returns rows.
pub(crate) async fn query<T: TryGetableMany, const N: usize>(
    tx: &DatabaseTransaction,
    columns: &Columns<N>,
    rows: impl IntoIterator<Item = [Value; N]>,
    statement: &str,
) -> events::Result<Vec<T>> {
    let mut found = Vec::new();
    for (sql, values) in statements(tx.get_database_backend(), columns, rows, statement) {
        found.extend(sql::query_as(tx, &sql, values).await?);
    }
    Ok(found)
}

/// Returns the statements that have `rows` as the table `v`, one for each batch.
fn statements<const N: usize>(
    backend: DbBackend,
    columns: &Columns<N>,
    rows: impl IntoIterator<Item = [Value; N]>,
    statement: &str,
) -> Vec<(String, Vec<Value>)> {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let names = columns.map(|(name, _)| name).join(", ");
    if backend.is_postgres() {
        let (arrays, values) = into_arrays(columns, rows);
        let sql = format!("with v ({names}) as (select * from unnest({arrays})) {statement}");
        return vec![(sql, values)];
    }
    let mut all = Vec::new();
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let lot = LOT.min(1 << rows.len().ilog2());
        let values: Vec<Value> = rows.by_ref().take(lot).flatten().collect();
        let places = places(lot, N);
        let sql = format!("with v ({names}) as (values {places}) {statement}");
        all.push((sql, values));
    }
    all
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

/// Returns placeholders such as `(?, ?), (?, ?)`.
fn places(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}
