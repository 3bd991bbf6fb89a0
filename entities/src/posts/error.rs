//! Why commands on posts are refused, besides the reasons of all domains.

use super::rules::COMMENTS;
use crate::{CommandError, Failure, Refusal};

/// Why a command on posts failed.
pub type PostError = CommandError<PostRefusal>;

/// The reasons that only posts have.
#[derive(Debug, thiserror::Error)]
pub enum PostRefusal {
    /// Only the author may do this.
    #[error("only the author may do this")]
    NotAuthor,
    /// The post has received the largest number of comments.
    #[error("a post gets at most {COMMENTS} comments")]
    TooManyComments,
}

impl Refusal for PostRefusal {
    fn failure(&self) -> Failure {
        match self {
            Self::NotAuthor => Failure::Forbidden,
            Self::TooManyComments => Failure::Conflict,
        }
    }
}
