//! The events of one stream by version, without their positions in the log: what a fold needs, and no more. A command reads them
//! in its transaction; a query reads committed ones.

use sea_orm::{ConnectionTrait, DbBackend, Value};

use crate::{
    EventLog, HistoryPage, Result, StreamKey, Tx, boxed,
    read::from_row,
    sql::{Dialect, query},
};

fn columns(backend: DbBackend) -> &'static str {
    backend.either(
            "cast(0 as bigint) as position, cast(0 as bigint) as previous, event_id, part, stream, stream_id, version,
             type, schema_version, data::text as data, meta::text as meta, occurred_at",
            "0 as position, 0 as previous, event_id, part, stream, stream_id, version, type, schema_version, data, meta,
             occurred_at",
    )
}

async fn read_versions(
    connection: &impl ConnectionTrait,
    stream: StreamKey,
    after_version: i64,
    limit: u64,
) -> Result<HistoryPage> {
    let backend = connection.get_database_backend();
    let sql = format!(
        "select {} from event where stream_id = $1 and stream = $2 and version > $3 order by version limit {}",
        columns(backend),
        limit + 1
    );
    let values: Vec<Value> = vec![stream.id.into(), stream.kind.into(), after_version.into()];
    let rows = query(connection, &sql, values).await?;
    let mut events = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    let has_more = events.len() as u64 > limit;
    events.truncate(limit as usize);
    Ok(HistoryPage {
        events,
        has_more,
        first_version: None,
    })
}

impl Tx<'_> {
    /// Returns at most `limit` events of one stream after `after_version`, oldest first, as the transaction sees them. Their
    /// positions are 0.
    #[boxed]
    pub async fn read_versions(
        &self,
        stream: StreamKey,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage> {
        read_versions(&**self, stream, after_version, limit).await
    }
}

impl EventLog {
    /// Returns at most `limit` committed events of one stream after `after_version`, oldest first. Their positions are 0.
    #[boxed]
    pub async fn read_versions(
        &self,
        stream: StreamKey,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage> {
        read_versions(&self.database().reader, stream, after_version, limit).await
    }
}
