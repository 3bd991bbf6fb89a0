//! Handlers: competing consumers of events, for slow or outward work. Each event that a handler wants is handled to completion
//! once, by whichever process is free, in no particular order, however long it takes. The database is the source of truth, and
//! Redis only gives hints. The guarantees, and the reasons for them, are listed at `Handler`.

mod attempt;
mod breaker;
mod consumer;
mod deliveries;
mod jobs;
mod registration;
mod report;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;

pub use registration::DELIVERIES_FOLLOWER;
pub use worker::run_handlers;

use crate::{Error, Event, Result, Tx, backoff::pause_after, error::error_chain};

/// Reacts to events. A new handler receives events from the moment when all processes that run handlers know it.
///
/// The argument:
/// - *No event is missed.* The follower `deliveries` inserts a row for each event that a handler wants, in the transaction of
///   its checkpoint (`registration.rs`).
/// - *None is forgotten.* Every process looks for rows that are due, or whose lease expired, at least once in a poll
///   interval (`consumer.rs`). Redis makes it sooner; whatever Redis loses, duplicates or reorders changes nothing else.
/// - *One effect.* Claiming a row raises its token. The effect is one transaction that first changes the row from `running`
///   under that token to `done`; of any number of attempts, only one finds the row in that state (`deliveries.rs`).
/// - *Every attempt counts.* The claim itself adds one before anything runs, so an attempt that kills its process is counted
///   for whoever claims next. An attempt is given back when it did not fail on its own: a dependency is away, or the process
///   is stopping. A dependency that is away for one delivery again and again, and there for others in between, is not away:
///   such an attempt is spent.
/// - *Nothing is retried forever.* After the limit of the policy, or a final error, the row is `dead` and a dead letter is
///   written, in one transaction. A delivery that a process left behind when it ended is tried once more among others, then
///   alone in its process, so one that kills processes cannot take others with it into the dead letters. One that has run
///   alone for a while without killing it (`HandlerConfig::alone`) goes on among others, and one that finds no pause in
///   which to run alone waits for a later one. So nothing waits longer than twice that time, however long attempts take.
pub trait Handler: Send + Sync + 'static {
    /// Returns the name of its deliveries, which must never change, and which no follower may have.
    fn name(&self) -> &'static str;

    /// Returns whether it wants events of this kind of stream and this type.
    fn wants(&self, stream: &str, event_type: &str) -> bool;

    /// Returns how often, and when, it is tried.
    fn policy(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    /// Returns what it needs besides the database. While that is away, nothing is claimed and no attempt is spent. Handlers with
    /// the same dependency share a breaker; a handler without one has a breaker of its own.
    fn dependency(&self) -> Option<&'static str> {
        None
    }

    /// Returns how many events a process handles at once.
    fn concurrency(&self) -> usize {
        8
    }

    /// Returns how long one attempt may take.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// Does the slow part, outside of any transaction. It may run more than once, and its future may be dropped at any point.
    fn handle<'a>(&'a self, event: &'a Arc<Event>, attempt: Attempt) -> Handling<'a>;
}

/// Identifies an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the attempt, from 1. Attempts are counted across processes.
    pub number: u32,
    /// Whether a failure of this attempt is final.
    pub is_last: bool,
}

/// The changes to make, in the transaction that marks the delivery as done. It runs again after a serialization failure.
pub type Effect = Box<dyn for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// The work of an attempt.
pub type Handling<'a> = BoxFuture<'a, Result<Effect, HandlerError>>;

/// Makes an effect from a closure, such as `effect(move |tx| Box::pin(async move { … }))`.
pub fn effect<F>(work: F) -> Effect
where
    F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    Box::new(work)
}

/// Makes an effect that changes nothing.
pub fn no_effect() -> Effect {
    Box::new(|_| Box::pin(async { Ok(()) }))
}

/// Returns the name of the breaker that a handler uses.
fn dependency(handler: &dyn Handler) -> &'static str {
    handler.dependency().unwrap_or(handler.name())
}

/// Why an attempt failed. The texts are kept for operators, one cause per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerError {
    /// The next attempt may succeed.
    Retry(String),
    /// No attempt will ever succeed.
    Final(String),
    /// The dependency is away; the attempt does not count, unless others find it there meanwhile.
    Unavailable(String),
    /// The database is away; the attempt does not count, whatever the dependency.
    DatabaseUnavailable(String),
}

impl HandlerError {
    /// Returns the name that traces have for it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::Final(_) => "final",
            Self::Unavailable(_) => "unavailable",
            Self::DatabaseUnavailable(_) => "database_unavailable",
        }
    }
}

impl From<Error> for HandlerError {
    fn from(error: Error) -> Self {
        let text = error_chain(&error);
        match error {
            Error::Unavailable(_) => Self::DatabaseUnavailable(text),
            _ => Self::Retry(text),
        }
    }
}

impl From<sea_orm::DbErr> for HandlerError {
    fn from(error: sea_orm::DbErr) -> Self {
        Error::from(error).into()
    }
}

/// How often a delivery is tried, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The total number of attempts; at least 1.
    pub limit: u32,
    /// The longest delay before the second attempt. Zero means no delay before any attempt.
    pub first: Duration,
    /// The longest delay between two attempts.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            limit: 8,
            first: Duration::from_millis(200),
            longest: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Returns the delay before the next attempt, after `attempts` of them: random, up to a bound that doubles each time ("full
    /// jitter", M. Brooker, Exponential Backoff And Jitter, 2015). `random` is in 0..1.
    fn delay(&self, attempts: u32, random: f64) -> Duration {
        pause_after(attempts, self.first, self.longest).mul_f64(random)
    }
}

/// How a process runs its handlers.
#[derive(Debug, Clone)]
pub struct HandlerConfig {
    /// The name of this process among those that compete; unique for each start.
    pub owner: String,
    /// How long a process keeps a delivery without renewing its lease.
    pub lease: Duration,
    /// How long running attempts may take to finish when the process is told to stop; after that they are handed back.
    pub drain: Duration,
    /// How long an attempt that must run alone waits for the others of its process to end, and then keeps them waiting.
    pub alone: Duration,
}
