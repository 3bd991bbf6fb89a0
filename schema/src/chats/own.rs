//! Events of the caller's own chats, as clients see them. They are shown only to members: membership is checked again when an
//! event is shown, as it may have ended since.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    chats::{
        self, ChatEventKind, ChatOfUser, INBOX_STREAM, InboxEvent, InboxEventKind, RECEIPT_STREAM,
        ReceiptEvent, ReceiptEventKind,
    },
    users::UserId,
};
use events::Event;

use super::{
    event::show_message,
    object::{Chat, Message},
};
use crate::{actor::ActorRef, error::Result, request::entities, users::UserRef};

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
    MessageUpdated,
    /// A message was deleted.
    MessageDeleted,
    /// A member received messages that you sent.
    MessagesDelivered,
    /// A member saw messages that you sent, which delivers them, too.
    MessagesSeen,
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
            ChatEventKind::MessageEdited => Self::MessageUpdated,
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

impl From<ReceiptEventKind> for MyChatsEventType {
    fn from(kind: ReceiptEventKind) -> Self {
        match kind {
            ReceiptEventKind::MessagesDelivered => Self::MessagesDelivered,
            ReceiptEventKind::MessagesSeen => Self::MessagesSeen,
        }
    }
}

/// What a member told of messages that you sent.
#[derive(SimpleObject)]
pub(crate) struct ChatReceipt {
    /// The member who received or saw the messages.
    user: UserRef,
    /// The number of the last message that they have received or seen. Earlier messages are, too.
    up_to: i64,
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
    told: Option<ReceiptEvent>,
    #[graphql(skip)]
    is_replayed: bool,
}

impl MyChatsEvent {
    /// Reads an event of the user's inbox, of what became of their messages, or of a chat.
    pub(super) fn decode(
        event: &Event,
        cursor: String,
        is_replayed: bool,
        user_id: UserId,
    ) -> events::Result<Self> {
        let (mut shown, mut told) = (None, None);
        let (event_type, chat_id) = match event.stream.as_str() {
            INBOX_STREAM => {
                let decoded = InboxEvent::decode(event)?;
                (decoded.kind.into(), decoded.chat_id)
            }
            RECEIPT_STREAM => {
                let decoded = told.insert(ReceiptEvent::decode(event)?);
                (decoded.kind.into(), decoded.chat_id)
            }
            _ => {
                let decoded = chats::ChatEvent::decode(event)?;
                shown = decoded.message;
                (decoded.kind.into(), decoded.chat.id)
            }
        };
        Ok(Self {
            cursor,
            event_type,
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            chat_id: chat_id.into(),
            of: ChatOfUser { chat_id, user_id },
            shown,
            told,
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

    /// The message that was sent, updated or deleted. Null for other events, and when you are no longer a member. When a
    /// subscription resumes, it is the message as it is now, so one that was deleted since has no text.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        if self.shown.is_none() || self.chat(ctx).await?.is_none() {
            return Ok(None);
        }
        show_message(ctx, self.shown.as_ref(), self.is_replayed).await
    }
    /// Who received or saw messages that you sent, and up to which. Null for other events, and when you are no longer a member.
    async fn receipt(&self, ctx: &Context<'_>) -> Result<Option<ChatReceipt>> {
        let Some(told) = &self.told else {
            return Ok(None);
        };
        let is_member = self.chat(ctx).await?.is_some();
        Ok(is_member.then(|| ChatReceipt {
            user: told.member_id.into(),
            up_to: told.up_to_number,
        }))
    }
}
