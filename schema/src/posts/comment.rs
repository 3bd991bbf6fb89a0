//! Comments as clients see them, and their pages.

use std::sync::Arc;

use async_graphql::{
    Context, ID, SimpleObject,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use entities::{
    SortKey,
    posts::{self, CommentsOf, PostId, PostState, page_of_state},
    users,
};
use serde::{Deserialize, Serialize};

use super::loaders::{CommentPage, load_comments};
use crate::{
    connection::{ListCursor, PageArguments},
    error::Result,
    request::{entities, shown},
    users::UserRef,
};

/// What orders comments: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum CommentOrder {
    #[serde(rename = "comments")]
    OldestFirst,
}

pub(crate) type CommentConnection = Connection<ListCursor<CommentOrder>, Comment>;

/// Returns whether the request selects the authors of this connection's comments.
pub(super) fn shows_authors(ctx: &Context<'_>) -> bool {
    let shown = ctx.look_ahead();
    let in_edges = shown.field("edges").field("node").field("author");
    in_edges.exists() || shown.field("nodes").field("author").exists()
}

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

impl From<posts::Comment> for Comment {
    fn from(row: posts::Comment) -> Self {
        Self::with_author(row, None)
    }
}

/// Returns a page of a post's comments: from the fold, if the post comes from one.
pub(super) async fn connect(
    ctx: &Context<'_>,
    post_id: PostId,
    state: Option<&PostState>,
    arguments: PageArguments,
) -> Result<CommentConnection> {
    let request = arguments.request(|cursor: &ListCursor<CommentOrder>| {
        matches!(cursor.edge.key, SortKey::Number(_))
    })?;
    let is_first = request.after.is_none() && request.before.is_none();
    let page = match state {
        Some(state) => without_authors(page_of_state(state, &request)),
        None if is_first => {
            let of = CommentsOf {
                post_id,
                limit: request.limit,
                from_end: request.from_end,
            };
            load_comments(ctx, of, shows_authors(ctx)).await?
        }
        None => {
            let page = entities(ctx).posts.list_comments(post_id, &request).await;
            without_authors(shown(ctx, page?)?)
        }
    };
    let sort = CommentOrder::OldestFirst;
    let mut connection = Connection::new(page.has_previous, page.has_next);
    connection.edges = page
        .items
        .into_iter()
        .map(|(edge, row, author)| {
            Edge::new(ListCursor { sort, edge }, Comment::with_author(row, author))
        })
        .collect();
    Ok(connection)
}

fn without_authors(page: entities::Page<posts::Comment>) -> CommentPage {
    let items = page.items.into_iter();
    CommentPage {
        items: items.map(|(edge, comment)| (edge, comment, None)).collect(),
        has_previous: page.has_previous,
        has_next: page.has_next,
    }
}
