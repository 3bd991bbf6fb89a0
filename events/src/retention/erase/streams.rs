//! Copies of events outside of the tables. Redis's streams are dropped: they are expendable, and the next relay refills them from
//! the log, which is redacted. SQLite keeps written data in its write-ahead log until that is emptied into the file, which
//! overwrites deleted data (`secure_delete`).

use std::time::Duration;

use redis::{AsyncTypedCommands, RedisResult};

use crate::{
    EventLog, PARTS,
    bus::{self, stream_key},
    connector::Connection,
};

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
        for stream in streams(&mut connection, bus::prefix(log)).await? {
            connection.del(stream).await?;
        }
    }
    if log.database().is_embedded() && !log.database().empty_write_ahead_log().await? {
        return Err("the database is being read".into());
    }
    Ok(())
}

/// Returns all streams that are there, of whatever epoch: those of one that has ended stay for a day.
async fn streams(connection: &mut Connection, prefix: &str) -> RedisResult<Vec<String>> {
    let pattern = format!("{}:{{????????}}:part:*", escaped(prefix));
    let (mut cursor, mut found) = (0_u64, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern);
        scan.arg("COUNT").arg(1_000);
        let (next, streams): (u64, Vec<String>) = scan.query_async(connection).await?;
        found.extend(streams);
        cursor = next;
        if cursor == 0 {
            return Ok(found);
        }
    }
}

/// Returns the pattern that matches this text alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
