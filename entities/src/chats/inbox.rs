//! Follows a user's own chats: the inbox tells which they are, so the set of streams changes with it. Used by subscriptions.

use ::events::{Event, Interest, Topic};
use futures::future::BoxFuture;

use super::{Chats, INBOX_STREAM, InboxEventKind, RECEIPT_STREAM, STREAM};
use crate::access::UserId;

/// The inbox of a user, what became of their messages, and the chats they are a member of.
pub struct OwnChats {
    chats: Chats,
    user_id: UserId,
}

impl Chats {
    /// Returns the streams to follow for everything that happens in a user's chats.
    pub fn own_chats(&self, user_id: UserId) -> OwnChats {
        OwnChats {
            chats: self.clone(),
            user_id,
        }
    }
}

impl Interest for OwnChats {
    fn topics(&self) -> BoxFuture<'_, ::events::Result<Vec<Topic>>> {
        Box::pin(async move {
            let own = [INBOX_STREAM, RECEIPT_STREAM].map(|kind| Topic {
                kind,
                id: Some(self.user_id.uuid()),
            });
            let chat_ids = self.chats.list_chat_ids(self.user_id).await?;
            let chats = chat_ids.into_iter().map(|id| Topic {
                kind: STREAM,
                id: Some(id.uuid()),
            });
            Ok(own.into_iter().chain(chats).collect())
        })
    }

    fn is_changed_by(&self, event: &Event) -> bool {
        let changes = [InboxEventKind::Joined.name(), InboxEventKind::Left.name()];
        event.stream == INBOX_STREAM && changes.contains(&event.event_type.as_str())
    }
}
