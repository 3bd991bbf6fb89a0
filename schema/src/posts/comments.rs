//! Pages of comments as clients see them.

use std::sync::Arc;

use async_graphql::{
    Context,
    connection::{Connection, Edge},
};
use entities::{
    SortKey,
    posts::{self, CommentsOf, PostId, PostState, page_of_state},
};
use serde::{Deserialize, Serialize};

use super::{
    comment::Comment,
    loaders::{CommentPage, load_comments},
};
use crate::{
    connection::{ListCursor, PageArguments},
    error::Result,
    plain::Shown,
    request::{Read, reading, shown},
};

/// What orders comments: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum CommentOrder {
    #[serde(rename = "comments")]
    OldestFirst,
}

pub(crate) type CommentConnection = Connection<ListCursor<CommentOrder>, Shown<Arc<Comment>>>;

/// Returns whether the request selects the authors of this connection's comments.
pub(super) fn shows_authors(ctx: &Context<'_>) -> bool {
    let shown = ctx.look_ahead();
    let in_edges = shown.field("edges").field("node").field("author");
    in_edges.exists() || shown.field("nodes").field("author").exists()
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
        Some(state) => Arc::new(without_authors(page_of_state(state, &request))),
        None if is_first => {
            let of = CommentsOf {
                post_id,
                limit: request.limit,
                from_end: request.from_end,
            };
            load_comments(ctx, of, shows_authors(ctx)).await?
        }
        None => {
            let posts = &reading(ctx, Read::Stream(post_id.stream())).posts;
            let page = posts.list_comments(post_id, &request).await;
            Arc::new(without_authors(shown(ctx, page?)?))
        }
    };
    let sort = CommentOrder::OldestFirst;
    let mut connection = Connection::new(page.has_previous, page.has_next);
    let items = page.items.iter();
    connection.edges = items
        .map(|(edge, comment)| {
            let edge = edge.clone();
            Edge::new(ListCursor { sort, edge }, Shown(comment.clone()))
        })
        .collect();
    Ok(connection)
}

fn without_authors(page: entities::Page<posts::Comment>) -> CommentPage {
    let items = page.items.into_iter();
    let items = items.map(|(edge, row)| (edge, Arc::new(Comment::from(row))));
    CommentPage {
        items: items.collect(),
        has_previous: page.has_previous,
        has_next: page.has_next,
        author_ids: Vec::new(),
    }
}
