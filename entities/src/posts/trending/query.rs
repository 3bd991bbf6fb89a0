//! The query of trending posts: it reads candidates from the top of the index of ranks and scores them by their counts in the
//! window, until no post further down can have a higher score.

use std::collections::HashMap;

use ::events::{AsOf, DatabaseConnection, now, sql::query_as};

use super::{TRENDING_FOLLOWER, TrendWindow, decay::StepCount};
use crate::{
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    posts::{POSTS_FOLLOWER, Post, PostId, Posts},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// How many candidates are read at first beyond the requested number. There must be some: a rank may be too high.
const SPARE: u64 = 20;
/// The factor by which more candidates are read each time the earlier ones were not enough.
const GROWTH: u64 = 4;
/// The relative error between ranks and scores of the same counts, as logarithms are rounded.
const ROUNDING: f64 = 1e-6;

/// A trending post.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendingPost {
    /// The post, as the read model has it, which may be moments behind the score.
    pub post: Post,
    /// The sum of its likes, 1 each, and comments, 2 each, in the window, each halved with every half-life of its age.
    pub score: f64,
    /// The likes in the window that were not taken back.
    pub likes: i64,
    /// The comments in the window that were not removed.
    pub comments: i64,
}

/// A post with its counts in the window.
#[derive(Debug, Clone)]
struct Candidate {
    post_id: PostId,
    rank: f64,
    counts: Vec<StepCount>,
    score: f64,
}

/// Returns whether the first `limit` of the candidates, best first, are the best of all, if more posts follow the last
/// candidate in the order of ranks.
fn is_settled(
    window: TrendWindow,
    candidates: &[Candidate],
    lowest_rank: f64,
    limit: usize,
    now: i64,
) -> bool {
    let most = window.most_at(lowest_rank, now);
    candidates
        .get(limit.saturating_sub(1))
        .is_some_and(|last| last.score >= most * (1.0 - ROUNDING))
}

impl Posts {
    /// Returns the posts with the highest scores in the window that ends now, at most `limit`, highest first.
    #[boxed]
    pub async fn list_trending(
        &self,
        viewer: &Viewer,
        window: TrendWindow,
        limit: u64,
    ) -> Result<AsOf<Vec<TrendingPost>>> {
        authorize(viewer, Action::ReadPosts)?;
        // The read model of posts decides which posts exist.
        let model = self.log.read_model(&[TRENDING_FOLLOWER, POSTS_FOLLOWER]);
        let model = model.await?;
        let database = model.connection();
        let now = window.step_of(now().timestamp());
        let mut wanted = limit + SPARE;
        let mut best = loop {
            let mut candidates = read_candidates(database, window, wanted, now).await?;
            let is_all = (candidates.len() as u64) < wanted;
            let ranks = candidates.iter().map(|candidate| candidate.rank);
            let lowest_rank = ranks.fold(f64::INFINITY, f64::min);
            candidates.sort_by(|one, other| {
                let by_score = other.score.total_cmp(&one.score);
                by_score.then_with(|| other.post_id.cmp(&one.post_id))
            });
            if is_all || is_settled(window, &candidates, lowest_rank, limit as usize, now) {
                break candidates;
            }
            wanted *= GROWTH;
        };
        best.truncate(limit as usize);
        let ids: Vec<PostId> = best.iter().map(|candidate| candidate.post_id).collect();
        let posts = self.load_posts(&ids).await?;
        let trending = |best: Vec<Candidate>, mut posts: HashMap<PostId, Post>| {
            let trending = best.into_iter().filter_map(|candidate| {
                Some(TrendingPost {
                    // A missing post was deleted in this moment.
                    post: posts.remove(&candidate.post_id)?,
                    score: candidate.score,
                    likes: candidate.counts.iter().map(|count| count.likes).sum(),
                    comments: candidate.counts.iter().map(|count| count.comments).sum(),
                })
            });
            trending.collect()
        };
        Ok(model.give(best).join(posts, trending))
    }
}

/// Returns the posts with the highest ranks that have counts in the window, with these counts. It is one statement, so that
/// ranks and counts belong together. Posts that the read model does not have yet, or no longer has, are left out.
async fn read_candidates(
    database: &DatabaseConnection,
    window: TrendWindow,
    wanted: u64,
    now: i64,
) -> ::events::Result<Vec<Candidate>> {
    let sql = format!(
        "select t.post_id, t.rank, c.step, c.likes, c.comments from (
             select post_id, rank from post_trend
             where span = $1 and newest_step > $2 and exists (select 1 from post where post.id = post_trend.post_id)
             order by rank desc, post_id desc limit {wanted}
         ) t join post_trend_count c on c.span = $1 and c.post_id = t.post_id and c.step > $2
         order by t.post_id, c.step"
    );
    let values = vec![window.number().into(), window.last_step_outside(now).into()];
    let mut found: HashMap<PostId, Candidate> = HashMap::new();
    for (post_id, rank, step, likes, comments) in query_as(database, &sql, values).await? {
        let candidate = found.entry(post_id).or_insert(Candidate {
            post_id,
            rank,
            counts: Vec::new(),
            score: 0.0,
        });
        candidate.counts.push(StepCount {
            step,
            likes,
            comments,
        });
    }
    let mut candidates: Vec<Candidate> = found.into_values().collect();
    for candidate in &mut candidates {
        candidate.score = window.score(&candidate.counts, now);
    }
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 29_000_000;

    proptest! {
        /// Even if ranks include counts that have left the window, stopping early gives the same result as reading everything.
        #[test]
        fn settled_is_the_best_of_all(
            posts in prop::collection::vec((0_i64..100, 1_i64..5, 0_i64..100, 0_i64..5), 1..60),
            limit in 1_usize..10,
        ) {
            let window = TrendWindow::Hour;
            let mut ranked: Vec<Candidate> = posts.iter().enumerate().map(|(number, post)| {
                let (newer, likes, older, more) = *post;
                let counts = [
                    StepCount { step: NOW - newer, likes, comments: 0 },
                    StepCount { step: NOW - newer - older, likes: more, comments: 0 },
                ];
                Candidate {
                    post_id: PostId::from_uuid(Uuid::from_u128(number as u128)),
                    rank: window.standing(&counts).expect("counts").rank,
                    score: window.score(&counts, NOW),
                    counts: counts.to_vec(),
                }
            }).collect();
            ranked.sort_by(|one, other| other.rank.total_cmp(&one.rank));
            let best_of = |candidates: &[Candidate]| {
                let mut sorted = candidates.to_vec();
                sorted.sort_by(|one, other| other.score.total_cmp(&one.score));
                sorted
            };
            let all = best_of(&ranked);
            for wanted in 1..ranked.len() {
                let read = &ranked[..wanted];
                let best = best_of(read);
                if is_settled(window, &best, read[wanted - 1].rank, limit, NOW) {
                    for (found, expected) in best.iter().zip(&all).take(limit) {
                        prop_assert!((found.score - expected.score).abs() <= 1e-5 * expected.score);
                    }
                }
            }
        }
    }
}
