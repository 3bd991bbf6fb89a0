//! The events of chats, and of each user's list of them. Chat events carry the chat after the event and the subject of the
//! event. The shape of `data` is a contract, and `schema_version` grows when it changes.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Chat, ChatId, ChatMember, ChatMessage};
use crate::access::UserId;

/// The kind of stream of chats.
pub const STREAM: &str = ChatId::KIND;
/// The kind of stream of users' lists of chats; the stream's id is the user's.
pub const INBOX_STREAM: &str = "inbox";

const SCHEMA_VERSION: i16 = 1;

/// The kinds of chat events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatEventKind {
    /// The chat was created.
    Created,
    /// The title was changed.
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

impl ChatEventKind {
    const ALL: [Self; 8] = [
        Self::Created,
        Self::Renamed,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::MemberLeft,
        Self::MessageSent,
        Self::MessageEdited,
        Self::MessageDeleted,
    ];

    /// Returns the event type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "ChatCreated",
            Self::Renamed => "ChatRenamed",
            Self::MemberAdded => "ChatMemberAdded",
            Self::MemberRemoved => "ChatMemberRemoved",
            Self::MemberLeft => "ChatMemberLeft",
            Self::MessageSent => "ChatMessageSent",
            Self::MessageEdited => "ChatMessageEdited",
            Self::MessageDeleted => "ChatMessageDeleted",
        }
    }
}

/// The data of every chat event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatData {
    /// The chat after the event.
    pub chat: Chat,
    /// All members of a new chat; otherwise the one who came or went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<ChatMember>,
    /// The owner after the owner left; absent when nobody is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<ChatMember>,
    /// The message after it was sent, edited or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<ChatMessage>,
}

/// A chat event, read from the log.
#[derive(Debug, Clone)]
pub struct ChatEvent {
    /// What happened.
    pub kind: ChatEventKind,
    /// The chat after the event.
    pub chat: Chat,
    /// All members of a new chat; otherwise the one who joined or left.
    pub members: Vec<ChatMember>,
    /// The new owner, if the owner left.
    pub new_owner: Option<ChatMember>,
    /// The message that the event is about, as it was after the event.
    pub message: Option<ChatMessage>,
}

impl ChatEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let kind = ChatEventKind::ALL
            .into_iter()
            .find(|kind| kind.name() == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data: ChatData = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok(Self {
            kind,
            chat: data.chat,
            members: data.members,
            new_owner: data.new_owner,
            message: data.message,
        })
    }
}

pub(super) fn new_chat_event(
    kind: ChatEventKind,
    data: &ChatData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, ChatData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

/// The kinds of inbox events, which concern only this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxEventKind {
    /// The user became a member of a chat.
    Joined,
    /// The user is no longer a member of a chat.
    Left,
    /// The user read messages. Sending a message marks the earlier ones as read without an event of this kind.
    Read,
}

impl InboxEventKind {
    const ALL: [Self; 3] = [Self::Joined, Self::Left, Self::Read];

    /// Returns the event type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joined => "ChatJoined",
            Self::Left => "ChatLeft",
            Self::Read => "ChatRead",
        }
    }
}

/// The data of every inbox event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InboxData {
    /// Whose inbox it is.
    pub user_id: UserId,
    /// The chat it is about.
    pub chat_id: ChatId,
    /// Messages up to this number are read.
    pub last_read_number: i64,
}

/// An inbox event, read from the log.
#[derive(Debug, Clone)]
pub struct InboxEvent {
    /// What happened.
    pub kind: InboxEventKind,
    /// The chat that the event is about.
    pub chat_id: ChatId,
}

impl InboxEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let kind = InboxEventKind::ALL
            .into_iter()
            .find(|kind| kind.name() == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data: InboxData = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok(Self {
            kind,
            chat_id: data.chat_id,
        })
    }
}

pub(super) fn new_inbox_event(
    kind: InboxEventKind,
    data: &InboxData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, InboxData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

fn malformed(source: serde_json::Error) -> ::events::Error {
    ::events::Error::Malformed {
        what: "chat event",
        source,
    }
}

/// Returns the contract: the JSON Schema of the data of each event type, by name and version.
pub fn event_schemas() -> serde_json::Map<String, Value> {
    let named = |name: &str, schema: &Value| (format!("{name}.v{SCHEMA_VERSION}"), schema.clone());
    let chat = schema_for!(ChatData).to_value();
    let inbox = schema_for!(InboxData).to_value();
    let chats = ChatEventKind::ALL.map(|kind| named(kind.name(), &chat));
    let inboxes = InboxEventKind::ALL.map(|kind| named(kind.name(), &inbox));
    chats.into_iter().chain(inboxes).collect()
}
