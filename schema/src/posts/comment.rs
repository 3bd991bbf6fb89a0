//! Comments as clients see them, and pages of them.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Object, Result, ScalarType, Value,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use entities::{
    SortKey,
    posts::{self, CommentsOf, PostState, page_of_state},
    users,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    COMMENT_KIND,
    loaders::{CommentPage, load_comments},
};
use crate::{
    at_hand::{AtHand, Quick, Selected},
    connection::{ListCursor, PageArguments},
    error::{codes, error, from_log},
    id,
    request::{entities, shown},
    users::{User, load_user},
};

/// What orders comments: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum CommentOrder {
    #[serde(rename = "comments")]
    OldestFirst,
}

/// The user with this id, who is known to exist: users are never removed.
pub(super) async fn get_user(ctx: &Context<'_>, id: Uuid) -> Result<Quick<User>> {
    let user = load_user(ctx, id).await?;
    user.map(|user| Quick(user.into()))
        .ok_or_else(|| error(codes::INTERNAL, "internal error"))
}

/// Whether the authors of what this connection has are asked for.
pub(super) fn shows_authors(ctx: &Context<'_>) -> bool {
    let shown = ctx.look_ahead();
    let in_edges = shown.field("edges").field("node").field("author");
    in_edges.exists() || shown.field("nodes").field("author").exists()
}

/// A comment on a post.
pub(crate) struct Comment {
    row: posts::Comment,
    author: Option<Arc<users::User>>,
}

impl From<posts::Comment> for Comment {
    fn from(row: posts::Comment) -> Self {
        Self { row, author: None }
    }
}

#[Object]
impl Comment {
    /// The global id.
    async fn id(&self) -> ID {
        id::encode(COMMENT_KIND, self.row.id)
    }

    /// Its place among all comments that the post ever had: 1, 2, 3, …
    async fn number(&self) -> i64 {
        self.row.number
    }

    /// Who wrote it.
    async fn author(&self, ctx: &Context<'_>) -> Result<Quick<User>> {
        match &self.author {
            Some(author) => Ok(Quick(author.clone().into())),
            None => get_user(ctx, self.row.author_id).await,
        }
    }

    /// What it says, 1 to 2,000 characters; null when it was removed.
    async fn text(&self) -> Option<&str> {
        self.row.text.as_deref()
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When its text was changed last; null unless it was.
    async fn edited_at(&self) -> Option<DateTime<Utc>> {
        self.row.edited_at
    }

    /// When it was removed; null unless it was. Lists of comments leave removed ones out.
    async fn removed_at(&self) -> Option<DateTime<Utc>> {
        self.row.removed_at
    }
}

impl AtHand for Comment {
    fn at_hand(&self, field: Selected<'_>) -> Option<Value> {
        Some(match field.name() {
            "id" => id::encode(COMMENT_KIND, self.row.id).0.into(),
            "number" => self.row.number.into(),
            "author" => field.of(&User::from(self.author.clone()?))?,
            "text" => self.row.text.clone().into(),
            "createdAt" => self.row.created_at.to_value(),
            _ => return None,
        })
    }
}

/// A page of a post's comments: of the fold, if the post comes from one.
pub(super) async fn connect(
    ctx: &Context<'_>,
    post_id: Uuid,
    state: Option<&PostState>,
    arguments: PageArguments,
) -> Result<Connection<ListCursor<CommentOrder>, Quick<Comment>>> {
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
            without_authors(shown(ctx, page.map_err(|cause| from_log(&cause))?)?)
        }
    };
    let sort = CommentOrder::OldestFirst;
    let mut connection = Connection::new(page.has_previous, page.has_next);
    connection.edges = page
        .items
        .into_iter()
        .map(|(edge, row, author)| {
            Edge::new(ListCursor { sort, edge }, Comment { row, author }.into())
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
