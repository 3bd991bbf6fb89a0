//! The inputs of posts, and their conversion to those of `entities`.

use async_graphql::{Enum, ID};
use entities::posts::{self, ChangePost, CommentId, PostId};

use crate::{
    error::Result,
    filter::{DateTimeFilter, IdFilter, IntFilter, filters},
    id,
    payloads::inputs,
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
        id: ID = "The global id of the comment.",
        text: String = "The text, 1 to 2,000 characters.",
    }

    /// A comment to delete.
    DeleteCommentInput { id: ID = "The global id of the comment." }
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

pub(super) fn comment_id(id: &ID) -> Result<CommentId> {
    id::decode("id", id)
}

filters! {
    /// Filters a list of posts. All conditions must hold.
    PostFilter of posts::PostField,
    search = "Matches posts whose message contains this text. Case is ignored." {
        id: IdFilter as Id = "The global id.",
        author: IdFilter as AuthorId = "The global id of the author.",
        like_count: IntFilter as LikeCount = "The number of likes.",
        comment_count: IntFilter as CommentCount = "The number of comments, without removed ones.",
        version: IntFilter as Version = "The version.",
        created_at: DateTimeFilter as CreatedAt = "When it was created.",
        updated_at: DateTimeFilter as UpdatedAt = "When it was changed last.",
    }
}

/// The field to sort posts by.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "posts::PostSortField")]
pub(crate) enum PostSortField {
    /// The time of creation.
    #[default]
    CreatedAt,
    /// The number of likes. Likes that arrive while you page move posts between pages.
    LikeCount,
    /// The number of comments, without removed ones. Comments that arrive while you page move posts between pages.
    CommentCount,
}
