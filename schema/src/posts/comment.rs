//! Comments as clients see them.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, ID, ScalarType, SimpleObject, Value, parser::types::Field,
};
use chrono::{DateTime, Utc};
use entities::{
    posts::{self, PostId, PostState},
    users,
};

use super::object::Post;
use crate::{
    error::Result,
    plain::{Plain, Shown, time},
    request::{Read, reading, shown},
    users::UserRef,
};

/// A comment on a post.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Comment {
    #[graphql(skip)]
    post_id: PostId,
    /// The fold that the comment comes from, unless it comes from the read model.
    #[graphql(skip)]
    state: Option<Arc<PostState>>,
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The sequence number among all comments that the post ever had: 1, 2, 3, …
    number: i64,
    /// The user who wrote it.
    author: UserRef,
    /// The text, 1 to 2,000 characters. Null when the comment was deleted.
    text: Option<String>,
    /// When the comment was added.
    created_at: DateTime<Utc>,
    /// When the text was last edited. Null when it never was.
    edited_at: Option<DateTime<Utc>>,
    /// When the comment was deleted. Null when it was not. Lists do not include deleted comments.
    deleted_at: Option<DateTime<Utc>>,
}

impl Comment {
    pub(super) fn author_id(&self) -> users::UserId {
        self.author.id()
    }

    pub(super) fn with_author(row: posts::Comment, author: Option<Arc<users::User>>) -> Self {
        Self {
            post_id: row.post_id,
            state: None,
            id: row.id.into(),
            number: row.number,
            author: UserRef::new(row.author_id, author),
            text: row.text,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.removed_at,
        }
    }
}

impl Comment {
    /// Returns the comment of a fold, whose post is that of the fold.
    pub(super) fn of_state(row: posts::Comment, state: &Arc<PostState>) -> Self {
        Self {
            state: Some(state.clone()),
            ..Self::from(row)
        }
    }
}

#[ComplexObject]
impl Comment {
    /// The post that it is on. Null when the post was deleted.
    async fn post(&self, ctx: &Context<'_>) -> Result<Option<Shown<Post>>> {
        let post = match &self.state {
            Some(state) => Post::of_state(state),
            None => {
                let posts = &reading(ctx, Read::Stream(self.post_id.stream())).posts;
                let post = posts.load_post(self.post_id).await?;
                shown(ctx, post)?.map(Post::from)
            }
        };
        Ok(post.map(Shown))
    }
}

impl Plain for Comment {
    fn plain(&self, field: &Field) -> Option<Value> {
        Some(match field.name.node.as_str() {
            "id" => self.id.to_value(),
            "number" => self.number.to_value(),
            "author" => return self.author.plain(field),
            "text" => self.text.clone().into(),
            "createdAt" => self.created_at.to_value(),
            "editedAt" => time(self.edited_at),
            "deletedAt" => time(self.deleted_at),
            _ => return None,
        })
    }
}

impl From<posts::Comment> for Comment {
    fn from(row: posts::Comment) -> Self {
        Self::with_author(row, None)
    }
}
