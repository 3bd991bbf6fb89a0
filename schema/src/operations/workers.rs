//! The workers: followers with their parts and lag, handlers with their deliveries, breakers. Lags are computed in the
//! database, from checkpoints and deliveries.

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
#[derive(SimpleObject)]
pub(crate) struct Follower {
    /// Its name.
    name: String,
    /// How far it is behind.
    lag: Lag,
    /// Everything up to here is applied.
    position: u64,
    /// Whether and since when it is held; null when it is not.
    pause: Option<WorkerPause>,
    /// The processes that share its parts; none when no worker runs.
    members: Vec<FollowerMember>,
    /// Its parts; none when it never ran.
    parts: Vec<FollowerPart>,
    /// Its dead letters, with those that wait behind others; counted to 10,000.
    dead_letters: u64,
}

impl Follower {
    fn new(follower: &FollowerStatus, status: &WorkersStatus) -> Self {
        Self {
            name: follower.name.clone(),
            lag: follower.lag.into(),
            position: follower.position,
            pause: pause_of(status, &follower.name),
            members: follower.members.iter().cloned().map(Into::into).collect(),
            parts: follower.parts.iter().cloned().map(Into::into).collect(),
            dead_letters: follower.dead_letters,
        }
    }
}

/// Something that reacts to events, in no particular order, each once; any number of processes share the work.
#[derive(SimpleObject)]
pub(crate) struct Handler {
    /// Its name.
    name: String,
    /// Events that wait for it, those to be tried again too; counted to 10,000, as the others are.
    waiting: u64,
    /// Those of them that have failed before.
    retrying: u64,
    /// Events that a process is handling.
    running: u64,
    /// Events that were handled in the last minute.
    done_last_minute: u64,
    /// Its dead letters.
    dead_letters: u64,
    /// What is yet to be handled. Events that are not handed to it yet are in the lag of the follower `deliveries`.
    lag: Lag,
    /// How many events a process handles at once; null when the gateway does not know this handler.
    concurrency: Option<u64>,
    /// What it needs besides the database. While that is away, nothing is handled and no attempt is spent.
    dependency: Option<&'static str>,
    /// Whether and since when it is held; null when it is not.
    pause: Option<WorkerPause>,
}

impl Handler {
    fn new(counts: &DeliveryCounts, known: &[KnownHandler], status: &WorkersStatus) -> Self {
        let known = known.iter().find(|known| known.name == counts.name);
        Self {
            name: counts.name.clone(),
            waiting: counts.waiting,
            retrying: counts.retrying,
            running: counts.running,
            done_last_minute: counts.done_last_minute,
            dead_letters: counts.dead,
            lag: counts.lag.into(),
            concurrency: known.map(|known| known.concurrency as u64),
            dependency: known.and_then(|known| known.dependency),
            pause: pause_of(status, &counts.name),
        }
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
#[derive(SimpleObject)]
pub(crate) struct WorkerStatus {
    /// The followers, by name.
    followers: Vec<Follower>,
    /// The handlers, by name.
    handlers: Vec<Handler>,
    /// The breakers of all processes that run.
    breakers: Vec<Breaker>,
}

impl WorkerStatus {
    pub(super) fn new(status: &WorkersStatus, known: &[KnownHandler]) -> Self {
        let (followers, handlers) = (status.followers.iter(), status.handlers.iter());
        Self {
            followers: followers.map(|it| Follower::new(it, status)).collect(),
            handlers: handlers.map(|it| Handler::new(it, known, status)).collect(),
            breakers: status.breakers.iter().cloned().map(Into::into).collect(),
        }
    }
}

/// As it is now.
pub(super) async fn load_status(ctx: &Context<'_>) -> Result<WorkerStatus> {
    let operations = &entities(ctx).operations;
    let status = operations.read_status(viewer(ctx)?).await;
    let status = status.map_err(from_access)?;
    Ok(WorkerStatus::new(&status, operations.known_handlers()))
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
