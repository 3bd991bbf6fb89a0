//! Everything a command on posts can answer instead of success.

use events::AsRetryable;

use super::rules::COMMENTS;
use crate::{KeyReused, Violations, access::AccessError};

/// Why a command on posts failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no such post, or it is deleted.
    #[error("post not found")]
    NotFound,
    /// The post has no such comment, or it was removed.
    #[error("comment not found")]
    CommentNotFound,
    /// Only the author may do this.
    #[error("only the author may do this")]
    NotAuthor,
    /// The post has had as many comments as a post can get.
    #[error("a post gets at most {COMMENTS} comments")]
    TooManyComments,
    /// The post was changed since the caller read it.
    #[error("the post is at version {current}")]
    VersionConflict {
        /// Its version now.
        current: i64,
    },
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

impl AsRetryable for PostError {
    fn is_retryable(&self) -> bool {
        match self {
            // The loser of two appends folds the winner's event when it runs again.
            Self::Log(events::Error::VersionConflict) => true,
            Self::Log(error) => error.is_retryable(),
            _ => false,
        }
    }
}
