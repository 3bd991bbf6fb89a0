//! Why commands on chats are refused, besides the reasons of all domains.

use std::time::Duration;

use super::rules::MEMBERS;
use crate::{CommandError, Failure, Refusal};

/// Why a command on chats failed. To those who are no members, a chat and its messages are not found.
pub type ChatError = CommandError<ChatRefusal>;

/// The reasons that only chats have.
#[derive(Debug, thiserror::Error)]
pub enum ChatRefusal {
    /// The caller says to be typing more often than anybody types.
    #[error("you say that you are typing too often")]
    TooOften {
        /// When the next time is allowed.
        retry_after: Duration,
    },
    /// The user to remove is no member of the chat.
    #[error("the user is not a member of this chat")]
    MemberNotFound,
    /// Only the owner removes members.
    #[error("only the owner of the chat may remove members")]
    NotOwner,
    /// Only the author changes a message.
    #[error("only the author may change a message")]
    NotAuthor,
    /// A direct chat keeps its members, and has no title.
    #[error("a direct chat keeps its two members and has no title")]
    Direct,
    /// The message is deleted, so its text cannot change.
    #[error("the message is deleted")]
    MessageDeleted,
    /// The chat would have more members than a chat can have.
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
