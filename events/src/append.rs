//! Append: the only way into the log, and only inside the transaction that changes the state, so that neither exists without the
//! other. The unique key (stream_id, version, stream) is the optimistic lock: when two writers saw the same version, one gets
//! `VersionConflict` and leaves nothing behind. Called by the commands of the domains.

mod batch;
mod rows;

use std::ops::Deref;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    DatabaseTransaction, Error, Event, Meta, Receipt, Result, StreamKey, Written,
    sql::{Dialect, execute},
    trace,
};
pub use batch::Appending;
use batch::Row;
pub use rows::{RowTable, Rows};

/// An event to append.
#[derive(Debug)]
pub struct NewEvent<'a, D> {
    /// What happened, such as `CustomerCreated`.
    pub event_type: &'static str,
    /// The version of the schema of `data`.
    pub schema_version: i16,
    /// The payload.
    pub data: &'a D,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// An event that exists if its transaction commits.
pub(crate) struct Appended {
    pub(crate) stream: StreamKey,
    pub(crate) event_type: &'static str,
    version: i64,
    actor: String,
    receipt: Receipt,
    /// The event without a position, on Postgres. SQLite has given it one.
    pub(crate) event: Option<Event>,
}

impl Appended {
    /// Records in the request's receipt that the request wrote this event.
    pub(crate) fn acknowledge(&self) {
        self.receipt.record(self.written(), self.actor.clone());
    }

    fn written(&self) -> Written {
        Written {
            kind: self.stream.kind.to_owned(),
            stream_id: self.stream.id,
            version: self.version,
        }
    }
}

/// A transaction that can append. It remembers the events it appended, for observers that are told at the commit.
pub struct Tx<'tx> {
    transaction: &'tx DatabaseTransaction,
    appended: &'tx Mutex<Vec<Appended>>,
}

impl<'tx> Tx<'tx> {
    pub(crate) fn new(
        transaction: &'tx DatabaseTransaction,
        appended: &'tx Mutex<Vec<Appended>>,
    ) -> Self {
        Self {
            transaction,
            appended,
        }
    }

    /// Returns the last event appended so far.
    pub fn last_written(&self) -> Option<Written> {
        let appended = self.appended.lock();
        appended.last().map(Appended::written)
    }

    /// Appends `event` as version `expected + 1` of `stream`.
    ///
    /// # Errors
    /// `VersionConflict` when the stream already has that version.
    pub async fn append<D: Serialize>(
        &self,
        stream: StreamKey,
        expected: i64,
        event: NewEvent<'_, D>,
        meta: &Meta,
    ) -> Result<()> {
        self.append_event(stream, expected, event, meta).await?;
        Ok(())
    }

    /// Appends `event` like `append`, and returns the event's id.
    ///
    /// # Errors
    /// `VersionConflict` when the stream already has that version.
    pub async fn append_event<D: Serialize>(
        &self,
        stream: StreamKey,
        expected: i64,
        event: NewEvent<'_, D>,
        meta: &Meta,
    ) -> Result<Uuid> {
        let event = Appending {
            stream_id: stream.id,
            expected,
            event,
            meta,
        };
        let row = Row::new(&event)?;
        let event_id = row.event_id;
        let backend = self.transaction.get_database_backend();
        let sql = backend.either(INSERT_POSTGRES, INSERT_SQLITE);
        let mut span = trace::detail("append");
        span.set("millrace.event.type", event.event.event_type);
        let inserting = self.insert(sql, row.values(stream.kind));
        span.scope(inserting).await?;
        drop(span);
        let appended = event.appended(stream.kind, backend.is_postgres().then_some(row));
        self.appended.lock().push(appended);
        Ok(event_id)
    }
}

impl Tx<'_> {
    async fn insert(&self, sql: &str, values: Vec<Value>) -> Result<()> {
        match execute(self.transaction, sql, values).await {
            Err(error) if error.unique_violation().is_some() => Err(Error::VersionConflict),
            result => result.map(|_| ()),
        }
    }
}

impl Deref for Tx<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        self.transaction
    }
}

const INSERT_POSTGRES: &str = "insert into event
    (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8::text::json, $9::text::json, $10)";

/// The last value is the last position in the part, even if that event was pruned. With a single writer it cannot change before
/// the commit.
const INSERT_SQLITE: &str = "insert into event
    (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at, previous)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
            max(coalesce((select max(inserted) from event where part = ?2), 0),
                coalesce((select position from pruned_part where part = ?2), 0)))";
