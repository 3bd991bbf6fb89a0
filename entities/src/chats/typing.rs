//! Notices that a user is typing: they are sent to viewers of the chat at this moment, and stored nowhere.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use ::events::now;
use chrono::{DateTime, Utc};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};
use serde::{Deserialize, Serialize};

use super::{ChatError, ChatId, ChatRefusal, Chats, STREAM, membership::is_member};
use crate::{
    access::{Action, UserId, Viewer, authorize},
    boxed,
};

/// Users who have been quiet are forgotten after this many whispers.
const BETWEEN_CLEANINGS: u32 = 1024;

/// A user is typing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// The user.
    pub user_id: UserId,
    /// When they announced it.
    pub at: DateTime<Utc>,
}

impl Typing {
    /// Reads a whisper.
    ///
    /// # Errors
    /// Fails when the whisper is of another kind.
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

/// Counts how often each user has announced it lately. Every whisper goes to all processes and all viewers of the chat.
pub(super) struct Typists {
    limiter: RateLimiter<UserId, DefaultKeyedStateStore<UserId>, DefaultClock>,
    said: AtomicU32,
}

impl Default for Typists {
    fn default() -> Self {
        const A_SECOND: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
        const AT_ONCE: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(A_SECOND).allow_burst(AT_ONCE)),
            said: AtomicU32::new(0),
        }
    }
}

impl Typists {
    fn check(&self, user_id: UserId) -> Result<(), ChatRefusal> {
        let said = self.said.fetch_add(1, Ordering::Relaxed);
        if said.is_multiple_of(BETWEEN_CLEANINGS) {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&user_id).map_err(|not_until| {
            let retry_after = not_until.wait_time_from(DefaultClock::default().now());
            ChatRefusal::TooOften { retry_after }
        })
    }
}

impl Chats {
    /// Tells the viewers of the chat that the viewer is typing.
    #[boxed]
    pub async fn set_typing(&self, viewer: &Viewer, chat_id: ChatId) -> Result<(), ChatError> {
        authorize(viewer, Action::UseChats)?;
        let user_id = viewer.require_user()?;
        self.typists.check(user_id)?;
        if !is_member(&self.log, chat_id, user_id).await? {
            return Err(ChatError::NotFound(STREAM));
        }
        let stream = chat_id.stream();
        let typing = Typing { user_id, at: now() };
        let message = serde_json::to_string(&typing).map_err(malformed)?;
        self.log.whisper(stream, message);
        Ok(())
    }
}
