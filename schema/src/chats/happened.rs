//! What the events of chats have in common, whichever subscription shows them.

use async_graphql::{Context, Result};
use chrono::{DateTime, Utc};
use entities::chats;
use events::Cursor;

use super::{loaders::load_message, object::Message};

/// What every event tells of itself.
pub(super) struct Happened {
    pub(super) cursor: Cursor,
    pub(super) actor: String,
    pub(super) occurred_at: DateTime<Utc>,
    /// Long ago, perhaps: a message may have been edited or deleted since.
    is_replayed: bool,
}

impl Happened {
    pub(super) fn new(event: &events::Event, cursor: Cursor, is_replayed: bool) -> Self {
        Self {
            cursor,
            actor: event.meta.actor.clone(),
            occurred_at: event.occurred_at,
            is_replayed,
        }
    }

    /// The message that an event is about: as it was, when that was just now, and otherwise as it is.
    pub(super) async fn message(
        &self,
        ctx: &Context<'_>,
        message: Option<&chats::ChatMessage>,
    ) -> Result<Option<Message>> {
        let Some(message) = message else {
            return Ok(None);
        };
        let message = match self.is_replayed {
            true => load_message(ctx, message.id).await?,
            false => Some(message.clone()),
        };
        Ok(message.map(Into::into))
    }
}
