//! What operators see and change of the workers: which consumers are paused, and which breakers are open. A pause is a row that
//! every process reads within `PAUSES_KEPT` of the event that comes with it. A paused follower keeps its leases and applies nothing;
//! a paused handler claims nothing and finishes its running attempts. Called by the domains' operations.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use tokio::sync::Mutex;

use crate::{
    Database, Result, clock,
    sql::{Dialect, execute, from_i64, query, query_one_as},
};

/// How old a process's knowledge of pauses may be when events have come since, and when none have.
const PAUSES_KEPT: Duration = Duration::from_millis(500);
const PAUSES_KEPT_IN_CALM: Duration = Duration::from_secs(10);
/// A process that has not reported its breakers for this long is taken for gone.
const BREAKERS_KEPT_SECONDS: f64 = 60.0;

/// A paused follower or handler.
#[derive(Debug, Clone)]
pub struct Pause {
    /// The name of the follower or the handler.
    pub name: String,
    /// When it was paused.
    pub paused_at: DateTime<Utc>,
    /// Who paused it.
    pub actor: String,
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One delivery, to see whether the dependency is back.
    HalfOpen,
}

impl BreakerState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The breaker of one dependency in one process.
#[derive(Debug, Clone)]
pub struct BreakerStatus {
    /// The dependency of the handlers.
    pub dependency: String,
    /// The name of the process.
    pub owner: String,
    /// What it lets through.
    pub state: BreakerState,
    /// When it entered this state.
    pub since: DateTime<Utc>,
    /// The number of failures in a row.
    pub failures: u32,
    /// The text of the last failure.
    pub error: Option<String>,
    /// When the process last reported.
    pub seen_at: DateTime<Utc>,
}

/// Pauses a follower or a handler; returns false when it was paused already. Joins the caller's transaction, if there is one.
pub async fn pause(connection: &impl ConnectionTrait, name: &str, actor: &str) -> Result<bool> {
    let now = connection.get_database_backend().now();
    let sql = format!(
        "insert into worker_pause (name, paused_at, actor) values ($1, {now}, $2) on conflict (name) do nothing"
    );
    let rows = execute(connection, &sql, vec![name.into(), actor.into()]).await?;
    Ok(rows == 1)
}

/// Resumes a follower or a handler; returns false when it was not paused.
pub async fn resume(connection: &impl ConnectionTrait, name: &str) -> Result<bool> {
    let sql = "delete from worker_pause where name = $1";
    Ok(execute(connection, sql, vec![name.into()]).await? == 1)
}

/// Returns all pauses, by name.
pub async fn read_pauses(connection: &impl ConnectionTrait) -> Result<Vec<Pause>> {
    let paused_at = connection.get_database_backend().seconds("paused_at");
    let sql =
        format!("select name, {paused_at} as paused_at, actor from worker_pause order by name");
    let pause = |row: &QueryResult| {
        Ok(Pause {
            name: row.try_get("", "name")?,
            paused_at: clock::read_time(row, "paused_at")?.unwrap_or_default(),
            actor: row.try_get("", "actor")?,
        })
    };
    let rows = query(connection, &sql, Vec::new()).await?;
    rows.iter().map(pause).collect()
}

/// Returns the breakers of the running processes, by dependency.
pub async fn read_breakers(connection: &impl ConnectionTrait) -> Result<Vec<BreakerStatus>> {
    let backend = connection.get_database_backend();
    let sql = format!(
        "select dependency, owner, state, {} as since, failures, error, {} as seen_at from worker_breaker
         where seen_at > {} order by dependency, owner",
        backend.seconds("since"),
        backend.seconds("seen_at"),
        backend.now_plus(1),
    );
    let breaker = |row: &QueryResult| {
        let state: String = row.try_get("", "state")?;
        Ok(BreakerStatus {
            dependency: row.try_get("", "dependency")?,
            owner: row.try_get("", "owner")?,
            state: match state.as_str() {
                "closed" => BreakerState::Closed,
                "half_open" => BreakerState::HalfOpen,
                _ => BreakerState::Open,
            },
            since: clock::read_time(row, "since")?.unwrap_or_default(),
            failures: row.try_get::<i32>("", "failures")?.unsigned_abs(),
            error: row.try_get("", "error")?,
            seen_at: clock::read_time(row, "seen_at")?.unwrap_or_default(),
        })
    };
    let rows = query(connection, &sql, vec![(-BREAKERS_KEPT_SECONDS).into()]).await?;
    rows.iter().map(breaker).collect()
}

/// Returns the first position whose event a delivery or a dead letter still needs. The log must not be pruned past it.
pub async fn first_needed_position(connection: &impl ConnectionTrait) -> Result<Option<u64>> {
    let sql = "select min(position) as position from (
                   select min(position) as position from delivery where state = 'waiting'
                   union all select min(position) from delivery where state = 'running'
                   union all select min(position) from dead_letter) needed";
    let first: Option<Option<i64>> = query_one_as(connection, sql, Vec::new()).await?;
    Ok(first.flatten().map(from_i64))
}

/// The pauses as this process knows them. Asked before work is taken.
#[derive(Default)]
pub(crate) struct Pauses(Mutex<Option<Known>>);

/// The names of what is paused, read when the tail was at this position.
struct Known {
    at: Instant,
    position: u64,
    names: HashSet<String>,
}

impl Pauses {
    /// Returns whether this is paused, as far as the events up to `position` tell.
    pub(crate) async fn contain(
        &self,
        database: &Database,
        position: u64,
        name: &str,
    ) -> Result<bool> {
        let mut known = self.0.lock().await;
        if let Some(known) = &*known {
            let kept = match known.position == position {
                true => PAUSES_KEPT_IN_CALM,
                false => PAUSES_KEPT,
            };
            if known.at.elapsed() < kept {
                return Ok(known.names.contains(name));
            }
        }
        let at = Instant::now();
        let pauses = read_pauses(&database.background).await?;
        let names: HashSet<_> = pauses.into_iter().map(|pause| pause.name).collect();
        let contains = names.contains(name);
        *known = Some(Known {
            at,
            position,
            names,
        });
        Ok(contains)
    }
}
