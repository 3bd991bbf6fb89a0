//! Trending posts: likes and comments of the last hour, day or week, each worth less with time. The follower `posts_trending`
//! keeps the scores, which are a function of the log: it knows no clock but the times of events, and the batches in which they
//! come make no difference. Storage is bounded by the events of a week.
//!
//! **The formula.** The score of a post is the sum of 1 for each like and 2 for each comment, times 2^(-age / half-life), over
//! those in the window that were not taken back; ages are counted in whole steps. Half-lives are about a sixth of the window
//! (`decay.rs`). The decay is exponential because then time takes the same share of all scores: the order of posts changes only
//! by events, so it can be stored and indexed, where any other decay (such as votes / age^1.8) makes every row stale at every
//! moment. It is a sixth because an event that leaves the window has then sunk to a sixty-fourth: posts do not jump when it
//! goes, and the newest half-life has about half of the weight.
//!
//! **Storage.** There are counts by post and step for each window, and from them a rank by post: the logarithm of the score at
//! a fixed moment ("forward decay", Cormode and others, 2009). It is computed from all counts of a post whenever they change,
//! so no error adds up. A query reads the index of ranks from the top, and the counts of those posts. As time passes without
//! events, counts leave the window that ranks still include; ranks are then too high and never too low, and the query goes on
//! until no post further down can score more than those it has (`query.rs`).
//!
//! **Taking back.** `PostUnliked` does not contain the time of the like, so likes and comments are kept individually for a
//! week.
//!
//! **Dropping.** Ages are measured from the latest event of the part, which is stored. So the rows that are dropped after a
//! batch would never have been counted if the batches had been cut elsewhere.

mod batch;
mod decay;
mod query;
mod store;

use std::sync::Arc;

use ::events::{Applying, DatabaseTransaction, Event, Follower};

pub use decay::TrendWindow;
pub use query::TrendingPost;

use super::{PostEvent, STREAM};
use batch::Batch;

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

    fn apply<'a>(&'a self, tx: &'a DatabaseTransaction, events: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async move {
            let mut batch = Batch::default();
            for event in events {
                batch.add(event.part, &PostEvent::decode(event)?);
            }
            store::store(tx, batch.finish()).await
        })
    }
}
