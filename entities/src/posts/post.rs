//! What a post and a comment are to those who read them, wherever they come from: the read model or a fold.

use chrono::{DateTime, Utc};

use crate::{access::UserId, id::ids};

ids! {
    /// A post's id.
    PostId = Id<OfPost>, "post";
    /// The id of a comment on a post.
    CommentId = Id<OfComment>, "comment";
}

/// A post that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub message: String,
    /// How many users like it.
    pub like_count: i64,
    /// How many comments it has, without those that were removed.
    pub comment_count: i64,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
}

/// A comment on a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// 1, 2, 3, … within the post, also counting comments that were removed.
    pub number: i64,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says; absent when it was removed.
    pub text: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When its text was changed last, if it was.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was removed, if it was.
    pub removed_at: Option<DateTime<Utc>>,
}
