//! What happens in a chat as clients see it.

use async_graphql::{Context, Enum, Object, Result};
use chrono::{DateTime, Utc};
use entities::chats::{self, ChatEventKind};

use super::{
    happened::Happened,
    object::{Chat, ChatMember, Message},
};

/// What can happen in a chat.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "chats::ChatEventKind")]
pub(crate) enum ChatEventType {
    /// It was created.
    Created,
    /// It got another title.
    Renamed,
    /// A user became a member.
    MemberAdded,
    /// The owner removed a member.
    MemberRemoved,
    /// A member left.
    MemberLeft,
    /// A message was sent.
    MessageSent,
    /// The text of a message was changed.
    MessageEdited,
    /// A message was deleted.
    MessageDeleted,
}

/// Something that happened in a chat.
pub(crate) struct ChatEvent {
    pub(super) happened: Happened,
    pub(super) event: chats::ChatEvent,
}

#[Object]
impl ChatEvent {
    /// The event's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.happened.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn event_type(&self) -> ChatEventType {
        self.event.kind.into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.happened.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.happened.occurred_at
    }

    /// The chat's version after the event.
    async fn version(&self) -> i64 {
        self.event.chat.version
    }

    /// The chat after the event; `members`, `messages` and `lastMessage` are those of now.
    async fn chat(&self) -> Chat {
        Chat(self.event.chat.clone())
    }

    /// The message that was sent, edited or deleted; null for other events. When you resume, it is as it is now: a
    /// message deleted since has no text.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        let message = self.event.message.as_ref();
        self.happened.message(ctx, message).await
    }

    /// The member who was added or removed, or left; null for other events.
    async fn member(&self) -> Option<ChatMember> {
        match self.event.kind {
            ChatEventKind::MemberAdded
            | ChatEventKind::MemberRemoved
            | ChatEventKind::MemberLeft => self.event.members.first().cloned().map(Into::into),
            _ => None,
        }
    }

    /// Who became the owner because the owner left; null otherwise.
    async fn new_owner(&self) -> Option<ChatMember> {
        self.event.new_owner.clone().map(Into::into)
    }
}
