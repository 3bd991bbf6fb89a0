//! Why commands on chats are refused, besides the reasons of all domains.

use std::time::Duration;

use super::rules::MEMBERS;
use crate::{CommandError, Failure, Refusal};

/// Why a command on chats failed. For callers who are not members, a chat and its messages are not found.
pub type ChatError = CommandError<ChatRefusal>;

/// The reasons that only chats have.
#[derive(Debug, thiserror::Error)]
pub enum ChatRefusal {
    /// The caller announces that they are typing more often than anybody types.
    #[error("you say that you are typing too often")]
    TooOften {
        /// When the next announcement is allowed.
        retry_after: Duration,
    },
    /// The user to remove is not a member of the chat.
    #[error("the user is not a member of this chat")]
    MemberNotFound,
    /// Only the owner may remove members.
    #[error("only the owner of the chat may remove members")]
    NotOwner,
    /// Only the author may change a message.
    #[error("only the author may change a message")]
    NotAuthor,
    /// The members and the title of a direct chat cannot change.
    #[error("a direct chat keeps its two members and has no title")]
    Direct,
    /// The message is deleted, so its text cannot change.
    #[error("the message is deleted")]
    MessageDeleted,
    /// The chat would exceed the largest number of members.
    #[error("a chat has at most {MEMBERS} members")]
    TooManyMembers,
}

impl Refusal for ChatRefusal {
    fn failure(&self) -> Failure {
        match self {
            Self::TooOften { retry_after } => Failure::TooOften(*retry_after),
            Self::MemberNotFound => Failure::NotFound,
            Self::NotOwner | Self::NotAuthor => Failure::Forbidden,
            Self::Direct | Self::MessageDeleted | Self::TooManyMembers => Failure::Conflict,
        }
    }
}
