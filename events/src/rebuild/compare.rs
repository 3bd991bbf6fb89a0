//! Compares the old model with the new one, each stream at the same version in both. Where the two are at different positions,
//! the streams with events in between are left out, and compared when the tables change, at which moment both are at the same
//! position. The comparison reads one snapshot and locks nothing.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ModelTable, Rebuild, Result, SUFFIX,
    build::take_time,
    catalog::{self, Columns},
    state::Saved,
};
use crate::{
    DatabaseTransaction, PARTS,
    follower::{Checkpoint, checkpoint_of},
    sql::{Dialect, from_i64, query_as, query_one_as, to_i64},
};

/// The most streams left out for later; a live model that is farther behind is not compared.
const MOST_STREAMS: usize = 10_000;
/// The number of rows shown of each table.
const EXAMPLES: usize = 5;
/// The number of characters shown of each value.
const SHOWN_CHARS: u32 = 60;

/// The differences in one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    /// The table's name.
    pub table: String,
    /// Rows that only the old model had.
    pub only_old: u64,
    /// Rows that only the new model has.
    pub only_new: u64,
    /// Rows that both models have, with different values.
    pub changed: u64,
    /// Examples: the key, and what differs.
    pub examples: Vec<String>,
}

impl Differences {
    /// Returns the number of rows that differ.
    pub fn rows(&self) -> u64 {
        self.only_old + self.only_new + self.changed
    }

    fn add(&mut self, mut other: Self) {
        self.only_old += other.only_old;
        self.only_new += other.only_new;
        self.changed += other.changed;
        self.examples.append(&mut other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// The result of the comparison so far.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) differences: Vec<Differences>,
    /// The streams left out, which are yet to be compared.
    pub(super) left_out: BTreeSet<Uuid>,
    /// The number of streams that cannot be compared.
    pub(super) not_compared: u64,
}

/// The streams whose rows are compared.
pub(super) enum Scope<'a> {
    AllBut(&'a BTreeSet<Uuid>),
    Only(&'a BTreeSet<Uuid>),
}

impl Scope<'_> {
    fn condition(&self, column: &str, backend: DbBackend) -> String {
        let (not, ids) = match self {
            Self::AllBut(ids) if ids.is_empty() => return "true".to_owned(),
            Self::AllBut(ids) => ("not ", ids),
            Self::Only(ids) if ids.is_empty() => return "false".to_owned(),
            Self::Only(ids) => ("", ids),
        };
        let list: Vec<String> = ids
            .iter()
            .map(|id| match backend.is_postgres() {
                true => format!("'{id}'::uuid"),
                false => format!("x'{}'", id.simple()),
            })
            .collect();
        format!("{column} {not}in ({})", list.join(", "))
    }
}

impl Found {
    /// Adds differences found later.
    pub(super) fn add(&mut self, later: Vec<Differences>) {
        for (differences, later) in self.differences.iter_mut().zip(later) {
            differences.add(later);
        }
    }
}

impl Rebuild {
    pub(super) async fn compare(&self, saved: &Saved) -> Result<Found> {
        let tx = self.database.background.begin_snapshot().await?;
        let found = self.compare_in_tx(&tx, saved).await;
        tx.rollback().await?;
        found
    }

    async fn compare_in_tx(&self, tx: &DatabaseTransaction, saved: &Saved) -> Result<Found> {
        take_time(tx).await?;
        self.check_tables(tx).await?;
        let live = checkpoint_of(tx, self.model.name()).await?;
        let mut left_out = self.streams_between(tx, &live, saved).await?;
        let mut not_compared = 0;
        let mut differences = Vec::new();
        if left_out.len() > MOST_STREAMS {
            not_compared = left_out.len() as u64;
            left_out.clear();
            differences.extend(self.model.tables().iter().map(|table| Differences {
                table: table.name.to_owned(),
                ..Differences::default()
            }));
        } else {
            differences = differ(tx, self.model.tables(), &Scope::AllBut(&left_out)).await?;
        }
        Ok(Found {
            differences,
            left_out,
            not_compared,
        })
    }

    /// Returns the streams that have events which only one of the two models has.
    async fn streams_between(
        &self,
        tx: &DatabaseTransaction,
        live: &Checkpoint,
        saved: &Saved,
    ) -> Result<BTreeSet<Uuid>> {
        let apart: Vec<String> = (0..PARTS)
            .filter_map(|part| {
                let one = live.parts[part as usize];
                let other = saved.parts[part as usize];
                let (low, high) = (one.min(other), one.max(other));
                (low < high).then(|| {
                    format!("(e.part = {part} and p.position > {low} and p.position <= {high})")
                })
            })
            .collect();
        if apart.is_empty() {
            return Ok(BTreeSet::new());
        }
        let low = live
            .parts
            .iter()
            .zip(&saved.parts)
            .filter(|(one, other)| one != other);
        let low = low.map(|(one, other)| *one.min(other)).min().unwrap_or(0);
        let sql = format!(
            "select distinct e.stream_id from event_position p join event e on e.inserted = p.inserted
             where p.position > $1 and e.stream = $2 and ({}) limit {}",
            apart.join(" or "),
            MOST_STREAMS + 1
        );
        let values = vec![to_i64(low).into(), self.model.stream().into()];
        Ok(query_as(tx, &sql, values).await?.into_iter().collect())
    }
}

/// Returns the differences of all tables.
pub(super) async fn differ(
    tx: &DatabaseTransaction,
    tables: &[ModelTable],
    scope: &Scope<'_>,
) -> Result<Vec<Differences>> {
    let mut all = Vec::new();
    for table in tables {
        let columns = catalog::columns(tx, table.name).await?;
        all.push(differ_in(tx, table, &columns, scope).await?);
    }
    Ok(all)
}

async fn differ_in(
    tx: &DatabaseTransaction,
    table: &ModelTable,
    columns: &Columns,
    scope: &Scope<'_>,
) -> Result<Differences> {
    let Columns { key, others } = columns;
    let backend = tx.get_database_backend();
    let first = &key[0];
    let condition = scope.condition(table.stream_id, backend);
    let same_key = join(key, " and ", |column| format!("o.{column} = n.{column}"));
    let other_values = match others.is_empty() {
        true => "false".to_owned(),
        false => join(others, " or ", |column| {
            format!("o.{column} is distinct from n.{column}")
        }),
    };
    let from = format!(
        "from (select * from {name} where {condition}) o
         full join (select * from {name}{SUFFIX} where {condition}) n on {same_key}
         where o.{first} is null or n.{first} is null or {other_values}",
        name = table.name
    );
    let sql = format!(
        "select count(*) as every, count(case when n.{first} is null then 1 end) as old,
                count(case when o.{first} is null then 1 end) as new {from}"
    );
    let mut differences = Differences {
        table: table.name.to_owned(),
        ..Differences::default()
    };
    let counts: Option<(i64, i64, i64)> = query_one_as(tx, &sql, Vec::new()).await?;
    if let Some((every, old, new)) = counts {
        differences.only_old = from_i64(old);
        differences.only_new = from_i64(new);
        differences.changed = from_i64(every - old - new);
    }
    if differences.rows() > 0 {
        let text = |alias: &str, column: &String| shown(backend, &format!("{alias}.{column}"));
        let key_text = join(key, " || ' ' || ", |column| {
            format!("coalesce({}, {})", text("o", column), text("n", column))
        });
        let mut what = "''".to_owned();
        for column in others {
            what = format!(
                "{what} || case when o.{column} is distinct from n.{column} then
                 ', {column} ' || coalesce({}, 'null') || ' -> ' || coalesce({}, 'null') else '' end",
                text("o", column),
                text("n", column)
            );
        }
        let sql = format!(
            "select {key_text} || case when n.{first} is null then ': only in the old one'
             when o.{first} is null then ': only in the new one' else {what} end as example {from} limit {EXAMPLES}"
        );
        differences.examples = query_as(tx, &sql, Vec::new()).await?;
    }
    Ok(differences)
}

fn join(columns: &[String], separator: &str, text: impl Fn(&String) -> String) -> String {
    let texts: Vec<String> = columns.iter().map(text).collect();
    texts.join(separator)
}

/// Returns the expression for a value as readable text.
fn shown(backend: DbBackend, column: &str) -> String {
    match backend.is_postgres() {
        true => format!("left({column}::text, {SHOWN_CHARS})"),
        false => format!(
            "substr(case typeof({column}) when 'blob' then lower(hex({column})) else {column} end, 1, {SHOWN_CHARS})"
        ),
    }
}
