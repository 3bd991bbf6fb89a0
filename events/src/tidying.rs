//! Removes rows that nobody needs any more, a thousand in a statement: nobody waits for it for long, and what an interruption leaves is removed
//! the next time. After days without workers there may be millions, which one statement could not delete within its time limit. How
//! old something is, the clock of the database says: a process whose clock is ahead must not remove what is fresh.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::Value;

use crate::{
    Database, Result, boxed, clock,
    sql::{Dialect, execute, query_one},
};

const AT_ONCE: u64 = 1_000;

impl Database {
    /// Returns the time that was this long ago, by the database's clock.
    pub async fn time_before(&self, age: Duration) -> Result<DateTime<Utc>> {
        let backend = self.backend();
        let sql = format!("select {} as now", backend.seconds(&backend.now()));
        let row = query_one(&self.background, &sql, Vec::new()).await?;
        let now = row.as_ref().map(|row| clock::read_time(row, "now"));
        // Without an answer nothing is old.
        Ok(now.transpose()?.flatten().unwrap_or_default() - age)
    }

    /// Deletes the rows of a table that meet a condition on them, whose parameters have these values. `key` are the columns by which
    /// a row is found. Returns how many there were.
    #[boxed]
    pub async fn remove_rows(
        &self,
        (table, key): (&'static str, &'static str),
        condition: &str,
        values: Vec<Value>,
    ) -> Result<u64> {
        let sql = format!(
            "delete from {table} where ({key}) in (select {key} from {table} where {condition} limit {AT_ONCE})"
        );
        let mut removed = 0;
        loop {
            let rows = execute(self.background_writer(), &sql, values.clone()).await?;
            removed += rows;
            if rows < AT_ONCE {
                return Ok(removed);
            }
        }
    }
}

/// Removes deliveries that ended before this age, and what processes that did have said of themselves: their breakers, and that they ran
/// followers, which nobody else may run any more. Returns the number of deliveries.
#[boxed]
pub async fn remove_ended_deliveries(database: &Database, age: Duration) -> Result<u64> {
    let before = database.backend().now_plus(1);
    let values = vec![Value::from(-age.as_secs_f64())];
    let seen = format!("seen_at < {before}");
    for of_processes in [
        ("worker_breaker", "dependency, owner"),
        ("follower_member", "follower, owner"),
    ] {
        database
            .remove_rows(of_processes, &seen, values.clone())
            .await?;
    }
    let ended = format!("state in ('done', 'discarded') and last_at < {before}");
    let deliveries = ("delivery", "handler, position");
    database.remove_rows(deliveries, &ended, values).await
}
