//! The subscriptions of posts.

use async_graphql::{Context, ID, Result, Subscription};
use entities::{
    access::Action,
    grants::{Grant, Requirement},
    posts::{PostEventKind, STREAM},
};
use events::{Event, EventSource, Topic};
use futures::{Stream, StreamExt};
use uuid::Uuid;

use super::{
    change::{CommentAdded, PostChange, is_created_by, is_of},
    inputs::post_id,
};
use crate::{
    error::{from_access, from_cursor, from_feed},
    id,
    request::entities,
    users,
};

/// The changes of one post or all, of those events that are `wanted`; while the caller may read posts.
async fn follow<W>(
    ctx: &Context<'_>,
    id: Option<Uuid>,
    after: Option<String>,
    wanted: W,
) -> Result<impl Stream<Item = Result<PostChange>> + use<W>>
where
    W: Fn(&Event) -> bool + Send + Sync + 'static,
{
    let after = after
        .map(|after| after.parse().map_err(from_cursor))
        .transpose()?;
    let requirement = Requirement::Action(Action::ReadPosts);
    let granted = ctx.data::<Grant>()?.require(requirement).await;
    granted.map_err(from_access)?;
    let entities = entities(ctx).clone();
    let topic = Topic { kind: STREAM, id };
    let source = ctx.data::<EventSource>()?.clone();
    let events = source.follow(topic, after);
    let events = events.filter(move |event| {
        let is_wanted = event.as_ref().map_or(true, |event| wanted(event));
        std::future::ready(is_wanted)
    });
    Ok(events.then(move |event| {
        let (entities, source) = (entities.clone(), source.clone());
        async move {
            let event = event.map_err(from_feed)?;
            PostChange::new(&entities, &event, source.cursor_behind(&event)).await
        }
    }))
}

#[derive(Default)]
pub(crate) struct PostsSubscription;

#[Subscription]
impl PostsSubscription {
    /// All that happens to one post. With `after` it begins with everything that happened since that cursor; every change
    /// comes once, in order.
    async fn post_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post's global id.")] id: ID,
        #[graphql(
            desc = "Changes after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<PostChange>>> {
        let id = post_id("id", &id)?;
        follow(ctx, Some(id), after, |_| true).await
    }

    /// New posts, of one user or of all. With `after` it begins with those since that cursor; every post comes once, in
    /// order. One that was deleted since is null.
    async fn post_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the posts of this user.")] author: Option<ID>,
        #[graphql(
            desc = "Posts after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<PostChange>>> {
        let author_id = author
            .map(|id| id::decode_as(users::KIND, "author", &id))
            .transpose()?;
        follow(ctx, None, after, move |event| {
            is_created_by(event, author_id)
        })
        .await
    }

    /// New comments on one post. With `after` it begins with those since that cursor; every comment comes once, in order.
    async fn comment_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post's global id.")] post_id: ID,
        #[graphql(
            desc = "Comments after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<CommentAdded>>> {
        let id = self::post_id("postId", &post_id)?;
        let wanted = |event: &Event| is_of(event, PostEventKind::CommentAdded);
        let changes = follow(ctx, Some(id), after, wanted).await?;
        Ok(changes.map(|change| change.map(CommentAdded)))
    }
}
