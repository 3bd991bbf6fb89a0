//! The inputs of chats, and their conversion to those of `entities`.

use async_graphql::{Enum, ID};
use entities::{
    chats::{self, ChatId, CreateChat, MessageId},
    users::UserId,
};

use super::object::ChatKind;
use crate::{
    error::{Error, Result},
    filter::{DateTimeFilter, IdFilter, IntFilter, OptionalStringFilter, choices, filters},
    id,
    payloads::inputs,
};

inputs! {
    /// A new chat.
    CreateChatInput {
        #[graphql(default_with = "ChatKind::Group")]
        kind: ChatKind = "The kind of chat.",
        title: Option<String> = "The title of a group, 1 to 200 characters. Omit it for a direct chat.",
        member_ids: Vec<ID> =
            "The global ids of the other members: up to 100 for a group, one for a direct chat. You always become a member.",
    }
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

inputs! {
    /// A new title for a group.
    RenameChatInput {
        id: ID = "The global id of the chat.",
        expected_version: Option<i64> =
            "The version that you expect. CONFLICT when the chat is at another version, which messages change, too.",
        title: String = "The title, 1 to 200 characters.",
    }

    /// Users to add to a group.
    AddChatMembersInput {
        id: ID = "The global id of the chat.",
        user_ids: Vec<ID> = "The global ids of 1 to 100 users. Users who are already members keep their role.",
    }

    /// A member to remove from a group.
    RemoveChatMemberInput { id: ID = "The global id of the chat.", user_id: ID = "The global id of the member, who must not be yourself." }

    /// A group to leave.
    LeaveChatInput { id: ID = "The global id of the chat." }

    /// A new message.
    SendMessageInput { chat_id: ID = "The global id of the chat.", text: String = "The text, 1 to 10,000 characters, not all of them blank." }

    /// A new text for a message.
    UpdateMessageInput {
        id: ID = "The global id of a message that you sent.",
        text: String = "The text, 1 to 10,000 characters, not all of them blank.",
    }

    /// A message to delete.
    DeleteMessageInput { id: ID = "The global id of a message that you sent." }

    /// The messages of a chat to mark as delivered.
    MarkChatDeliveredInput {
        id: ID = "The global id of the chat.",
        up_to: Option<i64> =
            "The number of the last message to mark as delivered; all messages when omitted. Messages stay delivered.",
    }

    /// The messages of a chat to mark as read.
    MarkChatReadInput {
        id: ID = "The global id of the chat.",
        up_to: Option<i64> =
            "The number of the last message to mark as read; all messages when omitted. Messages never become unread again.",
    }

    /// The chat in which you are typing.
    SetTypingInput { id: ID = "The global id of the chat." }
}

choices! {
    /// Compares the kind of a chat.
    ChatKindFilter of ChatKind as chats::ChatKind;
}

filters! {
    /// Filters a list of chats. All conditions must hold.
    ChatFilter of chats::ChatField,
    search = "Matches chats whose title contains this text, or the name or username of another member. Case is ignored." {
        id: IdFilter as Id = "The global id.",
        kind: ChatKindFilter as Kind = "The kind of chat.",
        member: IdFilter as Member = "The global id of a user who is a member.",
        title: OptionalStringFilter as Title = "The title of a group, compared by code points. A direct chat has none.",
        member_count: IntFilter as MemberCount = "The number of members.",
        version: IntFilter as Version = "The version.",
        created_at: DateTimeFilter as CreatedAt = "When it was created.",
        last_activity_at: DateTimeFilter as LastActivityAt = "When the last message was sent, or the chat created.",
        unread_count: IntFilter as UnreadCount = "The number of messages that you have not read.",
    }
}

/// The field to sort chats by.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "chats::ChatSortField")]
pub(crate) enum ChatSortField {
    /// The time of the last message, or of the creation before the first.
    #[default]
    LastActivityAt,
    /// The time of creation.
    CreatedAt,
    /// The title, compared by code points. Direct chats, which have none, come before all others.
    Title,
    /// The number of members.
    MemberCount,
}

pub(super) fn chat_id(field: &str, id: &ID) -> Result<ChatId> {
    id::decode(field, id)
}

pub(super) fn message_id(id: &ID) -> Result<MessageId> {
    id::decode("id", id)
}

pub(super) fn user_id(id: &ID) -> Result<UserId> {
    id::decode("userId", id)
}

pub(super) fn user_ids(field: &str, ids: &[ID]) -> Result<Vec<UserId>> {
    ids.iter().map(|id| id::decode(field, id)).collect()
}
