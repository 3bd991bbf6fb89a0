//! Trending posts as clients see them: the query, and the subscription that follows the follower's progress, at most once a
//! second.

use std::time::Duration;

use async_graphql::{Context, Enum, Object, SimpleObject, Subscription};
use entities::{
    Entities,
    access::{Action, Viewer},
    grants::Requirement,
    posts::{self, PostId, STREAM, TRENDING_FOLLOWER},
};
use events::{AsOf, EventSource, Topic};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::object::Post;
use crate::{
    connection::checked,
    error::Result,
    following::require,
    list::List,
    request::{Read, entities, horizon, reading, shown, viewer},
};

/// The shortest time between two values of a subscription.
const PAUSE: Duration = Duration::from_secs(1);

/// The period that a trend covers. Older likes and comments do not count; the others count less with age, half as much after
/// each half-life.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "posts::TrendWindow")]
pub(crate) enum TrendWindow {
    /// The last hour. Ages are counted in minutes; the half-life is 10 minutes.
    Hour,
    /// The last 24 hours. Ages are counted in half hours; the half-life is 4 hours.
    Day,
    /// The last 7 days. Ages are counted in steps of 4 hours; the half-life is a day.
    Week,
}

/// A trending post.
#[derive(SimpleObject)]
pub(crate) struct TrendingPost {
    /// The global id of the post. Its counts cover all time, and may be moments behind.
    post: Post,
    /// The sum of 1 for each like and 2 for each comment in the window, each multiplied by 2^(-age / half-life). Likes that
    /// were taken back and comments that were removed do not count. All scores decrease with time, so compare only scores of
    /// the same response.
    score: f64,
    /// The number of likes in the window.
    likes: i64,
    /// The number of comments in the window.
    comments: i64,
}

impl From<posts::TrendingPost> for TrendingPost {
    fn from(trending: posts::TrendingPost) -> Self {
        Self {
            post: trending.post.into(),
            score: trending.score,
            likes: trending.likes,
            comments: trending.comments,
        }
    }
}

async fn list(
    entities: &Entities,
    viewer: &Viewer,
    window: TrendWindow,
    limit: u64,
) -> Result<AsOf<Vec<posts::TrendingPost>>> {
    let posts = &entities.posts;
    Ok(posts.list_trending(viewer, window.into(), limit).await?)
}

/// Returns the order and the counts, by which a change is detected. Scores decay without any event.
fn standings(trending: &[posts::TrendingPost]) -> Vec<(PostId, i64, i64)> {
    let standing = |it: &posts::TrendingPost| (it.post.id, it.likes, it.comments);
    trending.iter().map(standing).collect()
}

#[derive(Default)]
pub(crate) struct TrendingQuery;

#[Object]
impl TrendingQuery {
    /// The posts with the highest scores, highest first, without those that have no likes or comments in the window. A like
    /// shows moments after its mutation returned.
    async fn trending_posts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The period to look back over.")] window: TrendWindow,
        #[graphql(desc = "How many posts at most, from 1 to 100.", default = 20)] first: i32,
    ) -> Result<Option<List<TrendingPost>>> {
        let limit = checked("first", first)?;
        let entities = reading(ctx, Read::Kind(STREAM));
        let trending = list(entities, viewer(ctx)?, window, limit).await?;
        let trending = shown(ctx, trending)?;
        Ok(Some(trending.into_iter().map(TrendingPost::from).collect()))
    }
}

#[derive(Default)]
pub(crate) struct TrendingSubscription;

#[Subscription]
impl TrendingSubscription {
    /// The posts with the highest scores: first the current ones, then again, at most once a second, when an event of a post
    /// changed their order or counts. Changes that come only from the passing of time are not reported.
    async fn trending_posts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The period to look back over.")] window: TrendWindow,
        #[graphql(desc = "How many posts at most, from 1 to 100.", default = 20)] first: i32,
    ) -> Result<impl Stream<Item = Result<List<TrendingPost>>>> {
        let limit = checked("first", first)?;
        require(ctx, Requirement::Action(Action::ReadPosts)).await?;
        let topic = Topic {
            kind: STREAM,
            id: None,
        };
        let viewer = viewer(ctx)?.clone();
        let horizon = horizon(ctx)?;
        let entities = entities(ctx).clone();
        let source = ctx.data::<EventSource>()?;
        let mut changes = Box::pin(source.follow_checkpoint(TRENDING_FOLLOWER, topic));
        Ok(async_stream::try_stream! {
            let mut last = None;
            // Changes during the pause count as one: the progress is read after it.
            while let Some(progress) = changes.next().await {
                progress?;
                let read_at = Instant::now();
                let trending = list(&entities, &viewer, window, limit).await?;
                let now = standings(trending.look());
                if last.as_ref() != Some(&now) {
                    last = Some(now);
                    let trending = trending.show(&horizon);
                    yield trending.into_iter().map(TrendingPost::from).collect();
                }
                sleep_until(read_at + PAUSE).await;
            }
        })
    }
}
