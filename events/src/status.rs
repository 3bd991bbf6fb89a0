//! The state of the workers, for their operators: followers with their leases, checkpoints and lag; handlers with their backlog,
//! breakers and pauses. All of it is computed in the database, by its clock; Redis and the clocks of processes have no say. The
//! cost of a look is bounded, however large a lag is: a lag that is not counted to its end is marked as an estimate. Called by
//! the operations of `entities`.

mod followers;
mod handlers;
mod measured;

use std::time::Duration;
use tokio::time::{Instant, timeout};

use crate::{
    BreakerStatus, DatabaseConnection, EventLog, Pause, Result, boxed, read, read_breakers,
    read_pauses,
};
pub use followers::{FollowerStatus, Member, PartStatus};
pub use handlers::DeliveryCounts;
pub use measured::{Beginning, Sizes, TableSize};

/// The bound on counts of one kind of row; higher counts are reported as this number.
pub const MOST_COUNTED: u64 = 10_000;
/// How long a part of the system may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How far a consumer is behind the log.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lag {
    /// Events that it has yet to apply.
    pub events: u64,
    /// The age of the first of them, in seconds; 0 when there are none.
    pub seconds: f64,
    /// Whether there are too many events to count, so that the numbers are approximate.
    pub is_estimate: bool,
}

/// The state of all workers at one moment.
#[derive(Debug, Clone, Default)]
pub struct WorkersStatus {
    /// The followers, by name.
    pub followers: Vec<FollowerStatus>,
    /// The handlers, by name.
    pub handlers: Vec<DeliveryCounts>,
    /// The breakers of all processes.
    pub breakers: Vec<BreakerStatus>,
    /// The current pauses.
    pub pauses: Vec<Pause>,
}

impl WorkersStatus {
    /// Reads the state, in one transaction: each process with metrics does it all the time. Followers and handlers that have left no
    /// trace yet are passed by name.
    #[boxed]
    pub async fn read(
        database: &DatabaseConnection,
        followers: &[&str],
        handlers: &[&str],
    ) -> Result<Self> {
        let tx = database.begin().await?;
        let status = Self {
            followers: followers::read_followers(&tx, followers).await?,
            handlers: handlers::read_deliveries(&tx, handlers).await?,
            breakers: read_breakers(&tx).await?,
            pauses: read_pauses(&tx).await?,
        };
        tx.commit().await?;
        Ok(status)
    }

    /// Returns whether somebody who has seen `other` learns something new: leases renewed in time do not count.
    pub fn differs_from(&self, other: &Self) -> bool {
        let breakers = |status: &Self| -> Vec<_> {
            let known = status.breakers.iter();
            known
                .map(|it| {
                    (
                        it.dependency.clone(),
                        it.owner.clone(),
                        it.state,
                        it.failures,
                    )
                })
                .collect()
        };
        let pauses = |status: &Self| -> Vec<_> {
            let paused = status.pauses.iter();
            paused.map(|it| (it.name.clone(), it.paused_at)).collect()
        };
        let followers = |status: &Self| -> Vec<_> {
            let known = status.followers.iter();
            known.map(FollowerStatus::without_renewals).collect()
        };
        self.handlers != other.handlers
            || pauses(self) != pauses(other)
            || breakers(self) != breakers(other)
            || followers(self) != followers(other)
    }
}

/// The answer of a part of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Whether it answered in time.
    pub is_up: bool,
    /// How long the answer took.
    pub took: Duration,
}

/// What the process asked can reach.
#[derive(Debug, Clone)]
pub struct LogHealth {
    /// The database.
    pub database: Answered,
    /// Redis, if there is one: whether it answers, and accepts the events that it is sent.
    pub redis: Option<Answered>,
    /// The last position that this process has relayed to Redis, if there is one.
    pub relayed: Option<u64>,
    /// The last position in the database; `None` when it cannot be read.
    pub head: Option<u64>,
    /// The last position that this process has handed on.
    pub position: u64,
    /// How long ago events that this process has not seen yet may have been committed.
    pub age: Duration,
}

impl EventLog {
    /// Checks whether the dependencies of this process are there. It never fails, and takes a bounded time.
    #[boxed]
    pub async fn health(&self) -> LogHealth {
        let began = Instant::now();
        let reader = &self.database().reader;
        let head = timeout(ANSWER_LIMIT, read::read_head(reader)).await;
        let head = head.ok().and_then(Result::ok);
        let database = Answered {
            is_up: head.is_some(),
            took: began.elapsed(),
        };
        let redis = match self.shared_store().filter(|_| self.has_redis()) {
            Some(store) => {
                let began = Instant::now();
                let is_up = store.is_up().await && !self.shared.relayed.is_refused();
                let took = began.elapsed();
                Some(Answered { is_up, took })
            }
            None => None,
        };
        LogHealth {
            database,
            redis,
            relayed: redis.map(|_| self.shared.relayed.position()),
            head: head.map(|head| head.position),
            position: self.tail().position(),
            age: self.shared.currency.age(),
        }
    }

    fn has_redis(&self) -> bool {
        self.shared.config.redis_url.is_some()
    }
}

#[cfg(test)]
mod tests;
