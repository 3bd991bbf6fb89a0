//! What a database and a Redis say of themselves, for operators who ask what is wrong: their versions, their clocks, and the settings that
//! decide whether they keep what they are given. It is read without the log, which may not be there. Called by `millrace doctor`.

use std::{collections::HashMap, path::Path, time::Duration};

use chrono::{DateTime, Utc};
use redis::{AsyncCommands, InfoDict, RedisResult};
use tokio::time::Instant;

use crate::{
    Database, Result, boxed,
    clock::AHEAD,
    connector::{ANSWER_TIME, Redis},
    sql::{Dialect, from_i64, query_as, query_one_as},
};

/// What a database says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatabaseFacts {
    /// How long it took to say so.
    pub took: Duration,
    /// The version, as the database writes it.
    pub version: String,
    /// The bytes that it takes on disk.
    pub bytes: u64,
    /// What only a server has to say.
    pub server: Option<ServerFacts>,
}

/// What a Postgres server says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerFacts {
    /// The major version.
    pub major: u32,
    /// How far its clock is ahead of this process's, in seconds.
    pub clock_ahead: f64,
    /// Whether it refuses to write: a standby, or set so.
    pub is_read_only: bool,
    /// The settings that durability depends on, by name.
    pub settings: HashMap<String, String>,
    /// The connections that are open, and how many there may be.
    pub connections: [u64; 2],
    /// How long the oldest open transaction has been open, in seconds.
    pub oldest_transaction: f64,
}

/// The newest events whose times are in the future, by the clock of the database.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AheadFacts {
    /// How many events were looked at, at most.
    pub of: u64,
    /// How many of them are more than 5 s ahead.
    pub events: u64,
    /// How far the farthest is ahead, in seconds.
    pub seconds: f64,
}

/// What a Redis says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RedisFacts {
    /// How long it took to say so.
    pub took: Duration,
    /// The version.
    pub version: String,
    /// How far its clock is ahead of this process's, in seconds.
    pub clock_ahead: f64,
    /// `master` or `slave`.
    pub role: String,
    /// What it does when its memory is full.
    pub policy: String,
    /// The bytes that it uses, and the most that it may use; 0 is no limit.
    pub memory: [u64; 2],
    /// Whether it accepts writes at the moment.
    pub is_writable: bool,
}

/// How many events are looked at for their times.
const NEWEST: u64 = 1_000;

/// The settings of Postgres without which an answered commit may be lost.
const DURABLE: &str = "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')";

const OF_SERVER: &str = "select current_setting('server_version_num')::bigint, extract(epoch from clock_timestamp())::float8, \
    pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on', \
    current_setting('max_connections')::bigint, (select count(*) from pg_stat_activity where backend_type = 'client backend'), \
    coalesce((select extract(epoch from clock_timestamp() - min(xact_start)) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()), 0)::float8";

impl Database {
    /// Asks the database about itself.
    ///
    /// # Errors
    /// When it does not answer.
    #[boxed]
    pub async fn examine(&self) -> Result<DatabaseFacts> {
        let backend = self.backend();
        let began = Instant::now();
        let version = backend.either(
            "select current_setting('server_version')",
            "select sqlite_version()",
        );
        let version = query_one_as(&self.reader, version, Vec::new()).await?;
        let took = began.elapsed();
        let bytes = backend.either(
            "select pg_database_size(current_database())",
            "select page_count * page_size from pragma_page_count(), pragma_page_size()",
        );
        let bytes = query_one_as(&self.reader, bytes, Vec::new()).await?;
        Ok(DatabaseFacts {
            took,
            version: version.unwrap_or_default(),
            bytes: from_i64(bytes.unwrap_or_default()),
            server: match backend.is_postgres() {
                true => Some(self.examine_server().await?),
                false => None,
            },
        })
    }

    /// Looks whether the newest events have times in the future.
    ///
    /// # Errors
    /// When the database does not answer.
    #[boxed]
    pub async fn examine_times(&self) -> Result<AheadFacts> {
        let (ahead, newest) = self.backend().either(
            (
                "extract(epoch from occurred_at - clock_timestamp())::float8",
                format!(
                    "(select inserted from event_position order by position desc limit {NEWEST}) p join event using (inserted)"
                ),
            ),
            (
                "(julianday(occurred_at) - julianday('now')) * 86400.0",
                format!("(select occurred_at from event order by inserted desc limit {NEWEST})"),
            ),
        );
        let sql = format!(
            "select count(*) as events, coalesce(max(ahead), 0.0) as seconds from (select {ahead} as ahead from {newest}) e where ahead > $1"
        );
        let values = vec![AHEAD.as_secs_f64().into()];
        let found: Option<(i64, f64)> = query_one_as(&self.reader, &sql, values).await?;
        let (events, seconds) = found.unwrap_or_default();
        Ok(AheadFacts {
            of: NEWEST,
            events: from_i64(events),
            seconds,
        })
    }

    async fn examine_server(&self) -> Result<ServerFacts> {
        let settings: Vec<(String, String)> = query_as(&self.reader, DURABLE, Vec::new()).await?;
        let asked = Utc::now();
        let read = query_one_as(&self.reader, OF_SERVER, Vec::new()).await?;
        let (version, clock, is_read_only, most, open, oldest): (i64, f64, bool, i64, i64, f64) =
            read.unwrap_or_default();
        Ok(ServerFacts {
            major: u32::try_from(version / 10_000).unwrap_or_default(),
            clock_ahead: clock - middle(asked),
            is_read_only,
            settings: settings.into_iter().collect(),
            connections: [from_i64(open), from_i64(most)],
            oldest_transaction: oldest,
        })
    }
}

/// Asks the Redis at this URL about itself; with TLS it trusts the authorities in the PEM file, if one is named.
///
/// # Errors
/// In words, when it does not answer, or refuses to.
#[boxed]
pub async fn examine_redis(
    url: &str,
    ca: Option<&Path>,
    prefix: &str,
) -> Result<RedisFacts, String> {
    let redis = Redis::new(url, ca, prefix).map_err(|error| error.to_string())?;
    let asked = ask_redis(&redis).await;
    asked.map_err(|error| error.to_string())
}

async fn ask_redis(redis: &Redis) -> RedisResult<RedisFacts> {
    let mut connection = redis.connect(ANSWER_TIME).await?;
    let began = Instant::now();
    let info: InfoDict = redis::cmd("INFO").query_async(&mut connection).await?;
    let took = began.elapsed();
    let asked = Utc::now();
    let (seconds, micros): (f64, f64) = redis::cmd("TIME").query_async(&mut connection).await?;
    let clock_ahead = seconds + micros / 1e6 - middle(asked);
    let key = format!("{}:doctor", redis.prefix());
    let written: RedisResult<()> = connection.set_ex(key, "", 1).await;
    let text = |name: &str| info.get::<String>(name).unwrap_or_default();
    let number = |name: &str| info.get::<u64>(name).unwrap_or_default();
    Ok(RedisFacts {
        took,
        version: text("redis_version"),
        clock_ahead,
        role: text("role"),
        policy: text("maxmemory_policy"),
        memory: [number("used_memory"), number("maxmemory")],
        is_writable: written.is_ok(),
    })
}

/// The time in the middle between a question and its answer, in seconds: half the way is as much as can be known of it.
fn middle(asked: DateTime<Utc>) -> f64 {
    let answered = Utc::now();
    let middle = asked + (answered - asked) / 2;
    middle.timestamp_micros() as f64 / 1e6
}
