//! Pages of comments as clients see them.

use std::sync::Arc;

use async_graphql::Context;
use entities::{
    PageOf, SortKey,
    posts::{PostId, PostState, page_of_state},
};
use serde::{Deserialize, Serialize};

use super::{comment::Comment, loaders::load_comments};
use crate::{
    connection::{self, Connection, KnownTotal, ListCursor, PageArguments},
    error::Result,
    plain::Shown,
};

/// What orders comments: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum CommentOrder {
    #[serde(rename = "comments")]
    OldestFirst,
}

pub(crate) type CommentConnection = Connection<Shown<Arc<Comment>>, KnownTotal>;

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
    state: Option<&Arc<PostState>>,
    total: KnownTotal,
    arguments: PageArguments,
) -> Result<CommentConnection> {
    let request = arguments.request(|cursor: &ListCursor<CommentOrder>| {
        matches!(cursor.edge.key, SortKey::Number(_))
    })?;
    let page = match state {
        Some(state) => {
            let page = page_of_state(state, &request);
            Arc::new(page.map(|row| Arc::new(Comment::of_state(row, state))))
        }
        None => {
            let of = PageOf {
                of: post_id,
                request,
            };
            load_comments(ctx, of, shows_authors(ctx)).await?
        }
    };
    let page = Arc::unwrap_or_clone(page);
    let order = CommentOrder::OldestFirst;
    connection::connect(page, order, total, Shown)
}
