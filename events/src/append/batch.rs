//! Appends many events of one kind of stream in one statement, for imports and for followers that raise events. The rules are
//! those of a single append, at a fraction of the round trips. SQLite has no round trips, so its events are inserted one by one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{Appended, NewEvent, Tx};
use crate::{
    Error, Event, Meta, Receipt, Result, StreamKey, boxed, part_of,
    sql::{Dialect, is_one_of, query_as},
    trace,
};

/// The number of events in one statement; a larger batch takes several.
const BATCH_EVENTS: usize = 1_000;

/// An event for `Tx::append_all`.
pub struct Appending<'a, D> {
    /// Its stream.
    pub stream_id: Uuid,
    /// The version of the stream before this event.
    pub expected: i64,
    /// The event.
    pub event: NewEvent<'a, D>,
    /// Who and what caused it.
    pub meta: &'a Meta,
}

/// An event as it is inserted.
pub(super) struct Row {
    pub(super) event_id: Uuid,
    part: i16,
    stream_id: Uuid,
    version: i64,
    r#type: &'static str,
    schema_version: i16,
    data: Box<RawValue>,
    meta: Box<RawValue>,
    occurred_at: DateTime<Utc>,
}

/// The columns of an event, and what of `row` goes into them if its kind is the first parameter.
pub(super) const COLUMNS: &str =
    "event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at";
pub(super) const VALUES: &str = "event_id, part, $1, stream_id, version, type, schema_version, data::json, meta::json, occurred_at";

/// Reads `arrays` as a table on Postgres, so that a statement's text does not depend on the number of events. They are the
/// parameters from the second on.
pub(super) const ROWS: &str =
    "unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::bigint[], $6::text[], $7::smallint[], $8::text[], $9::text[],
            $10::timestamptz[]) with ordinality
     as row(event_id, part, stream_id, version, type, schema_version, data, meta, occurred_at, number)";

impl Tx<'_> {
    /// Appends the events in this order, all or none.
    ///
    /// # Errors
    /// `VersionConflict` when one of the streams already has the version.
    pub async fn append_all<D: Serialize>(
        &self,
        kind: &'static str,
        events: Vec<Appending<'_, D>>,
    ) -> Result<()> {
        if !self.transaction.get_database_backend().is_postgres() {
            for Appending {
                stream_id: id,
                expected,
                event,
                meta,
            } in events
            {
                self.append(StreamKey { kind, id }, expected, event, meta)
                    .await?;
            }
            return Ok(());
        }
        for batch in events.chunks(BATCH_EVENTS) {
            self.insert_postgres(kind, batch).await?;
        }
        Ok(())
    }

    async fn insert_postgres<D: Serialize>(
        &self,
        kind: &'static str,
        batch: &[Appending<'_, D>],
    ) -> Result<()> {
        let sql =
            format!("insert into event ({COLUMNS}) select {VALUES} from {ROWS} order by number");
        let rows = rows_of(batch)?;
        let mut values = vec![kind.into()];
        values.extend(arrays(&rows));
        let mut span = trace::detail("append");
        span.set("millrace.events", batch.len());
        span.scope(self.insert(&sql, values)).await?;
        drop(span);
        let appended = batch.iter().zip(rows);
        let appended = appended.map(|(it, row)| it.appended(kind, Some(row)));
        self.appended.lock().extend(appended);
        Ok(())
    }

    /// Returns the last version of each of these streams, leaving out those that have none.
    #[boxed]
    pub async fn last_versions(&self, kind: &str, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let backend = self.transaction.get_database_backend();
        let mut values = vec![kind.into()];
        let sql = format!(
            "select stream_id, max(version) as version from event where stream = $1 and {} group by stream_id",
            is_one_of(backend, "stream_id", ids, &mut values)
        );
        let versions: Vec<(Uuid, i64)> = query_as(self.transaction, &sql, values).await?;
        Ok(versions.into_iter().collect())
    }
}

impl<D: Serialize> Appending<'_, D> {
    /// Returns what the process remembers of the event. Its row is given where the event has no position yet.
    pub(super) fn appended(&self, kind: &'static str, row: Option<Row>) -> Appended {
        let stream = StreamKey {
            kind,
            id: self.stream_id,
        };
        Appended {
            stream,
            event_type: self.event.event_type,
            version: self.expected + 1,
            actor: self.meta.actor.clone(),
            receipt: self.meta.receipt.clone(),
            event: row.map(|row| row.into_event(stream, self.meta)),
        }
    }
}

impl Row {
    pub(super) fn new<D: Serialize>(it: &Appending<'_, D>) -> Result<Self> {
        Ok(Self {
            event_id: Uuid::now_v7(),
            part: part_of(it.stream_id),
            stream_id: it.stream_id,
            version: it.expected + 1,
            r#type: it.event.event_type,
            schema_version: it.event.schema_version,
            data: to_raw_value(it.event.data).map_err(malformed("event data"))?,
            meta: to_raw_value(it.meta).map_err(malformed("event meta"))?,
            occurred_at: it.event.occurred_at,
        })
    }

    /// Returns the parameters of a statement that inserts this event alone.
    pub(super) fn values(&self, kind: &str) -> Vec<Value> {
        vec![
            self.event_id.into(),
            self.part.into(),
            kind.into(),
            self.stream_id.into(),
            self.version.into(),
            self.r#type.into(),
            self.schema_version.into(),
            self.data.get().into(),
            self.meta.get().into(),
            self.occurred_at.into(),
        ]
    }

    fn into_event(self, stream: StreamKey, meta: &Meta) -> Event {
        Event {
            position: 0,
            previous: 0,
            event_id: self.event_id,
            part: self.part,
            stream: stream.kind.to_owned(),
            stream_id: stream.id,
            version: self.version,
            event_type: self.r#type.to_owned(),
            schema_version: self.schema_version,
            data: self.data,
            meta: Meta {
                receipt: Receipt::default(),
                ..meta.clone()
            },
            occurred_at: self.occurred_at,
            follows: None,
        }
    }
}

pub(super) fn rows_of<D: Serialize>(events: &[Appending<'_, D>]) -> Result<Vec<Row>> {
    events.iter().map(Row::new).collect()
}

/// Returns the rows column by column, as `ROWS` reads them.
pub(super) fn arrays(rows: &[Row]) -> [Value; 9] {
    fn array<T>(rows: &[Row], column: impl Fn(&Row) -> T) -> Value
    where
        Vec<T>: Into<Value>,
    {
        rows.iter().map(column).collect::<Vec<_>>().into()
    }
    [
        array(rows, |row| row.event_id),
        array(rows, |row| row.part),
        array(rows, |row| row.stream_id),
        array(rows, |row| row.version),
        array(rows, |row| row.r#type.to_owned()),
        array(rows, |row| row.schema_version),
        array(rows, |row| row.data.get().to_owned()),
        array(rows, |row| row.meta.get().to_owned()),
        array(rows, |row| row.occurred_at),
    ]
}

fn malformed(what: &'static str) -> impl Fn(serde_json::Error) -> Error {
    move |source| Error::Malformed { what, source }
}
