//! Events of a chat as clients see them.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use chrono::{DateTime, Utc};
use entities::chats::{self, ChatEventKind};
use events::Event;

use super::object::{Chat, ChatMember, Message};
use crate::{actor::ActorRef, error::Result, request::entities};

/// The type of an event in a chat.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "chats::ChatEventKind")]
pub(crate) enum ChatEventType {
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
    #[graphql(name = "MESSAGE_UPDATED")]
    MessageEdited,
    /// A message was deleted.
    MessageDeleted,
}

/// An event in a chat.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct ChatEvent {
    /// The cursor of the event. Subscribe with `after` to resume behind it.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    event_type: ChatEventType,
    /// Who caused it.
    actor: ActorRef,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The chat's version after the event.
    version: i64,
    /// The chat after the event; `members`, `messages` and `lastMessage` are those of now.
    chat: Chat,
    #[graphql(skip)]
    event: chats::ChatEvent,
    #[graphql(skip)]
    is_replayed: bool,
}

impl ChatEvent {
    pub(super) fn decode(event: &Event, cursor: String, is_replayed: bool) -> events::Result<Self> {
        let decoded = chats::ChatEvent::decode(event)?;
        Ok(Self {
            cursor,
            event_type: decoded.kind.into(),
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            version: decoded.chat.version,
            chat: Chat(decoded.chat.clone()),
            event: decoded,
            is_replayed,
        })
    }
}

#[ComplexObject]
impl ChatEvent {
    /// The message that was sent, updated or deleted. Null for other events. When a subscription resumes, it is the message
    /// as it is now, so one that was deleted since has no text.
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        show_message(ctx, self.event.message.as_ref(), self.is_replayed).await
    }

    /// The member who was added, was removed, or left. Null for other events.
    async fn member(&self) -> Option<ChatMember> {
        match self.event.kind {
            ChatEventKind::MemberAdded
            | ChatEventKind::MemberRemoved
            | ChatEventKind::MemberLeft => {
                let member = self.event.members.first().cloned();
                member.map(|member| (member, None).into())
            }
            _ => None,
        }
    }

    /// The member who became the owner because the previous owner left. Null for other events.
    async fn new_owner(&self) -> Option<ChatMember> {
        let owner = self.event.new_owner.clone();
        owner.map(|owner| (owner, None).into())
    }
}

/// Returns the message of an event. If the event just happened, this is the message as it was then. A replay may be of long
/// ago, and the message edited or deleted since: then this is the current message.
pub(super) async fn show_message(
    ctx: &Context<'_>,
    message: Option<&chats::ChatMessage>,
    is_replayed: bool,
) -> Result<Option<Message>> {
    let message = match message {
        Some(message) if is_replayed => entities(ctx).chats.load_message(message.id).await?,
        message => message.cloned(),
    };
    Ok(message.map(Message::from))
}
