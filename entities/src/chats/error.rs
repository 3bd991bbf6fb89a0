//! Everything a chat command can answer instead of success.

use std::time::Duration;

use events::AsRetryable;

use super::rules::MEMBERS;
use crate::{KeyReused, Violations, access::AccessError};

/// Why a command on chats failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The caller says to be typing more often than anybody types.
    #[error("you say that you are typing too often")]
    TooOften {
        /// When the next time is allowed.
        retry_after: Duration,
    },
    /// There is no such chat, or the caller is no member of it: the two are never told apart.
    #[error("chat not found")]
    NotFound,
    /// There is no such message, or it is in a chat that the caller is no member of.
    #[error("message not found")]
    MessageNotFound,
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
    /// The input breaks rules.
    #[error("the input is not valid")]
    Invalid(Violations),
    /// The caller may not do that, or nobody knows who the caller is.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The log or the database failed.
    #[error(transparent)]
    Log(#[from] events::Error),
}

impl From<sea_orm::DbErr> for ChatError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Log(error.into())
    }
}

impl AsRetryable for ChatError {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends sees the winner's version when it runs again.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}
