//! That somebody is typing: told to those who look at the chat at this moment, and kept nowhere.

use ::events::{StreamKey, now};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChatError, Chats, STREAM, membership::is_member};
use crate::{
    access::{Action, Viewer, authorize},
    boxed,
};

/// Somebody is typing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// Who.
    pub user_id: Uuid,
    /// When they said so.
    pub at: DateTime<Utc>,
}

impl Typing {
    /// Reads what was whispered.
    ///
    /// # Errors
    /// When it is something else.
    pub fn decode(message: &str) -> ::events::Result<Self> {
        serde_json::from_str(message).map_err(malformed)
    }
}

fn malformed(source: serde_json::Error) -> ::events::Error {
    ::events::Error::Malformed {
        what: "whisper about typing",
        source,
    }
}

impl Chats {
    /// Tells those who look at the chat that the viewer is typing.
    #[boxed]
    pub async fn set_typing(&self, viewer: &Viewer, chat_id: Uuid) -> Result<(), ChatError> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        if !is_member(&self.log, chat_id, user_id).await? {
            return Err(ChatError::NotFound);
        }
        let stream = StreamKey {
            kind: STREAM,
            id: chat_id,
        };
        let typing = Typing { user_id, at: now() };
        let message = serde_json::to_string(&typing).map_err(malformed)?;
        self.log.whisper(stream, message);
        Ok(())
    }
}
