//! The health of the gateway that serves the request.

use async_graphql::{Context, Object, SimpleObject};
use events::{Answered, LogHealth};

use crate::{
    error::Result,
    request::{entities, viewer},
};

/// The responsiveness of a part of the system.
#[derive(SimpleObject)]
pub(crate) struct Answer {
    /// Whether it answers in time.
    is_up: bool,
    /// The response time in milliseconds.
    took_ms: f64,
}

impl From<Answered> for Answer {
    fn from(answered: Answered) -> Self {
        Self {
            is_up: answered.is_up,
            took_ms: (answered.took.as_secs_f64() * 1e6).round() / 1e3,
        }
    }
}

/// What the gateway that serves the request can reach, and how current it is.
#[derive(SimpleObject)]
pub(crate) struct Health {
    /// Whether the gateway is healthy: the database answers, Redis too if it is used, and no event is more than 5 seconds
    /// late.
    is_healthy: bool,
    /// The version of the gateway.
    version: &'static str,
    /// The database.
    database: Answer,
    /// Redis, which is up when it answers and accepts events, so not when its memory is full. Null when none is used.
    /// While it is down, events arrive a poll interval later, and what is not in the log, such as who is typing, stays
    /// within its process.
    redis: Option<Answer>,
    /// The last position in the log. Null when the database does not answer.
    log_position: Option<u64>,
    /// The last position that this gateway has delivered to its subscribers.
    position: u64,
    /// The last position that this gateway has relayed to Redis. Null when none is used.
    relayed_position: Option<u64>,
    /// The greatest possible age, in seconds, of an event that this gateway has not seen yet.
    seconds_behind: f64,
}

impl From<LogHealth> for Health {
    fn from(health: LogHealth) -> Self {
        let redis = health.redis.is_none_or(|redis| redis.is_up);
        Self {
            is_healthy: health.database.is_up && redis && health.age.as_secs() < 5,
            version: env!("CARGO_PKG_VERSION"),
            database: health.database.into(),
            redis: health.redis.map(Answer::from),
            log_position: health.head,
            position: health.position,
            relayed_position: health.relayed,
            seconds_behind: (health.age.as_secs_f64() * 1e3).round() / 1e3,
        }
    }
}

#[derive(Default)]
pub(crate) struct HealthQuery;

#[Object]
impl HealthQuery {
    /// The health of the gateway that serves the request. It is answered even when the database is unavailable.
    /// Requires the role ADMIN.
    async fn health(&self, ctx: &Context<'_>) -> Result<Option<Health>> {
        let health = entities(ctx).operations.read_health(viewer(ctx)?).await;
        Ok(Some(health?.into()))
    }
}
