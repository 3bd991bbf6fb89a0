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

fn into_answer(answered: Answered) -> Answer {
    Answer {
        is_up: answered.is_up,
        took_ms: (answered.took.as_secs_f64() * 1e6).round() / 1e3,
    }
}

/// What the gateway that answers can reach, and how current it is.
pub(crate) struct Health(LogHealth);

#[Object]
impl Health {
    /// Whether all is as it should be: the database answers, Redis too if there is one, and no event is more than 5 seconds
    /// late.
    async fn is_healthy(&self) -> bool {
        let redis = self.0.redis.is_none_or(|redis| redis.is_up);
        self.0.database.is_up && redis && self.0.age.as_secs() < 5
    }

    /// The version of the gateway.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The database.
    async fn database(&self) -> Answer {
        into_answer(self.0.database)
    }

    /// Redis, which is up when it answers and takes events, so not when its memory is full; null when there is none. Without it events arrive a poll interval later, and what is not in the log, such as who
    /// types, stays within its process.
    async fn redis(&self) -> Option<Answer> {
        self.0.redis.map(into_answer)
    }

    /// The last position in the log; null when the database does not answer.
    async fn log_position(&self) -> Option<u64> {
        self.0.head
    }

    /// The last position that this gateway has handed to its subscribers.
    async fn position(&self) -> u64 {
        self.0.position
    }

    /// The last position that this gateway has given to Redis; null when there is none.
    async fn relayed_position(&self) -> Option<u64> {
        self.0.relayed
    }

    /// How many seconds ago something may have been committed that this gateway has not seen yet.
    async fn seconds_behind(&self) -> f64 {
        (self.0.age.as_secs_f64() * 1e3).round() / 1e3
    }
}

#[derive(Default)]
pub(crate) struct HealthQuery;

#[Object]
impl HealthQuery {
    /// What the gateway that answers can reach. It is answered also when the database is away. Needs the role ADMIN.
    async fn health(&self, ctx: &Context<'_>) -> Result<Option<Health>> {
        let health = entities(ctx).operations.read_health(viewer(ctx)?).await;
        Ok(Some(Health(health.map_err(from_access)?)))
    }
}
