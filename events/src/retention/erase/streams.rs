//! Copies of events outside of the tables. Redis's streams are dropped: they are expendable, and whoever relays next fills
//! them up from the log, which is redacted. SQLite keeps what was written in its write-ahead log until that is emptied into
//! the file, which overwrites what was deleted (`secure_delete`).

use std::time::Duration;

use redis::{AsyncConnectionConfig, AsyncTypedCommands, Client};
use sea_orm::DbBackend;

use crate::{EventLog, PARTS, bus::stream_key, control::query};

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn drop_copies(log: &EventLog) -> Result<(), Failure> {
    if let Some(url) = &log.shared.config.redis_url {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(10)));
        let mut connection = Client::open(url.as_str())?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let epoch = log.tail().epoch();
        for part in 0..PARTS {
            connection.del(stream_key(log, epoch, part)).await?;
        }
    }
    if log.database().backend() == DbBackend::Sqlite {
        let sql = "pragma wal_checkpoint(truncate)";
        let rows = query(log.database().background_writer(), sql, Vec::new()).await?;
        let is_busy = rows.first().map(|row| row.try_get_by_index::<i32>(0));
        if is_busy.transpose()? != Some(0) {
            return Err("the database is being read".into());
        }
    }
    Ok(())
}
