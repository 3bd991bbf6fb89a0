//! Events of the caller's own chats, as clients see them. They are shown only to members: membership is checked again when an
//! event is shown, as it may have ended since.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    chats::{self, ChatEventKind, ChatOfUser, INBOX_STREAM, InboxEvent, InboxEventKind},
    users::UserId,
};
use events::Event;

use super::{
    event::show_message,
    object::{Chat, Message},
};
use crate::{actor::ActorRef, error::Result, request::entities};

/// The type of an event in your chats.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum MyChatsEventType {
    /// You joined the chat, were added to it, or created it.
    Joined,
    /// You are no longer a member of the chat. MEMBER_REMOVED or MEMBER_LEFT may or may not precede it.
    Left,
    /// You marked messages as read, on any of your devices. Sending a message marks earlier ones as read without an event
    /// of this type.
    Read,
    /// The chat was created.
    Created,
    /// The title of the chat was changed.
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

impl From<ChatEventKind> for MyChatsEventType {
    fn from(kind: ChatEventKind) -> Self {
        match kind {
            ChatEventKind::Created => Self::Created,
            ChatEventKind::Renamed => Self::Renamed,
            ChatEventKind::MemberAdded => Self::MemberAdded,
            ChatEventKind::MemberRemoved => Self::MemberRemoved,
            ChatEventKind::MemberLeft => Self::MemberLeft,
            ChatEventKind::MessageSent => Self::MessageSent,
            ChatEventKind::MessageEdited => Self::MessageEdited,
            ChatEventKind::MessageDeleted => Self::MessageDeleted,
        }
    }
}

impl From<InboxEventKind> for MyChatsEventType {
    fn from(kind: InboxEventKind) -> Self {
        match kind {
            InboxEventKind::Joined => Self::Joined,
            InboxEventKind::Left => Self::Left,
            InboxEventKind::Read => Self::Read,
        }
    }
}

/// An event in one of your chats, or a change to the list of your chats.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct MyChatsEvent {
    /// The cursor of the event. Subscribe with `after` to resume behind it.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    event_type: MyChatsEventType,
    /// Who caused it.
    actor: ActorRef,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The chat's global id, even when you are no longer a member.
    chat_id: ID,
    #[graphql(skip)]
    of: ChatOfUser,
    #[graphql(skip)]
    shown: Option<chats::ChatMessage>,
    #[graphql(skip)]
    is_replayed: bool,
}

impl MyChatsEvent {
    /// Reads an event of the user's inbox, or of a chat.
    pub(super) fn decode(
        event: &Event,
        cursor: String,
        is_replayed: bool,
        user_id: UserId,
    ) -> events::Result<Self> {
        let (event_type, chat_id, shown) = if event.stream == INBOX_STREAM {
            let decoded = InboxEvent::decode(event)?;
            (decoded.kind.into(), decoded.chat_id, None)
        } else {
            let decoded = chats::ChatEvent::decode(event)?;
            (decoded.kind.into(), decoded.chat.id, decoded.message)
        };
        Ok(Self {
            cursor,
            event_type,
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            chat_id: chat_id.into(),
            of: ChatOfUser { chat_id, user_id },
            shown,
            is_replayed,
        })
    }
}

#[ComplexObject]
impl MyChatsEvent {
    /// The chat as it is now. Null when you are no longer a member.
    async fn chat(&self, ctx: &Context<'_>) -> Result<Option<Chat>> {
        Ok(entities(ctx)
            .chats
            .load_chat_of_user(self.of)
            .await?
            .map(Chat))
    }

    /// The message that was sent, edited or deleted. Null for other events, and when you are no longer a member. When a
    /// subscription resumes, it is the message as it is now, so one that was deleted since has no text.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        if self.shown.is_none() || self.chat(ctx).await?.is_none() {
            return Ok(None);
        }
        show_message(ctx, self.shown.as_ref(), self.is_replayed).await
    }
}
