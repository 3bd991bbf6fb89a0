//! The inputs of posts, and their conversion to those of `entities`.

use async_graphql::{Enum, ID, InputObject};
use entities::{
    Violations,
    posts::{self, ChangeComment, ChangePost, PostId},
};

use crate::{
    error::{self, Error, Result},
    id,
    payloads::inputs,
    price::{SEARCH, cost},
};

inputs! {
    /// A new post.
    CreatePostInput { message: String = "The text, 1 to 10,000 characters." }

    /// A new message for a post of your own.
    UpdatePostInput {
        id: ID = "The global id of the post.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when the post is at another version.",
        message: String = "The text, 1 to 10,000 characters.",
    }

    /// A post to like.
    LikePostInput { id: ID = "The global id of the post." }

    /// A post to take your like back from.
    UnlikePostInput { id: ID = "The global id of the post." }

    /// A post to delete.
    DeletePostInput {
        id: ID = "The global id of the post.",
        expected_version: Option<i64> = "The version that you expect. CONFLICT when the post is at another version.",
    }

    /// A new comment.
    AddCommentInput { post_id: ID = "The global id of the post to comment on.", text: String = "The text, 1 to 2,000 characters." }

    /// A new text for a comment of your own.
    UpdateCommentInput {
        post_id: ID = "The global id of the post that the comment is on.",
        id: ID = "The global id of the comment.",
        text: String = "The text, 1 to 2,000 characters.",
    }

    /// A comment to delete.
    DeleteCommentInput { post_id: ID = "The global id of the post that the comment is on.", id: ID = "The global id of the comment." }
}

pub(super) fn post_id(field: &str, id: &ID) -> Result<PostId> {
    id::decode(field, id)
}

pub(super) fn post_target(id: &ID, expected_version: Option<i64>) -> Result<ChangePost> {
    Ok(ChangePost {
        id: post_id("id", id)?,
        expected_version,
    })
}

pub(super) fn comment_target(post: &ID, comment: &ID) -> Result<ChangeComment> {
    Ok(ChangeComment {
        post_id: post_id("postId", post)?,
        id: id::decode("id", comment)?,
    })
}

/// Filters a list of posts. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct PostFilter {
    /// Matches posts by the user with this global id.
    author: Option<ID>,
    /// Matches only posts with comments, or only those without.
    has_comments: Option<bool>,
    /// Matches posts with at least this number of likes.
    min_likes: Option<i32>,
    /// Matches posts whose message contains this text. Case is ignored.
    #[graphql(directive = cost::apply(SEARCH.to_owned()))]
    search: Option<String>,
}

impl TryFrom<PostFilter> for posts::PostFilter {
    type Error = Error;

    fn try_from(filter: PostFilter) -> Result<Self> {
        if filter.min_likes.is_some_and(|least| least < 0) {
            let message = "must not be negative";
            return Err(error::invalid(Violations::one(
                "minLikes", "range", message,
            )));
        }
        let author = filter.author.as_ref();
        Ok(Self {
            author_id: author.map(|id| id::decode("author", id)).transpose()?,
            has_comments: filter.has_comments,
            min_likes: filter.min_likes.map(i64::from),
            search: filter.search,
        })
    }
}

/// The order of a list of posts.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "posts::PostSort")]
pub(crate) enum PostSort {
    /// The newest posts first.
    Newest,
    /// The most liked posts first. Likes that arrive while you page move posts between pages.
    MostLiked,
}
