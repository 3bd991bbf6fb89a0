//! The events of chats, of each user's list of them, and of what became of each user's messages. Chat events carry the chat after the event and the subject of the
//! event. The shape of `data` is a contract, and `schema_version` grows when it changes.

use ::events::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Chat, ChatId, ChatKind, ChatMember, ChatMessage};
use crate::{
    access::{Action, UserId},
    counting::{Step, Tally},
    event_kinds::{EventContract, EventData, event_kinds},
};

/// The kind of stream of chats.
pub const STREAM: &str = ChatId::KIND;
/// The kind of stream of users' lists of chats; the stream's id is the user's.
pub const INBOX_STREAM: &str = "inbox";
/// The kind of stream of what became of users' messages; the stream's id is the author's.
pub const RECEIPT_STREAM: &str = "receipts";

event_kinds! {
    prefix "Chat", data ChatData version 1;

    /// The kinds of chat events.
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
}

/// The data of every chat event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatData {
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
        let (kind, data) = ChatEventKind::read(event)?;
        Ok(Self {
            kind,
            chat: data.chat,
            members: data.members,
            new_owner: data.new_owner,
            message: data.message,
        })
    }
}

impl Tally for Chat {
    type Group = ChatKind;

    const STREAM: &'static str = STREAM;
    const COUNTS: &'static str = "chat_statistics";
    const READ: Action = Action::ReadOperations;

    fn step(event: &Event) -> ::events::Result<Step<ChatKind>> {
        let ChatEvent { kind, chat, .. } = ChatEvent::decode(event)?;
        let is_new = kind == ChatEventKind::Created;
        Ok(Step {
            from: None,
            to: is_new.then_some(chat.kind),
        })
    }
}

event_kinds! {
    prefix "Chat", data InboxData version 1;

    /// The kinds of inbox events, which concern only this user.
    pub enum InboxEventKind {
        /// The user became a member of a chat.
        Joined,
        /// The user is no longer a member of a chat.
        Left,
        /// The user read messages. Sending a message marks the earlier ones as read without an event of this kind.
        Read,
    }
}

/// The data of every inbox event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InboxData {
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
        let (kind, data) = InboxEventKind::read(event)?;
        Ok(Self {
            kind,
            chat_id: data.chat_id,
        })
    }
}

event_kinds! {
    prefix "Chat", data ReceiptData version 1;

    /// The kinds of events that tell an author what became of their messages.
    pub enum ReceiptEventKind {
        /// A member received messages.
        MessagesDelivered,
        /// A member saw messages, which were delivered by that.
        MessagesSeen,
    }
}

/// The data of every event that tells an author what became of their messages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptData {
    /// The author, who is told.
    pub author_id: UserId,
    /// The chat.
    pub chat_id: ChatId,
    /// Who received or saw the messages.
    pub member_id: UserId,
    /// The number of the last of them.
    pub up_to_number: i64,
}

/// An event that tells an author what became of their messages, read from the log.
#[derive(Debug, Clone)]
pub struct ReceiptEvent {
    /// What happened.
    pub kind: ReceiptEventKind,
    /// The chat.
    pub chat_id: ChatId,
    /// Who received or saw the messages.
    pub member_id: UserId,
    /// The number of the last of them.
    pub up_to_number: i64,
}

impl ReceiptEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let (kind, data) = ReceiptEventKind::read(event)?;
        Ok(Self {
            kind,
            chat_id: data.chat_id,
            member_id: data.member_id,
            up_to_number: data.up_to_number,
        })
    }
}

/// Returns the contracts of these events.
pub(crate) fn event_contracts() -> Vec<EventContract> {
    let chats = ChatEventKind::contracts(STREAM);
    let inboxes = InboxEventKind::contracts(INBOX_STREAM);
    let receipts = ReceiptEventKind::contracts(RECEIPT_STREAM);
    chats.chain(inboxes).chain(receipts).collect()
}
