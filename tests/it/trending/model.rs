//! What the scores must be, from the events alone: no steps are added up, no ranks are kept, everything is computed anew.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// A window's name, its length, its steps and its half-life, in seconds: as the API describes them.
pub const WINDOWS: [(&str, i64, i64, i64); 3] = [
    ("HOUR", 3_600, 60, 600),
    ("DAY", 86_400, 1_800, 14_400),
    ("WEEK", 604_800, 14_400, 86_400),
];

pub fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_secs() as i64
}

/// A post's likes and comments that were not taken back, by who or which, with when they were given.
#[derive(Clone, Debug, Default)]
pub struct Post {
    pub likes: BTreeMap<u128, i64>,
    pub comments: BTreeMap<u128, i64>,
}

/// What a query shows of a post.
#[derive(Clone, Debug)]
pub struct Shown {
    pub id: String,
    pub score: f64,
    pub likes: i64,
    pub comments: i64,
}

/// Posts that are not deleted, by their ids.
pub type Posts = BTreeMap<String, Post>;

/// What trends at a moment, highest first.
pub fn trending(posts: &Posts, window: &str, now_s: i64) -> Vec<Shown> {
    let (_, length, step, half_life) = WINDOWS
        .into_iter()
        .find(|(name, ..)| *name == window)
        .expect("a window");
    let now = now_s / step;
    let age = |at_s: &i64| (now - at_s / step).max(0) * step;
    let score = |given: &BTreeMap<u128, i64>| -> (f64, i64) {
        let ages = given.values().map(age).filter(|age| *age < length);
        let weights = ages.map(|age| 0.5_f64.powf(age as f64 / half_life as f64));
        weights.fold((0.0, 0), |(sum, count), weight| (sum + weight, count + 1))
    };
    let shown = posts.iter().map(|(id, post)| {
        let ((liked, likes), (commented, comments)) = (score(&post.likes), score(&post.comments));
        Shown {
            id: id.clone(),
            score: liked + 2.0 * commented,
            likes,
            comments,
        }
    });
    let mut shown: Vec<Shown> = shown.filter(|it| it.likes + it.comments > 0).collect();
    shown.sort_by(|one, other| other.score.total_cmp(&one.score));
    shown
}

/// Why these are not the first of what was expected, if they are not. Posts of one score may come in any order.
pub fn difference(found: &[Shown], expected: &[Shown], first: usize) -> Option<String> {
    if found.len() != expected.len().min(first) {
        return Some(format!("{} posts of {}", found.len(), expected.len()));
    }
    let is_close = |one: f64, other: f64| (one - other).abs() <= 1e-6 * one.max(other);
    for (place, (it, at_place)) in found.iter().zip(expected).enumerate() {
        let Some(model) = expected.iter().find(|model| model.id == it.id) else {
            return Some(format!("{it:?} does not trend"));
        };
        let is_equal = is_close(it.score, model.score)
            && (it.likes, it.comments) == (model.likes, model.comments);
        if !is_equal || !is_close(it.score, at_place.score) {
            return Some(format!(
                "at {place}: {it:?}, and not {model:?} or {at_place:?}"
            ));
        }
    }
    None
}
