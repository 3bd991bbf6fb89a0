//! An event of the log, as administrators see it.

use async_graphql::{ComplexObject, ID, Json, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::operations::LoggedEvent as Inner;
use events::Cursor;
use serde_json::Value;

use crate::id;

/// An event as it is in the log.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct LoggedEvent {
    /// Its place in the log, for `after` of subscriptions and of this list.
    cursor: String,
    /// Its number among all events: 1, 2, 3, …
    position: u64,
    /// Its name wherever one event led to another.
    event_id: ID,
    /// The kind of its stream, such as `post`.
    stream: String,
    /// The stream's id; where the stream is an object of the API, that is the object's.
    stream_id: ID,
    /// Its number in its stream: 1, 2, 3, …
    version: i64,
    /// What happened, such as `PostLiked`.
    #[graphql(name = "type")]
    event_type: String,
    /// The version of the shape of `data`.
    schema_version: i32,
    /// Who did it: a user's id, or the name of a process.
    actor: String,
    /// The id of the request that led to it.
    correlation_id: Option<String>,
    /// The event that led to it.
    causation_id: Option<ID>,
    /// When it happened, by the clock of who wrote it.
    occurred_at: DateTime<Utc>,
    #[graphql(skip)]
    logged: Inner,
}

impl LoggedEvent {
    pub(super) fn new(logged: Inner, epoch: u32) -> Self {
        let event = logged.event();
        Self {
            cursor: Cursor::behind(event, epoch).to_string(),
            position: event.position,
            event_id: event.event_id.into(),
            stream: event.stream.clone(),
            stream_id: id::encode(&event.stream, event.stream_id),
            version: event.version,
            event_type: event.event_type.clone(),
            schema_version: event.schema_version.into(),
            actor: event.meta.actor.clone(),
            correlation_id: event.meta.correlation_id.clone(),
            causation_id: event.meta.causation_id.map(ID::from),
            occurred_at: event.occurred_at,
            logged,
        }
    }
}

#[ComplexObject]
impl LoggedEvent {
    /// The facts, as they were recorded; null when they are withheld.
    async fn data(&self) -> Result<Option<Json<Value>>> {
        let data = self.logged.data().map(serde_json::from_str).transpose();
        let data = data.map_err(|cause| crate::internal(&cause))?;
        Ok(data.map(Json))
    }

    /// Whether the facts are withheld: what is written in chats is shown to their members only.
    async fn is_withheld(&self) -> bool {
        self.logged.data().is_none()
    }
}
