//! Handlers: competing consumers of events, for what is slow or outward. Each event that a handler wants is handled to the
//! end once, by whichever process is free, in no particular order, however often it takes: the database has the truth, and
//! Redis only says where to look. What holds, and why, is beside `Handler`.

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

/// Reacts to events. A handler that is new gets the events from when all processes that run handlers know it.
///
/// The argument:
/// - *No event is missed.* The follower `deliveries` inserts a row for each event that a handler wants, in the transaction of
///   its checkpoint (`registration.rs`).
/// - *None stays lying about.* Every process looks for rows that are due, or whose lease ran out, at least once in a poll
///   interval (`consumer.rs`). Redis makes it sooner; whatever Redis loses, doubles or reorders changes nothing else.
/// - *One effect.* Claiming a row raises its token. The effect is one transaction that first changes the row from `running`
///   under that token to `done`; of any number of attempts one finds the row so (`deliveries.rs`).
/// - *Every attempt counts.* The claim itself adds one, before anything is run, so a handler that kills its process is counted
///   by whoever claims next. An attempt is given back when it did not fail by itself: a dependency is away, or the process
///   stops.
/// - *Nothing is tried for ever.* After the limit of the policy, or a final error, the row is `dead` and a dead letter is
///   written, in one transaction. What a process left behind when it ended is tried once more among others, then alone in
///   its process: what kills processes cannot take others with it into the dead letters. What has not killed it for a
///   while (`HandlerConfig::alone`) goes on among others, and what finds no pause to run alone in waits for a later one: so
///   nobody waits for longer than twice that, however long attempts may take.
pub trait Handler: Send + Sync + 'static {
    /// Names its deliveries; never changes, and no follower has it.
    fn name(&self) -> &'static str;

    /// Whether it wants the events of this kind of stream and this type.
    fn wants(&self, stream: &str, event_type: &str) -> bool;

    /// How often it is tried, and when.
    fn policy(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    /// What it needs besides the database. While that is away, nothing is claimed, and no attempt is spent. Handlers with
    /// the same dependency share a breaker; without one, a handler has its own.
    fn dependency(&self) -> Option<&'static str> {
        None
    }

    /// How many events a process handles at once.
    fn concurrency(&self) -> usize {
        8
    }

    /// How long one attempt may take.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// The slow part, outside of any transaction. It may happen more than once, and it may be dropped at any point.
    fn handle<'a>(
        &'a self,
        event: &'a Arc<Event>,
        attempt: Attempt,
    ) -> BoxFuture<'a, Result<Effect, HandlerError>>;
}

/// Which attempt it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first. Counted across processes.
    pub number: u32,
    /// Whether a failure is the end of it.
    pub is_last: bool,
}

/// What is to be changed, in the transaction that marks the delivery as done. It runs again after serialization failures.
pub type Effect = Box<dyn for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// Makes an effect of a closure, such as `effect(move |tx| Box::pin(async move { … }))`.
pub fn effect<F>(work: F) -> Effect
where
    F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    Box::new(work)
}

/// Nothing is to be changed.
pub fn no_effect() -> Effect {
    Box::new(|_| Box::pin(async { Ok(()) }))
}

/// Whose breaker it uses.
fn dependency(handler: &dyn Handler) -> &'static str {
    handler.dependency().unwrap_or(handler.name())
}

/// Why an attempt failed. The texts are kept for operators, one cause a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandlerError {
    /// It may go better the next time.
    Retry(String),
    /// It never will.
    Final(String),
    /// The dependency is away: the attempt does not count.
    Unavailable(String),
    /// The database is: the attempt does not count, whatever the dependency.
    DatabaseUnavailable(String),
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
    /// Attempts in all; at least 1.
    pub limit: u32,
    /// The longest time until the second attempt; zero for one at once, and at once ever after.
    pub first: Duration,
    /// The longest time between two attempts.
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
    /// The time until the next attempt, after `attempts` of them: at random up to twice as much each time ("full jitter", M.
    /// Brooker, Exponential Backoff And Jitter, 2015). `random` is in 0..1.
    fn delay(&self, attempts: u32, random: f64) -> Duration {
        pause_after(attempts, self.first, self.longest).mul_f64(random)
    }
}

/// How a process runs its handlers.
#[derive(Debug, Clone)]
pub struct HandlerConfig {
    /// This process among those that compete; unique for each start.
    pub owner: String,
    /// How long a delivery stays with a process that does not renew.
    pub lease: Duration,
    /// How long running attempts may take to finish when the process is told to stop; then they are handed back.
    pub drain: Duration,
    /// How long an attempt that is run alone waits for the others of its process to end, and then keeps them waiting.
    pub alone: Duration,
}
