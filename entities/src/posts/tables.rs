//! The tables of the read model. Only the follower writes them; queries read the live ones, whose names are fixed. A rebuild
//! has the same tables under other names, and replaces the live ones by renaming.

pub(super) mod post {
    //! Posts that are not deleted, with their counts.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::{access::UserId, posts::PostId};

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PostId,
        pub author_id: UserId,
        pub message: String,
        /// The folded message for searching: see `text::fold`.
        pub search_text: String,
        pub like_count: i64,
        pub comment_count: i64,
        pub version: i64,
        pub created_at: DateTime<Utc>,
        pub updated_at: DateTime<Utc>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    /// The columns that lists read, by position: looking columns up by name takes longer than decoding them.
    pub(in crate::posts) type Shown = (
        PostId,
        UserId,
        String,
        i64,
        i64,
        i64,
        DateTime<Utc>,
        DateTime<Utc>,
    );

    pub(in crate::posts) const SHOWN: [Column; 8] = [
        Column::Id,
        Column::AuthorId,
        Column::Message,
        Column::LikeCount,
        Column::CommentCount,
        Column::Version,
        Column::CreatedAt,
        Column::UpdatedAt,
    ];
}

pub(super) mod comment {
    //! Comments that were not removed, of posts that are not deleted.

    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    use crate::{
        access::UserId,
        posts::{CommentId, PostId},
    };

    #[sea_orm::model]
    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_comment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: PostId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub id: CommentId,
        pub author_id: UserId,
        pub text: String,
        pub created_at: DateTime<Utc>,
        pub edited_at: Option<DateTime<Utc>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use super::{Comment, Post};

impl From<post::Model> for Post {
    fn from(row: post::Model) -> Self {
        Self {
            id: row.id,
            author_id: row.author_id,
            message: row.message,
            like_count: row.like_count,
            comment_count: row.comment_count,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<post::Shown> for Post {
    fn from(row: post::Shown) -> Self {
        let (id, author_id, message, like_count, comment_count, version, created_at, updated_at) =
            row;
        Self {
            id,
            author_id,
            message,
            like_count,
            comment_count,
            version,
            created_at,
            updated_at,
        }
    }
}

impl From<comment::Model> for Comment {
    fn from(row: comment::Model) -> Self {
        Self {
            id: row.id,
            post_id: row.post_id,
            number: row.number,
            author_id: row.author_id,
            text: Some(row.text),
            created_at: row.created_at,
            edited_at: row.edited_at,
            removed_at: None,
        }
    }
}

/// The names of a read model's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Posts.
    pub post: String,
    /// Comments.
    pub comment: String,
    /// Likes.
    pub like: String,
}

impl Tables {
    /// Returns the tables that queries read.
    pub fn live() -> Self {
        Self::with_suffix("")
    }

    /// Returns the live names, each followed by `suffix`; it is not quoted, so it must be a constant.
    pub fn with_suffix(suffix: &'static str) -> Self {
        Self {
            post: format!("post{suffix}"),
            comment: format!("post_comment{suffix}"),
            like: format!("post_like{suffix}"),
        }
    }
}
