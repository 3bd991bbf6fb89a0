//! The rig's read access to the database: on connections of its own, past the proxy, read-only, and with patience, since the
//! database may just have come back. It also keeps the log read so far.

use std::time::{Duration, Instant};

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, Statement, TransactionTrait,
};

use crate::database::{LogEntry, entry};
use crate::waiting::SOON;

const RETRY_DELAY: Duration = Duration::from_millis(100);

pub struct Sight {
    pub database: DatabaseConnection,
}

/// The end of the log, and of each of its parts.
pub struct Head {
    pub position: u64,
    parts: String,
}

fn statement(sql: impl Into<String>) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql.into())
}

impl Sight {
    pub fn new(database: DatabaseConnection) -> Self {
        Self { database }
    }

    /// Returns the rows of a query, once the database answers.
    pub async fn rows(&self, sql: &str) -> Result<Vec<QueryResult>, String> {
        let started = Instant::now();
        loop {
            match self.database.query_all_raw(statement(sql)).await {
                Ok(rows) => return Ok(rows),
                Err(error) if started.elapsed() > SOON => return Err(error.to_string()),
                Err(_) => tokio::time::sleep(RETRY_DELAY).await,
            }
        }
    }

    /// Returns the single value, named `number`, that a query selects; 0 if it selects nothing.
    pub async fn number(&self, sql: &str) -> Result<u64, String> {
        let rows = self.rows(sql).await?;
        let Some(row) = rows.first() else {
            return Ok(0);
        };
        let number = row.try_get::<i64>("", "number");
        number.map(i64::unsigned_abs).map_err(text)
    }

    /// Returns the single value, named `text`, that a query selects.
    pub async fn text(&self, sql: &str) -> Result<String, String> {
        let rows = self.rows(sql).await?;
        let row = rows.first().ok_or("no row")?;
        row.try_get("", "text").map_err(text)
    }

    /// Returns the events after a position, without their data.
    pub async fn log_after(&self, position: u64) -> Result<Vec<LogEntry>, String> {
        let sql = format!(
            "select e.stream, replace(e.stream_id::text, '-', '') as id, e.version, e.type, p.position, \
             e.occurred_at::text as occurred_at, 'null' as data, e.meta::text as meta from event_position p join event e using (inserted) \
             where p.position > {position} order by p.position"
        );
        let rows = self.rows(&sql).await?;
        Ok(rows.iter().map(entry).collect())
    }

    /// Returns the head, once every event that is committed now has its position.
    pub async fn head(&self, within: Duration) -> Result<Head, String> {
        let newest = self
            .number("select coalesce(max(inserted), 0) as number from event")
            .await?;
        let unnumbered = format!(
            "select count(*) as number from event e left join event_position p using (inserted) \
             where p.inserted is null and e.inserted <= {newest}"
        );
        self.await_none(&unnumbered, within, "events without a position")
            .await?;
        let sql = "select position, part_positions::text as parts from log_head";
        let rows = self.rows(sql).await?;
        let row = rows.first().ok_or("no head")?;
        let position: i64 = row.try_get("", "position").map_err(text)?;
        Ok(Head {
            position: position.unsigned_abs(),
            parts: row.try_get("", "parts").map_err(text)?,
        })
    }

    /// Waits until all followers have applied every event up to this head.
    pub async fn await_followers(&self, head: &Head, within: Duration) -> Result<(), String> {
        let behind = format!(
            "select count(*) as number from checkpoint k where k.position < ('{}'::bigint[])[k.part + 1]",
            head.parts
        );
        self.await_none(&behind, within, "checkpoints behind the log")
            .await
    }

    /// Waits until all handlers have handled every event up to this head; dead letters count as handled.
    pub async fn await_handlers(&self, head: &Head, within: Duration) -> Result<(), String> {
        let open = format!(
            "select count(*) as number from delivery where state in ('waiting', 'running') \
             and position <= {}",
            head.position
        );
        self.await_none(&open, within, "deliveries to be handled")
            .await
    }

    /// Waits until a query counts 0.
    pub async fn await_none(&self, sql: &str, within: Duration, what: &str) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let number = self.number(sql).await?;
            if number == 0 {
                return Ok(());
            }
            if started.elapsed() > within {
                return Err(format!("after {within:?} there are {number} {what}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the names of the queries that do not count 0, all in one snapshot. It changes nothing.
    pub async fn disagreements(
        &self,
        checks: &[(&'static str, String)],
    ) -> Result<Vec<String>, String> {
        let started = Instant::now();
        loop {
            match self.look(checks).await {
                Ok(found) => return Ok(found),
                Err(error) if started.elapsed() > SOON => return Err(error.to_string()),
                Err(_) => tokio::time::sleep(RETRY_DELAY).await,
            }
        }
    }

    async fn look(&self, checks: &[(&'static str, String)]) -> Result<Vec<String>, DbErr> {
        let tx: DatabaseTransaction = self
            .database
            .begin_with_config(
                Some(IsolationLevel::RepeatableRead),
                Some(AccessMode::ReadOnly),
            )
            .await?;
        let mut found = Vec::new();
        for (name, sql) in checks {
            let row = tx.query_one_raw(statement(sql.as_str())).await?;
            let number: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
            if number != 0 {
                found.push(format!("{name}: {number} rows disagree"));
            }
        }
        tx.rollback().await?;
        Ok(found)
    }
}

fn text(error: DbErr) -> String {
    error.to_string()
}
