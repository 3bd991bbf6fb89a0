//! For the unit tests: made-up events, a log whose events the test hands on itself, and a log over a SQLite file of its own.

use std::{path::PathBuf, time::Duration};

use chrono::Utc;
use sea_orm::ConnectionTrait;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    Cursor, Database, DatabaseConfig, Event, EventLog, LogConfig, Meta, PARTS, Proof, Topic,
    read::Head,
};

/// The epoch of logs in tests, until a test begins another.
pub(crate) const EPOCH: u32 = 7;

/// Returns the head of a log at `position`, whose events `event` makes.
pub(crate) fn head(position: u64) -> Head {
    Head {
        epoch: EPOCH,
        position,
        pruned: 0,
        parts: [0; PARTS as usize],
        proof: proof(position),
    }
}

/// Returns the place behind the event at `position`, in the same log.
pub(crate) fn cursor(position: u64) -> Cursor {
    Cursor {
        epoch: head(position).epoch,
        position,
        proof: proof(position),
    }
}

/// Returns the proof of the event that `event` makes at `position`.
pub(crate) fn proof(position: u64) -> Option<Proof> {
    (position > 0).then(|| Proof::of(Uuid::from_u128(position.into())))
}

pub(crate) fn topic(kind: &'static str, id: u128) -> Topic {
    Topic {
        kind,
        id: Some(Uuid::from_u128(id)),
    }
}

pub(crate) fn event(position: u64, kind: &str, id: u128) -> Event {
    Event {
        position,
        previous: 0,
        event_id: Uuid::from_u128(position.into()),
        part: 0,
        stream: kind.to_owned(),
        stream_id: Uuid::from_u128(id),
        version: 1,
        event_type: "Happened".to_owned(),
        schema_version: 1,
        data: RawValue::from_string("{}".to_owned()).expect("JSON"),
        meta: Meta::default(),
        occurred_at: Utc::now(),
        follows: proof(position.saturating_sub(1)),
    }
}

pub(crate) fn config() -> LogConfig {
    LogConfig {
        redis_url: None,
        redis_ca: None,
        redis_prefix: "test".to_owned(),
        poll_interval: Duration::from_millis(20),
    }
}

/// Returns a log at `position` in which nothing happens except through the test.
pub(crate) fn quiet_log(database: Database, position: u64) -> EventLog {
    let (to_nobody, _) = mpsc::channel(1);
    EventLog::at(&head(position), database, config(), to_nobody).expect("no Redis to name")
}

/// A file for a database, removed with this value.
pub(crate) struct SqliteFile(PathBuf);

impl SqliteFile {
    pub(crate) async fn create() -> (Self, Database) {
        let path = std::env::temp_dir().join(format!("millrace-events-{}", Uuid::now_v7()));
        let config = DatabaseConfig {
            url: format!("sqlite://{}", path.display()),
            max_connections: 1,
            acquire_timeout: Duration::from_secs(10),
            patience: DatabaseConfig::PATIENCE,
        };
        let file = Self(path);
        let database = Database::connect(&config).await.expect("SQLite opens");
        for script in [
            include_str!("../../migration/src/sql/0001_event_log.sqlite.sql"),
            include_str!("../../migration/src/sql/0009_handlers.sqlite.sql"),
            include_str!("../../migration/src/sql/0011_retention.sqlite.sql"),
            include_str!("../../migration/src/sql/0015_follower_attempts.sqlite.sql"),
            include_str!("../../migration/src/sql/0017_proofs.sqlite.sql"),
        ] {
            let connection = database.writer();
            connection
                .execute_unprepared(script)
                .await
                .expect("the schema");
        }
        (file, database)
    }
}

impl Drop for SqliteFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            // The other two files exist only while the database is open.
            let _ = std::fs::remove_file(path);
        }
    }
}
