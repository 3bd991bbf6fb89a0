//! The post and the comment as readers see them, from the read model or from a fold.

use chrono::{DateTime, Utc};

use super::events::PostCommentAdded;
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
    /// The author.
    pub author_id: UserId,
    /// The message.
    pub message: String,
    /// How many users like it.
    pub like_count: i64,
    /// The number of comments, without removed ones.
    pub comment_count: i64,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed, liked or commented on.
    pub updated_at: DateTime<Utc>,
}

/// A comment on a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The post that it belongs to.
    pub post_id: PostId,
    /// 1, 2, 3, … within the post; removed comments keep their numbers.
    pub number: i64,
    /// The author.
    pub author_id: UserId,
    /// The text; `None` if the comment was removed.
    pub text: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When its text was last changed, if it was.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was removed, if it was.
    pub removed_at: Option<DateTime<Utc>>,
}

impl Comment {
    /// Returns the comment that an event added.
    pub(super) fn added(post_id: PostId, added: &PostCommentAdded, at: DateTime<Utc>) -> Self {
        Self {
            id: added.comment_id,
            post_id,
            number: added.number,
            author_id: added.author_id,
            text: Some(added.text.clone()),
            created_at: at,
            edited_at: None,
            removed_at: None,
        }
    }
}
