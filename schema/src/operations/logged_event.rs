//! An event of the log, as administrators see it.

use async_graphql::{ComplexObject, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{id, operations::LoggedEvent as Inner};
use events::Cursor;

use crate::{
    actor::ActorRef,
    error::{Result, internal},
    json::Json,
};

/// An event of the log.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct LoggedEvent {
    /// The cursor of the event, for `after` of subscriptions and of this list.
    cursor: String,
    /// The position in the log: 1, 2, 3, … without gaps.
    position: u64,
    /// The id of the event, by which `causationId` refers to it.
    event_id: ID,
    /// The kind of stream, such as `post`.
    stream: String,
    /// The id of the stream. Where the stream is an object of the API, this is its global id.
    stream_id: ID,
    /// The version in the stream: 1, 2, 3, …
    version: i64,
    /// The type of the event, such as `PostLiked`.
    #[graphql(name = "type")]
    event_type: String,
    /// The version of the schema of `data`.
    schema_version: i32,
    /// Who did it.
    actor: ActorRef,
    /// The id of the request that caused the event. Null when none did.
    correlation_id: Option<String>,
    /// The id of the event that caused this one. Null when none did.
    causation_id: Option<ID>,
    /// When the event happened, by the clock of the process that recorded it.
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
            stream_id: id::encode(&event.stream, event.stream_id).into(),
            version: event.version,
            event_type: event.event_type.clone(),
            schema_version: event.schema_version.into(),
            actor: event.meta.actor.as_str().into(),
            correlation_id: event.meta.correlation_id.clone(),
            causation_id: event.meta.causation_id.map(ID::from),
            occurred_at: event.occurred_at,
            logged,
        }
    }
}

#[ComplexObject]
impl LoggedEvent {
    /// The data of the event. Null when it is withheld.
    async fn data(&self) -> Result<Option<Json>> {
        let data = self.logged.data().map(Json::parse).transpose();
        data.map_err(|cause| internal(&cause))
    }

    /// Whether the data is withheld, as what is written in chats is shown only to their members.
    async fn is_withheld(&self) -> bool {
        self.logged.data().is_none()
    }
}
