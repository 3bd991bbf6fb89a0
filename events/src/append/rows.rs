//! Stores rows of one table together with the events that tell how they came about, in one statement: either both or neither.
//! Postgres only. The text of the statement does not depend on the number of rows, which come as JSON, so it is prepared once.

use std::collections::HashSet;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Appended, Appending, Tx,
    batch::{COLUMNS, ROWS, VALUES, arrays, rows_of},
};
use crate::{Error, Result, sql::query_as, trace};

/// The table of one kind of record, whose column `id` is the id of the record's stream.
#[derive(Debug)]
pub struct RowTable {
    kind: &'static str,
    sql: String,
}

/// What to store at once.
pub struct Rows<'a, D> {
    /// New rows, as JSON objects by column. One that shares a unique value with another row is left out, with its events.
    pub new: Vec<Map<String, Value>>,
    /// Rows that exist, each once, and locked by the caller.
    pub changed: Vec<Map<String, Value>>,
    /// The events, those of one row in the order of their versions.
    pub events: Vec<Appending<'a, D>>,
}

impl RowTable {
    /// Describes the table `name` of records of `kind`, with these quoted columns.
    pub fn new(kind: &'static str, name: &str, columns: &[String]) -> Self {
        let name = format!("\"{name}\"");
        let all = columns.join(", ");
        let values = columns.iter().map(|column| format!("given.{column}"));
        let values = values.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "with new as (
                insert into {name} ({all})
                select {all} from json_populate_recordset(null::{name}, $11::text::json)
                on conflict do nothing returning id
            ), changed as (
                update {name} set ({all}) = row({values})
                from json_populate_recordset(null::{name}, $12::text::json) given
                where {name}.id = given.id returning {name}.id
            )
            insert into event ({COLUMNS}) select {VALUES} from {ROWS}
            where stream_id in (select id from new union all select id from changed)
            order by number
            returning stream_id"
        );
        Self { kind, sql }
    }

    pub(crate) async fn store<D: Serialize>(
        &self,
        connection: &impl ConnectionTrait,
        rows: &Rows<'_, D>,
    ) -> Result<Stored> {
        let malformed = |source| Error::Malformed {
            what: "row",
            source,
        };
        let new = serde_json::to_string(&rows.new).map_err(malformed)?;
        let changed = serde_json::to_string(&rows.changed).map_err(malformed)?;
        let event_rows = rows_of(&rows.events)?;
        let mut values = vec![self.kind.into()];
        values.extend(arrays(&event_rows));
        values.extend([new.into(), changed.into()]);
        let mut span = trace::detail("append");
        span.set("millrace.events", rows.events.len());
        let storing = query_as(connection, &self.sql, values);
        let stored: Vec<(Uuid,)> = span.scope(storing).await?;
        drop(span);
        let ids: HashSet<_> = stored.into_iter().map(|(id,)| id).collect();
        let written = rows.events.iter().zip(event_rows);
        let written = written.filter(|(it, _)| ids.contains(&it.stream_id));
        let appended = written.map(|(it, row)| it.appended(self.kind, Some(row)));
        let appended = appended.collect();
        Ok(Stored { ids, appended })
    }
}

/// What was stored.
pub(crate) struct Stored {
    pub(crate) ids: HashSet<Uuid>,
    pub(crate) appended: Vec<Appended>,
}

impl Tx<'_> {
    /// Stores rows with their events; returns the ids of those that were stored.
    ///
    /// # Errors
    /// When nothing was stored, as a changed row shares a unique value with another, or a stream has the version already.
    pub async fn store_rows<D: Serialize>(
        &self,
        table: &RowTable,
        rows: &Rows<'_, D>,
    ) -> Result<HashSet<Uuid>> {
        let stored = table.store(self.transaction, rows).await?;
        self.appended.lock().extend(stored.appended);
        Ok(stored.ids)
    }
}
