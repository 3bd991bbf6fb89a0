//! The follower that registers deliveries: one row for each event and each handler that wants it, in the transaction of its
//! checkpoint. After the commit it sends hints to free processes; if these are lost, the rows are found in the table.

use std::sync::Arc;

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbBackend};
use serde::Serialize;

use super::{Handler, jobs::Jobs};
use crate::{
    Begin, DatabaseTransaction, Error, Event, Follower, Result,
    sql::{Dialect, execute},
};

/// The name of the follower that registers deliveries.
pub const DELIVERIES_FOLLOWER: &str = "deliveries";
/// The number of rows in one statement.
const BATCH_ROWS: usize = 1_000;

pub(super) struct Registration {
    pub(super) handlers: Vec<Arc<dyn Handler>>,
    pub(super) jobs: Arc<Jobs>,
}

/// A row as the database reads it from a single JSON parameter, so that the statement's text does not depend on the number of rows.
#[derive(Serialize)]
struct Row<'a> {
    handler: &'static str,
    position: u64,
    part: i16,
    stream: &'a str,
    /// The stream's id, as 32 hexadecimal digits.
    stream_id: String,
    r#type: &'a str,
}

impl Registration {
    fn wanted<'a>(
        &'a self,
        events: &'a [Arc<Event>],
    ) -> impl Iterator<Item = (&'static str, &'a Event)> {
        events.iter().flat_map(|event| {
            let wanting = self
                .handlers
                .iter()
                .filter(|handler| handler.wants(&event.stream, &event.event_type));
            wanting.map(|handler| (handler.name(), &**event))
        })
    }
}

impl Follower for Registration {
    fn name(&self) -> &'static str {
        DELIVERIES_FOLLOWER
    }

    /// Pruned events are no longer anybody's work.
    fn begins(&self) -> Begin {
        Begin::WithWhatIsLeft
    }

    /// Every kind of stream, as handlers also choose by type.
    fn wants(&self, _: &str) -> bool {
        true
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let rows: Vec<_> = self
                .wanted(events)
                .map(|(handler, event)| Row {
                    handler,
                    position: event.position,
                    part: event.part,
                    stream: &event.stream,
                    stream_id: event.stream_id.simple().to_string(),
                    r#type: &event.event_type,
                })
                .collect();
            let sql = insert(tx.get_database_backend());
            for rows in rows.chunks(BATCH_ROWS) {
                let rows = serde_json::to_string(rows).map_err(|source| Error::Malformed {
                    what: "deliveries",
                    source,
                })?;
                execute(tx, &sql, vec![rows.into()]).await?;
            }
            Ok(())
        })
    }

    fn committed(&self, events: &[Arc<Event>]) {
        let jobs: Vec<_> = self
            .wanted(events)
            .map(|(handler, event)| (handler, event.position))
            .collect();
        self.jobs.announce(jobs);
    }
}

fn insert(backend: DbBackend) -> String {
    let (values, rows) = backend.either(
        (
            "handler, position, part, stream, stream_id, type",
            "json_to_recordset($1::text::json) as row(handler text, position bigint, part smallint, stream text,
                 stream_id uuid, type text)",
        ),
        (
            "value ->> 'handler', value ->> 'position', value ->> 'part', value ->> 'stream',
             unhex(value ->> 'stream_id'), value ->> 'type'",
            "json_each($1)",
        ),
    );
    format!(
        "insert into delivery (handler, position, part, stream, stream_id, type, due_at)
         select {values}, {} from {rows} where true on conflict (handler, position) do nothing",
        backend.now()
    )
}
