//! The inputs of chats, and their conversion to those of `entities`.

use async_graphql::{ID, InputObject};
use entities::{
    chats::{ChatId, CreateChat, MessageId},
    users::UserId,
};

use super::object::ChatKind;
use crate::{
    error::{Error, Result},
    id,
};

/// A new chat.
#[derive(InputObject)]
pub(crate) struct CreateChatInput {
    /// The kind of chat.
    #[graphql(default_with = "ChatKind::Group")]
    kind: ChatKind,
    /// The title of a group, 1 to 200 characters. Omit it for a direct chat.
    title: Option<String>,
    /// The global ids of the other members: up to 100 for a group, one for a direct chat. You always become a member.
    member_ids: Vec<ID>,
}

impl TryFrom<CreateChatInput> for CreateChat {
    type Error = Error;

    fn try_from(input: CreateChatInput) -> Result<Self> {
        Ok(Self {
            kind: input.kind.into(),
            title: input.title,
            member_ids: user_ids("memberIds", &input.member_ids)?,
        })
    }
}

/// A new title for a group.
#[derive(InputObject)]
pub(crate) struct RenameChatInput {
    /// The chat in question.
    pub(super) chat_id: ID,
    /// The title, 1 to 200 characters.
    pub(super) title: String,
}

/// Users to add to a group.
#[derive(InputObject)]
pub(crate) struct AddChatMembersInput {
    /// The chat in question.
    pub(super) chat_id: ID,
    /// The global ids of 1 to 100 users. Users who are already members keep their role.
    pub(super) user_ids: Vec<ID>,
}

/// A member to remove from a group.
#[derive(InputObject)]
pub(crate) struct RemoveChatMemberInput {
    /// The chat in question.
    pub(super) chat_id: ID,
    /// The global id of the member, who must not be yourself.
    pub(super) user_id: ID,
}

/// A group to leave.
#[derive(InputObject)]
pub(crate) struct LeaveChatInput {
    /// The chat in question.
    pub(super) chat_id: ID,
}

/// A new message.
#[derive(InputObject)]
pub(crate) struct SendMessageInput {
    /// The chat in question.
    pub(super) chat_id: ID,
    /// The text, 1 to 10,000 characters, not all of them blank.
    pub(super) text: String,
}

/// A new text for a message.
#[derive(InputObject)]
pub(crate) struct EditMessageInput {
    /// The global id of a message that you sent.
    pub(super) message_id: ID,
    /// The text, 1 to 10,000 characters, not all of them blank.
    pub(super) text: String,
}

/// A message to delete.
#[derive(InputObject)]
pub(crate) struct DeleteMessageInput {
    /// The global id of a message that you sent.
    pub(super) message_id: ID,
}

/// The messages of a chat to mark as read.
#[derive(InputObject)]
pub(crate) struct MarkChatReadInput {
    /// The chat in question.
    pub(super) chat_id: ID,
    /// The number of the last message to mark as read; all messages when omitted. Messages never become unread again.
    pub(super) up_to: Option<i64>,
}

/// The global id of the chat in which you are typing.
#[derive(InputObject)]
pub(crate) struct SetTypingInput {
    /// The chat in question.
    pub(super) chat_id: ID,
}

pub(super) fn chat_id(id: &ID) -> Result<ChatId> {
    id::decode("chatId", id)
}

pub(super) fn message_id(id: &ID) -> Result<MessageId> {
    id::decode("messageId", id)
}

pub(super) fn user_id(id: &ID) -> Result<UserId> {
    id::decode("userId", id)
}

pub(super) fn user_ids(field: &str, ids: &[ID]) -> Result<Vec<UserId>> {
    ids.iter().map(|id| id::decode(field, id)).collect()
}
