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

/// An event as it is inserted. Postgres reads several from a single JSON parameter, so that the statement's text does not depend on
/// their number.
#[derive(Serialize)]
pub(super) struct Row {
    /// The place in the order of appending.
    number: usize,
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

/// `Row`s as a table.
pub(super) const RECORDSET: &str = "json_to_recordset($1::text::json) as row(
        number integer, event_id uuid, part smallint, stream_id uuid, version bigint, type text, schema_version smallint,
        data json, meta json, occurred_at timestamptz)";

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
        let sql = format!(
            "insert into event
                 (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
             select event_id, part, $2, stream_id, version, type, schema_version, data, meta, occurred_at
             from {RECORDSET} order by number"
        );
        let rows = rows_of(batch)?;
        self.insert(&sql, vec![to_json(&rows)?.into(), kind.into()])
            .await?;
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
    pub(super) fn new<D: Serialize>(number: usize, it: &Appending<'_, D>) -> Result<Self> {
        Ok(Self {
            number,
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
    let rows = events.iter().enumerate();
    rows.map(|(number, it)| Row::new(number, it)).collect()
}

/// Returns the rows as the JSON that `RECORDSET` reads.
pub(super) fn to_json(rows: &[Row]) -> Result<String> {
    serde_json::to_string(rows).map_err(malformed("event data"))
}

fn malformed(what: &'static str) -> impl Fn(serde_json::Error) -> Error {
    move |source| Error::Malformed { what, source }
}
