//! What happens in one's own chats, as clients see it. It is shown only while one is a member: that is looked up again
//! when the event is shown, as it may have changed after it.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::chats::{self, ChatEventKind, ChatOfUser, INBOX_STREAM, InboxEvent, InboxEventKind};
use uuid::Uuid;

use super::{
    KIND,
    happened::Happened,
    loaders::load_chat_of_user,
    object::{Chat, Message},
};
use crate::id;

/// What can happen in your chats.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum MyChatsEventType {
    /// You became a member of the chat, or created it.
    Joined,
    /// You are no member of the chat any more. MEMBER_REMOVED or MEMBER_LEFT may come before it, or not.
    Left,
    /// You read messages, on any of your devices. Sending reads too, without an event of this type.
    Read,
    /// The chat was created.
    Created,
    /// The chat got another title.
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

/// Something that happened in one of your chats, or to your list of them.
pub(crate) struct MyChatsEvent {
    happened: Happened,
    event_type: MyChatsEventType,
    chat: ChatOfUser,
    message: Option<chats::ChatMessage>,
}

impl MyChatsEvent {
    /// Reads an event of the user's inbox, or of a chat.
    pub(super) fn decode(
        event: &events::Event,
        happened: Happened,
        user_id: Uuid,
    ) -> events::Result<Self> {
        let (event_type, chat_id, message) = if event.stream == INBOX_STREAM {
            let decoded = InboxEvent::decode(event)?;
            (decoded.kind.into(), decoded.chat_id, None)
        } else {
            let decoded = chats::ChatEvent::decode(event)?;
            (decoded.kind.into(), decoded.chat.id, decoded.message)
        };
        Ok(Self {
            happened,
            event_type,
            chat: ChatOfUser { chat_id, user_id },
            message,
        })
    }
}

#[Object]
impl MyChatsEvent {
    /// The event's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.happened.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn event_type(&self) -> MyChatsEventType {
        self.event_type
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.happened.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.happened.occurred_at
    }

    /// The chat's global id, also when you are no member any more.
    async fn chat_id(&self) -> ID {
        id::encode(KIND, self.chat.chat_id)
    }

    /// The chat as it is now; null when you are no member any more.
    async fn chat(&self, ctx: &Context<'_>) -> Result<Option<Chat>> {
        Ok(load_chat_of_user(ctx, self.chat).await?.map(Chat))
    }

    /// The message that was sent, edited or deleted; null for other events, and when you are no member any more. When
    /// you resume, it is as it is now: a message deleted since has no text.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        if self.message.is_none() || load_chat_of_user(ctx, self.chat).await?.is_none() {
            return Ok(None);
        }
        self.happened.message(ctx, self.message.as_ref()).await
    }
}
