//! An event of the log, as administrators see it.

use async_graphql::{ID, Json, Object, Result};
use chrono::{DateTime, Utc};
use entities::operations::LoggedEvent as Inner;
use events::Cursor;
use serde_json::Value;

use crate::id;

/// An event as it is in the log.
pub(crate) struct LoggedEvent {
    pub(super) logged: Inner,
    pub(super) epoch: u32,
}

impl LoggedEvent {
    pub(super) fn place(&self) -> Cursor {
        Cursor::behind(self.logged.event(), self.epoch)
    }
}

#[Object]
impl LoggedEvent {
    /// Its place in the log, for `after` of subscriptions and of this list.
    async fn cursor(&self) -> String {
        self.place().to_string()
    }

    /// Its number among all events: 1, 2, 3, …
    async fn position(&self) -> u64 {
        self.logged.event().position
    }

    /// Its name wherever one event led to another.
    async fn event_id(&self) -> ID {
        self.logged.event().event_id.into()
    }

    /// The kind of its stream, such as `post`.
    async fn stream(&self) -> &str {
        &self.logged.event().stream
    }

    /// The stream's id; where the stream is an object of the API, that is the object's.
    async fn stream_id(&self) -> ID {
        let event = self.logged.event();
        id::encode(&event.stream, event.stream_id)
    }

    /// Its number in its stream: 1, 2, 3, …
    async fn version(&self) -> i64 {
        self.logged.event().version
    }

    /// What happened, such as `PostLiked`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        &self.logged.event().event_type
    }

    /// The version of the shape of `data`.
    async fn schema_version(&self) -> i32 {
        self.logged.event().schema_version.into()
    }

    /// Who did it: a user's id, or the name of a process.
    async fn actor(&self) -> &str {
        &self.logged.event().meta.actor
    }

    /// The id of the request that led to it.
    async fn correlation_id(&self) -> Option<&str> {
        self.logged.event().meta.correlation_id.as_deref()
    }

    /// The event that led to it.
    async fn causation_id(&self) -> Option<ID> {
        self.logged.event().meta.causation_id.map(ID::from)
    }

    /// When it happened, by the clock of who wrote it.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.logged.event().occurred_at
    }

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
