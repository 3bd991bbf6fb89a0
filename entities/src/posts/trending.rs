//! What trends: likes and comments of the last hour, day or week, each worth less with time. The follower `posts_trending`
//! keeps it, and what it keeps is a function of the log: it knows no clock but the times of events, and the batches in which
//! they come make no difference. Storage is bounded by what happened in a week.
//!
//! **The formula.** The score of a post is the sum of 1 for each like and 2 for each comment, times 2^(-age / half-life),
//! over those of the window that were not taken back; ages are counted in whole steps. Half-lives are about a sixth of the
//! window (`decay.rs`). Exponential decay, because it is the one under which time takes the same share of all scores: the
//! order of posts changes only by what happens to them, so it can be stored and indexed, where any other decay (such as
//! votes / age^1.8) makes every row stale at every moment. A sixth, because then what falls out of the window has sunk to a
//! sixty-fourth: posts do not jump as it goes, and the newest half-life has about half of the say.
//!
//! **What is stored.** Counts by post and step for each window, and from them a rank by post: the logarithm of the score at
//! a fixed moment ("forward decay", Cormode and others, 2009). It is computed anew from the counts of a post whenever they
//! change, so no error adds up. A query reads the index of ranks from the top, and the counts of those posts. As time
//! passes without events, counts leave the window that ranks still have; ranks are then too high and never too low, and
//! the query goes on until no post further down can score more than those it has (`query.rs`).
//!
//! **Taking back.** `PostUnliked` does not say when the like was given, so likes and comments are kept one by one for a week.
//!
//! **Dropping.** How old is too old is told by the latest event of the part, which is stored. What is dropped after a batch
//! is therefore what would never have been counted had the batches been cut elsewhere.

mod batch;
mod decay;
mod query;
mod store;

use std::sync::Arc;

use ::events::{Event, Follower, Result};
use futures::future::BoxFuture;

pub use decay::TrendWindow;
pub use query::TrendingPost;

use super::{PostEvent, STREAM};
use batch::Batch;

use events::DatabaseTransaction;

/// The follower's name.
pub const TRENDING_FOLLOWER: &str = "posts_trending";

/// The follower that keeps the scores of posts.
pub struct TrendingFollower;

impl Follower for TrendingFollower {
    fn name(&self) -> &'static str {
        TRENDING_FOLLOWER
    }

    fn wants(&self, stream: &str) -> bool {
        stream == STREAM
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut batch = Batch::default();
            for event in events {
                batch.add(event.part, &PostEvent::decode(event)?);
            }
            store::store(tx, batch.finish()).await
        })
    }
}
