//! Appends many events of one kind of stream in one statement, for imports and for followers that raise events. The rules are
//! those of a single append, at a fraction of the round trips. SQLite has no round trips, so its events are inserted one by one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{Appended, NewEvent, Tx};
use crate::{
    Error, Meta, Result, StreamKey, boxed, part_of,
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

/// An event as Postgres reads it from a single JSON parameter, so that the statement's text does not depend on the number of events.
#[derive(Serialize)]
struct Row {
    /// The place in the order of appending.
    number: usize,
    event_id: Uuid,
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
        self.insert(&sql, vec![json_rows(batch)?.into(), kind.into()])
            .await?;
        let appended = batch.iter().map(|it| it.appended(kind));
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

impl<D> Appending<'_, D> {
    pub(super) fn appended(&self, kind: &'static str) -> Appended {
        Appended {
            stream: StreamKey {
                kind,
                id: self.stream_id,
            },
            event_type: self.event.event_type,
            version: self.expected + 1,
            actor: self.meta.actor.clone(),
            receipt: self.meta.receipt.clone(),
        }
    }
}

/// Returns the events as the JSON that `RECORDSET` reads.
pub(super) fn json_rows<D: Serialize>(events: &[Appending<'_, D>]) -> Result<String> {
    let malformed = |what| move |source| Error::Malformed { what, source };
    let rows = events
        .iter()
        .enumerate()
        .map(|(number, it)| {
            Ok(Row {
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
        })
        .collect::<Result<Vec<_>>>()?;
    serde_json::to_string(&rows).map_err(malformed("event data"))
}
