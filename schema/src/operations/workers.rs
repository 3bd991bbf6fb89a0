//! The workers: followers with their parts and lag, handlers with their deliveries, breakers. Lags are computed in the
//! database, from checkpoints and deliveries.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::operations::KnownHandler;
use events::{
    BreakerStatus, DeliveryCounts, FollowerStatus, Member, PartStatus, Pause, WorkersStatus,
};

use crate::{
    error::from_access,
    request::{entities, viewer},
};

/// How far somebody is behind the log.
#[derive(SimpleObject)]
pub(crate) struct Lag {
    /// Events that are yet to be taken.
    events: u64,
    /// The age of the first of them, in seconds, by the database's clock; 0 when there are none.
    seconds: f64,
    /// Whether there are too many to be counted each time, so that this is about right.
    is_estimate: bool,
}

impl From<events::Lag> for Lag {
    fn from(lag: events::Lag) -> Self {
        Self {
            events: lag.events,
            seconds: (lag.seconds * 1e3).round() / 1e3,
            is_estimate: lag.is_estimate,
        }
    }
}

/// A process that shares the parts of a follower.
#[derive(SimpleObject)]
pub(crate) struct FollowerMember {
    /// Its name, which is new at each start.
    owner: String,
    /// When it last renewed its leases.
    seen_at: DateTime<Utc>,
}

impl From<Member> for FollowerMember {
    fn from(member: Member) -> Self {
        Self {
            owner: member.owner,
            seen_at: member.seen_at,
        }
    }
}

/// One of the 16 parts that the streams are spread over.
#[derive(SimpleObject)]
pub(crate) struct FollowerPart {
    /// Its number, from 0.
    part: i32,
    /// The checkpoint: the position of the last event of this part that was applied.
    position: u64,
    /// How often the part has changed hands.
    token: i64,
    /// The process that has it; null when no lease holds.
    owner: Option<String>,
    /// Until when it has it, unless it renews.
    leased_until: Option<DateTime<Utc>>,
}

impl From<PartStatus> for FollowerPart {
    fn from(part: PartStatus) -> Self {
        Self {
            part: part.part.into(),
            position: part.position,
            token: part.token,
            owner: part.owner,
            leased_until: part.leased_until,
        }
    }
}

/// Since when something is held, and by whom.
#[derive(SimpleObject)]
pub(crate) struct WorkerPause {
    /// Since when.
    paused_at: DateTime<Utc>,
    /// By whom: a user's id, or the name of a process.
    actor: String,
}

fn pause_of(status: &WorkersStatus, name: &str) -> Option<WorkerPause> {
    let pause: &Pause = status.pauses.iter().find(|pause| pause.name == name)?;
    Some(WorkerPause {
        paused_at: pause.paused_at,
        actor: pause.actor.clone(),
    })
}

/// Something that keeps state from events, in order, each exactly once.
pub(crate) struct Follower {
    follower: FollowerStatus,
    status: Arc<WorkersStatus>,
}

#[Object]
impl Follower {
    /// Its name.
    async fn name(&self) -> &str {
        &self.follower.name
    }

    /// How far it is behind.
    async fn lag(&self) -> Lag {
        self.follower.lag.into()
    }

    /// Everything up to here is applied.
    async fn position(&self) -> u64 {
        self.follower.position
    }

    /// Whether and since when it is held; null when it is not.
    async fn pause(&self) -> Option<WorkerPause> {
        pause_of(&self.status, &self.follower.name)
    }

    /// The processes that share its parts; none when no worker runs.
    async fn members(&self) -> Vec<FollowerMember> {
        let members = self.follower.members.iter().cloned();
        members.map(FollowerMember::from).collect()
    }

    /// Its parts; none when it never ran.
    async fn parts(&self) -> Vec<FollowerPart> {
        let parts = self.follower.parts.iter().cloned();
        parts.map(FollowerPart::from).collect()
    }

    /// Its dead letters, with those that wait behind others; counted to 10,000.
    async fn dead_letters(&self) -> u64 {
        self.follower.dead_letters
    }
}

/// Something that reacts to events, in no particular order, each once; any number of processes share the work.
pub(crate) struct Handler {
    counts: DeliveryCounts,
    known: Option<KnownHandler>,
    status: Arc<WorkersStatus>,
}

#[Object]
impl Handler {
    /// Its name.
    async fn name(&self) -> &str {
        &self.counts.name
    }

    /// Events that wait for it, those to be tried again too; counted to 10,000, as the others are.
    async fn waiting(&self) -> u64 {
        self.counts.waiting
    }

    /// Those of them that have failed before.
    async fn retrying(&self) -> u64 {
        self.counts.retrying
    }

    /// Events that a process is handling.
    async fn running(&self) -> u64 {
        self.counts.running
    }

    /// Events that were handled in the last minute.
    async fn done_last_minute(&self) -> u64 {
        self.counts.done_last_minute
    }

    /// Its dead letters.
    async fn dead_letters(&self) -> u64 {
        self.counts.dead
    }

    /// What is yet to be handled. Events that are not handed to it yet are in the lag of the follower `deliveries`.
    async fn lag(&self) -> Lag {
        self.counts.lag.into()
    }

    /// How many events a process handles at once; null when the gateway does not know this handler.
    async fn concurrency(&self) -> Option<u64> {
        self.known.as_ref().map(|known| known.concurrency as u64)
    }

    /// What it needs besides the database. While that is away, nothing is handled and no attempt is spent.
    async fn dependency(&self) -> Option<&str> {
        self.known.as_ref()?.dependency
    }

    /// Whether and since when it is held; null when it is not.
    async fn pause(&self) -> Option<WorkerPause> {
        pause_of(&self.status, &self.counts.name)
    }
}

/// What a breaker lets through.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "events::BreakerState")]
pub(crate) enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing: the dependency is away.
    Open,
    /// One event, to see whether the dependency is back.
    HalfOpen,
}

/// The circuit breaker of a dependency in one process.
#[derive(SimpleObject)]
pub(crate) struct Breaker {
    /// What handlers depend on.
    dependency: String,
    /// The process.
    owner: String,
    /// What it lets through.
    state: BreakerState,
    /// Since when.
    since: DateTime<Utc>,
    /// Failures in a row.
    failures: u32,
    /// The last failure.
    error: Option<String>,
    /// When the process last told.
    seen_at: DateTime<Utc>,
}

impl From<BreakerStatus> for Breaker {
    fn from(breaker: BreakerStatus) -> Self {
        Self {
            dependency: breaker.dependency,
            owner: breaker.owner,
            state: breaker.state.into(),
            since: breaker.since,
            failures: breaker.failures,
            error: breaker.error,
            seen_at: breaker.seen_at,
        }
    }
}

/// How all workers stand.
pub(crate) struct WorkerStatus {
    pub(super) status: Arc<WorkersStatus>,
    pub(super) known: Vec<KnownHandler>,
}

#[Object]
impl WorkerStatus {
    /// The followers, by name.
    async fn followers(&self) -> Vec<Follower> {
        let followers = self.status.followers.iter().cloned();
        let with_status = |follower| Follower {
            follower,
            status: self.status.clone(),
        };
        followers.map(with_status).collect()
    }

    /// The handlers, by name.
    async fn handlers(&self) -> Vec<Handler> {
        let handlers = self.status.handlers.iter().cloned();
        let with_status = |counts: DeliveryCounts| Handler {
            known: self.known.iter().find(|it| it.name == counts.name).cloned(),
            counts,
            status: self.status.clone(),
        };
        handlers.map(with_status).collect()
    }

    /// The breakers of all processes that run.
    async fn breakers(&self) -> Vec<Breaker> {
        let breakers = self.status.breakers.iter().cloned();
        breakers.map(Breaker::from).collect()
    }
}

/// As it is now.
pub(super) async fn load_status(ctx: &Context<'_>) -> Result<WorkerStatus> {
    let operations = &entities(ctx).operations;
    let status = operations.read_status(viewer(ctx)?).await;
    Ok(WorkerStatus {
        status: Arc::new(status.map_err(from_access)?),
        known: operations.known_handlers().to_vec(),
    })
}

#[derive(Default)]
pub(crate) struct WorkersQuery;

#[Object]
impl WorkersQuery {
    /// How the workers stand now: followers, handlers and breakers. Needs the role ADMIN.
    async fn worker_status(&self, ctx: &Context<'_>) -> Result<Option<WorkerStatus>> {
        load_status(ctx).await.map(Some)
    }
}
