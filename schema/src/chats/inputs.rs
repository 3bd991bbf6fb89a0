//! The inputs of chats, and how they become those of `entities`.

use async_graphql::{ID, InputObject, Result};
use entities::chats::CreateChat;
use uuid::Uuid;

use super::{KIND, MESSAGE_KIND, object::ChatKind};
use crate::{id, users};

/// A new chat.
#[derive(InputObject)]
pub(crate) struct CreateChatInput {
    /// What sort of chat.
    #[graphql(default_with = "ChatKind::Group")]
    kind: ChatKind,
    /// 1 to 200 characters for a group; left out for a direct chat.
    title: Option<String>,
    /// The other members: up to 100 users for a group, one for a direct chat. You are a member in any case.
    member_ids: Vec<ID>,
}

impl TryFrom<CreateChatInput> for CreateChat {
    type Error = async_graphql::Error;

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
    /// The chat.
    pub(super) chat_id: ID,
    /// 1 to 200 characters.
    pub(super) title: String,
}

/// Users to add to a group.
#[derive(InputObject)]
pub(crate) struct AddChatMembersInput {
    /// The chat.
    pub(super) chat_id: ID,
    /// 1 to 100 users; those who are members already stay what they are.
    pub(super) user_ids: Vec<ID>,
}

/// A member to remove from a group.
#[derive(InputObject)]
pub(crate) struct RemoveChatMemberInput {
    /// The chat.
    pub(super) chat_id: ID,
    /// Another member.
    pub(super) user_id: ID,
}

/// A group to leave.
#[derive(InputObject)]
pub(crate) struct LeaveChatInput {
    /// The chat.
    pub(super) chat_id: ID,
}

/// A new message.
#[derive(InputObject)]
pub(crate) struct SendMessageInput {
    /// The chat.
    pub(super) chat_id: ID,
    /// 1 to 10,000 characters, not all of them blank.
    pub(super) text: String,
}

/// A new text for a message.
#[derive(InputObject)]
pub(crate) struct EditMessageInput {
    /// Your message.
    pub(super) message_id: ID,
    /// 1 to 10,000 characters, not all of them blank.
    pub(super) text: String,
}

/// A message to delete.
#[derive(InputObject)]
pub(crate) struct DeleteMessageInput {
    /// Your message.
    pub(super) message_id: ID,
}

/// What was read of a chat.
#[derive(InputObject)]
pub(crate) struct MarkChatReadInput {
    /// The chat.
    pub(super) chat_id: ID,
    /// The number of the last message that was read; left out, all are. What was read stays read.
    pub(super) up_to: Option<i64>,
}

/// Where you are typing.
#[derive(InputObject)]
pub(crate) struct SetTypingInput {
    /// The chat.
    pub(super) chat_id: ID,
}

pub(super) fn chat_id(id: &ID) -> Result<Uuid> {
    id::decode_as(KIND, "chatId", id)
}

pub(super) fn message_id(id: &ID) -> Result<Uuid> {
    id::decode_as(MESSAGE_KIND, "messageId", id)
}

pub(super) fn user_id(id: &ID) -> Result<Uuid> {
    id::decode_as(users::KIND, "userId", id)
}

pub(super) fn user_ids(field: &str, ids: &[ID]) -> Result<Vec<Uuid>> {
    ids.iter()
        .map(|id| id::decode_as(users::KIND, field, id))
        .collect()
}
