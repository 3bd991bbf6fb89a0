//! Comments as clients see them.

use std::sync::Arc;

use async_graphql::{ID, ScalarType, SimpleObject, Value, parser::types::Field};
use chrono::{DateTime, Utc};
use entities::{posts, users};

use crate::{
    plain::{Plain, time},
    users::UserRef,
};

/// A comment on a post.
#[derive(SimpleObject)]
pub(crate) struct Comment {
    /// The global id.
    id: ID,
    /// The sequence number among all comments that the post ever had: 1, 2, 3, …
    number: i64,
    /// The user who wrote it.
    author: UserRef,
    /// The text, 1 to 2,000 characters. Null when the comment was removed.
    text: Option<String>,
    /// When the comment was added.
    created_at: DateTime<Utc>,
    /// When the text was last edited. Null when it never was.
    edited_at: Option<DateTime<Utc>>,
    /// When the comment was removed. Null when it was not. Lists do not include removed comments.
    removed_at: Option<DateTime<Utc>>,
}

impl Comment {
    pub(super) fn with_author(row: posts::Comment, author: Option<Arc<users::User>>) -> Self {
        Self {
            id: row.id.into(),
            number: row.number,
            author: UserRef::new(row.author_id, author),
            text: row.text,
            created_at: row.created_at,
            edited_at: row.edited_at,
            removed_at: row.removed_at,
        }
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
            "removedAt" => time(self.removed_at),
            _ => return None,
        })
    }
}

impl From<posts::Comment> for Comment {
    fn from(row: posts::Comment) -> Self {
        Self::with_author(row, None)
    }
}
