//! How the gateway that is asked does.

use async_graphql::{Context, Object, Result, SimpleObject};
use events::{Answered, LogHealth};

use crate::{
    error::from_access,
    request::{entities, viewer},
};

/// How a part of the system answers.
#[derive(SimpleObject)]
pub(crate) struct Answer {
    /// Whether it answers, in time.
    is_up: bool,
    /// How long that took, in milliseconds.
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

/// What the gateway that answers can reach, and how current it is.
#[derive(SimpleObject)]
pub(crate) struct Health {
    /// Whether all is as it should be: the database answers, Redis too if there is one, and no event is more than 5 seconds
    /// late.
    is_healthy: bool,
    /// The version of the gateway.
    version: &'static str,
    /// The database.
    database: Answer,
    /// Redis, which is up when it answers and takes events, so not when its memory is full; null when there is none. Without it events arrive a poll interval later, and what is not in the log, such as who
    /// types, stays within its process.
    redis: Option<Answer>,
    /// The last position in the log; null when the database does not answer.
    log_position: Option<u64>,
    /// The last position that this gateway has handed to its subscribers.
    position: u64,
    /// The last position that this gateway has given to Redis; null when there is none.
    relayed_position: Option<u64>,
    /// How many seconds ago something may have been committed that this gateway has not seen yet.
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
    /// What the gateway that answers can reach. It is answered also when the database is away. Needs the role ADMIN.
    async fn health(&self, ctx: &Context<'_>) -> Result<Option<Health>> {
        let health = entities(ctx).operations.read_health(viewer(ctx)?).await;
        Ok(Some(health.map_err(from_access)?.into()))
    }
}
