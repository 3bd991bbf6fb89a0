//! Copies of events outside of the tables. Redis's streams are dropped: they are expendable, and the next relay refills them from
//! the log, which is redacted. SQLite keeps written data in its write-ahead log until that is emptied into the file, which
//! overwrites deleted data (`secure_delete`).

use std::time::Duration;

use redis::AsyncTypedCommands;

use crate::{EventLog, PARTS, bus::stream_key, sql::query_one_as};

/// How long Redis may take to drop a stream.
const DROP_TIME: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn drop_copies(log: &EventLog) -> Result<(), Failure> {
    if let Some(redis) = &log.shared.redis {
        let mut connection = redis.connect(DROP_TIME).await?;
        let epoch = log.tail().epoch();
        for part in 0..PARTS {
            connection.del(stream_key(log, epoch, part)).await?;
        }
    }
    if log.database().is_embedded() {
        let sql = "pragma wal_checkpoint(truncate)";
        let writer = log.database().background_writer();
        let is_busy: Option<i32> = query_one_as(writer, sql, Vec::new()).await?;
        if is_busy != Some(0) {
            return Err("the database is being read".into());
        }
    }
    Ok(())
}
