//! The workers: followers with their parts and lag, handlers with their deliveries, circuit breakers. Lags are computed in the
//! database, from checkpoints and deliveries.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::operations::KnownHandler;
use events::{
    BreakerStatus, DeliveryCounts, FollowerStatus, Member, PartStatus, Pause, WorkersStatus,
};

use crate::{
    actor::ActorRef,
    error::Result,
    list::List,
    request::{entities, viewer},
};

/// How far a consumer is behind the log.
#[derive(SimpleObject)]
pub(crate) struct Lag {
    /// The number of events yet to be processed.
    events: u64,
    /// The age of the oldest of them in seconds, by the database's clock. 0 when there are none.
    seconds: f64,
    /// Whether the number is an estimate, because there are too many events to count each time.
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
    /// The name, which is new at each start.
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

/// One of the 16 parts that streams are distributed over.
#[derive(SimpleObject)]
pub(crate) struct FollowerPart {
    /// The number, starting at 0.
    part: i32,
    /// The checkpoint: the position of the last event of this part that was applied.
    position: u64,
    /// The fencing token, which increases whenever the part changes owners.
    token: i64,
    /// The process that holds the lease. Null when none does.
    owner: Option<String>,
    /// When the lease expires unless it is renewed.
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

/// A pause of a worker.
#[derive(SimpleObject)]
pub(crate) struct WorkerPause {
    /// The start.
    paused_at: DateTime<Utc>,
    /// Who paused the worker.
    paused_by: ActorRef,
}

fn pause_of(status: &WorkersStatus, name: &str) -> Option<WorkerPause> {
    let pause: &Pause = status.pauses.iter().find(|pause| pause.name == name)?;
    Some(WorkerPause {
        paused_at: pause.paused_at,
        paused_by: pause.actor.as_str().into(),
    })
}

/// A follower: a worker that derives state from events, in order, applying each exactly once.
#[derive(SimpleObject)]
pub(crate) struct Follower {
    /// The name.
    name: String,
    /// The lag behind the log.
    lag: Lag,
    /// The position up to which all events are applied.
    position: u64,
    /// The pause. Null when the worker is not paused.
    pause: Option<WorkerPause>,
    /// The processes that share the parts. Empty when no worker runs.
    members: List<FollowerMember>,
    /// The parts. Empty when the follower never ran.
    parts: List<FollowerPart>,
    /// The number of dead letters, including those that wait behind others. Counted up to 10,000.
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

/// A handler: a worker that reacts to each event once, in no particular order. Any number of processes share its work.
#[derive(SimpleObject)]
pub(crate) struct Handler {
    /// The name.
    name: String,
    /// The number of events that wait, including those to be retried. Counted up to 10,000, as the other numbers are.
    waiting: u64,
    /// The number of waiting events that have failed before.
    retrying: u64,
    /// The number of events that are being handled.
    running: u64,
    /// The number of events that were handled in the last minute.
    done_last_minute: u64,
    /// The number of dead letters.
    dead_letters: u64,
    /// The lag in handling events. Events that were not handed over yet are in the lag of the follower `deliveries`.
    lag: Lag,
    /// The number of events that a process handles at once. Null when the gateway does not know this handler.
    concurrency: Option<u64>,
    /// The dependency that the handler needs besides the database. While it is unavailable, nothing is handled and no
    /// attempt is spent.
    dependency: Option<&'static str>,
    /// The pause. Null when the worker is not paused.
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

/// The state of a circuit breaker.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "events::BreakerState")]
pub(crate) enum BreakerState {
    /// The dependency is available, and all events are handled.
    Closed,
    /// The dependency is unavailable, and no events are handled.
    Open,
    /// One event is handled to see whether the dependency is available again.
    HalfOpen,
}

/// The circuit breaker of a dependency in one process.
#[derive(SimpleObject)]
pub(crate) struct Breaker {
    /// The dependency.
    dependency: String,
    /// The process that the breaker belongs to.
    owner: String,
    /// The state.
    state: BreakerState,
    /// The start.
    since: DateTime<Utc>,
    /// The number of consecutive failures.
    failures: u32,
    /// The last error. Null when there was none.
    error: Option<String>,
    /// When the process last reported.
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

/// The status of all workers.
#[derive(SimpleObject)]
pub(crate) struct WorkerStatus {
    /// The followers, by name.
    followers: List<Follower>,
    /// The handlers, by name.
    handlers: List<Handler>,
    /// The breakers of all processes that run.
    breakers: List<Breaker>,
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

/// Returns the current status.
pub(super) async fn load_status(ctx: &Context<'_>) -> Result<WorkerStatus> {
    let operations = &entities(ctx).operations;
    let status = operations.read_status(viewer(ctx)?).await?;
    Ok(WorkerStatus::new(&status, operations.known_handlers()))
}

#[derive(Default)]
pub(crate) struct WorkersQuery;

#[Object]
impl WorkersQuery {
    /// The current status of the workers: followers, handlers and circuit breakers. Requires the role ADMIN.
    async fn worker_status(&self, ctx: &Context<'_>) -> Result<Option<WorkerStatus>> {
        load_status(ctx).await.map(Some)
    }
}
