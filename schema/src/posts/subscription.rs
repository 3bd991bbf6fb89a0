//! The subscriptions of posts.

use async_graphql::{Context, ID, Subscription};
use entities::{
    access::Action,
    grants::Requirement,
    posts::{PostEventKind, PostId, STREAM},
};
use events::{Event, Topic};
use futures::{Stream, StreamExt, TryStreamExt};

use super::{
    change::{CommentAdded, PostChange, is_created_by, is_of},
    counting::PostStatistics,
    inputs::post_id,
};
use crate::{
    error::Result,
    following::{follow, require},
    id,
    request::entities,
    statistics,
};

/// Follows the `wanted` events of one post or of all posts, while the caller may read posts.
async fn follow_posts<W>(
    ctx: &Context<'_>,
    id: Option<PostId>,
    wanted: W,
) -> Result<impl Stream<Item = Result<PostChange>> + use<W>>
where
    W: Fn(&Event) -> bool + Send + Sync + 'static,
{
    require(ctx, Requirement::Action(Action::ReadPosts)).await?;
    let posts = entities(ctx).posts.clone();
    let events = follow(
        ctx,
        Topic {
            kind: STREAM,
            id: id.map(PostId::uuid),
        },
    )?;
    let events = events.try_filter(move |(event, _)| std::future::ready(wanted(event)));
    Ok(events.and_then(move |(event, cursor)| {
        let posts = posts.clone();
        async move { PostChange::new(&posts, &event, cursor).await }
    }))
}

#[derive(Default)]
pub(crate) struct PostsSubscription;

#[Subscription]
impl PostsSubscription {
    /// The changes of one post, or of all posts. With `after`, it starts with the changes since that cursor, which may be
    /// `extensions.cursor` of any response. Every change is delivered once, in order.
    async fn post_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the subscription to changes of the post with this global id.")]
        id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<PostChange>>> {
        let id = id.map(|id| post_id("id", &id)).transpose()?;
        follow_posts(ctx, id, |_| true).await
    }

    /// New posts, by one user or by all users. With `after`, it starts with the posts since that cursor, which may be
    /// `extensions.cursor` of any response. Every post is delivered once, in order; of one that was deleted since, only `postId` is left.
    async fn post_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the feed to posts by the user with this global id.")]
        author_id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<PostChange>>> {
        let author_id = author_id
            .map(|id| id::decode("authorId", &id))
            .transpose()?;
        follow_posts(ctx, None, move |event| is_created_by(event, author_id)).await
    }

    /// New comments on one post, or on all posts. With `after`, it starts with the comments since that cursor, which may be
    /// `extensions.cursor` of any response. Every comment is delivered once, in order.
    async fn comment_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the subscription to the post with this global id.")]
        post_id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<CommentAdded>>> {
        let id = post_id.map(|id| self::post_id("postId", &id)).transpose()?;
        let wanted = |event: &Event| is_of(event, PostEventKind::CommentAdded);
        let changes = follow_posts(ctx, id, wanted).await?;
        Ok(changes.map(|change| change?.try_into()))
    }

    /// The statistics now, and again whenever they have changed.
    async fn post_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<PostStatistics>>> {
        statistics::follow(ctx).await
    }
}
