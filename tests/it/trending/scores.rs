//! Eight days of likes, comments and second thoughts, written into the log: half of them before anybody follows it, the rest
//! while workers come and go. The scores are those of the model, and what is stored reaches back a week and no further.

use sea_orm::DatabaseConnection;
use serde_json::json;
use tests::graphql::Client;
use tests::{Setup, database, eventually, ids, waiting::SOON};

use super::api::trending;
use super::model::{self, Posts, WINDOWS, difference, now_s};
use crate::posts::replaying::{self, append_at};

const POSTS: usize = 40;
const EVENTS: usize = 600;
const FIRST_POST: u128 = 0x0193_8c5e_7f2a_7bcd_8ef0_0000_0000_0000;

/// A post's place in the log.
struct Stream {
    uuid: u128,
    id: String,
    version: i64,
}

struct History {
    database: DatabaseConnection,
    streams: Vec<Stream>,
    posts: Posts,
}

impl History {
    async fn append(&mut self, post: usize, kind: &str, data: serde_json::Value, at_s: i64) {
        let stream = &mut self.streams[post];
        stream.version += 1;
        let (uuid, version) = (stream.uuid, stream.version);
        append_at(&self.database, uuid, version, kind, &data, at_s).await;
    }

    /// Posts, all of them written before any window begins.
    async fn new(setup: &Setup, at_s: i64) -> Self {
        let streams = (0..POSTS).map(|number| {
            let uuid = FIRST_POST + number as u128 * 0x1_0001;
            let id = ids::global_id("post", uuid);
            Stream {
                uuid,
                id,
                version: 0,
            }
        });
        let mut history = Self {
            database: setup.database().await,
            streams: streams.collect(),
            posts: Posts::new(),
        };
        let author = replaying::uuid(&setup.admin().id);
        for post in 0..POSTS {
            let data = json!({ "authorId": author, "text": format!("Post {post}") });
            history.append(post, "PostCreated", data, at_s).await;
            let id = history.streams[post].id.clone();
            history.posts.insert(id, model::Post::default());
        }
        history
    }

    /// Something that can happen to one of the posts; the first of them are the most popular.
    async fn happen(&mut self, at_s: i64) {
        let post = fastrand::usize(..=fastrand::usize(..POSTS));
        let id = self.streams[post].id.clone();
        let Some(model) = self.posts.get_mut(&id) else {
            return;
        };
        let (kind, data) = match fastrand::u32(..200) {
            0 => {
                self.posts.remove(&id);
                ("PostDeleted", json!({}))
            }
            1..130 => {
                let user = 100 + fastrand::u128(..20);
                let data = json!({ "userId": uuid(user) });
                if model.likes.remove(&user).is_some() {
                    ("PostUnliked", data)
                } else {
                    model.likes.insert(user, at_s);
                    ("PostLiked", data)
                }
            }
            130..150 if !model.comments.is_empty() => {
                let chosen = fastrand::usize(..model.comments.len());
                let comment = *model.comments.keys().nth(chosen).expect("a comment");
                model.comments.remove(&comment);
                let number = (comment - 1_000) as i64;
                let data = json!({ "commentId": uuid(comment), "number": number });
                ("PostCommentRemoved", data)
            }
            _ => {
                // As good as any number, as long as no two of a post are the same.
                let number = self.streams[post].version;
                let comment = 1_000 + number as u128;
                model.comments.insert(comment, at_s);
                let (comment, author) = (uuid(comment), uuid(7));
                let data = json!({ "commentId": comment, "number": number, "authorId": author, "text": "!" });
                ("PostCommentAdded", data)
            }
        };
        self.append(post, kind, data, at_s).await;
    }
}

fn uuid(number: u128) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// Moments of the last eight days, in order: as many in the last hour as in the day before, and in the week before that.
fn moments(now_s: i64) -> Vec<i64> {
    let mut ages: Vec<i64> = (0..EVENTS)
        .map(|number| match number % 3 {
            0 => fastrand::i64(0..4_000),
            1 => fastrand::i64(3_000..90_000),
            _ => fastrand::i64(80_000..8 * 86_400),
        })
        .collect();
    ages.sort_unstable_by(|one, other| other.cmp(one));
    ages.into_iter().map(|age| now_s - age).collect()
}

/// Waits until the API shows what the model has, in every window, all of it and the first few.
async fn agree(client: &Client, posts: &Posts) {
    for (window, ..) in WINDOWS {
        for first in [100, 3] {
            let mut last = String::new();
            let agreed = async || {
                let before = now_s();
                let found = trending(client, window, first).await;
                let after = now_s();
                // A step may pass while the question is on its way.
                let differences = [before, after].map(|now_s| {
                    let expected = model::trending(posts, window, now_s);
                    difference(&found, &expected, first as usize)
                });
                let [before, after] = differences;
                if before.is_none() || after.is_none() {
                    return Some(());
                }
                let now = after.unwrap_or_default();
                if now != last {
                    eprintln!("{window}, first {first}: {now}");
                    last = now;
                }
                None
            };
            eventually(&format!("{window} agrees"), SOON, agreed).await;
        }
    }
}

/// Nothing is stored that no window of its part reaches, and ranks are those of posts with counts.
async fn storage_is_bounded(database: &DatabaseConnection) {
    let old_sources = "select count(*) as number from post_trend_source s join post_trend_clock c on c.part = s.part \
        where s.at_s < (c.latest_s / 14400 - 42) * 14400";
    assert_eq!(database::number(database, old_sources).await, 0);
    for (span, (_, length, step, _)) in (1..).zip(WINDOWS) {
        let steps = length / step;
        let old_counts = format!(
            "select count(*) as number from post_trend_count s join post_trend_clock c on c.part = s.part \
             where s.span = {span} and s.step < c.latest_s / {step} - {steps}"
        );
        assert_eq!(database::number(database, &old_counts).await, 0);
        let counted = format!(
            "select count(distinct post_id) as number from post_trend_count where span = {span}"
        );
        let ranked = format!("select count(*) as number from post_trend where span = {span}");
        let counted = database::number(database, &counted).await;
        assert_eq!(database::number(database, &ranked).await, counted);
    }
    let empty = "select count(*) as number from post_trend_count where likes < 0 or comments < 0 or likes + comments = 0";
    assert_eq!(database::number(database, empty).await, 0);
}

async fn are_those_of_the_events(setup: Setup) {
    let start = now_s();
    let mut history = History::new(&setup, start - 9 * 86_400).await;
    let moments = moments(start);
    let (early, late) = moments.split_at(EVENTS / 2);
    for at_s in early {
        history.happen(*at_s).await;
    }
    let mut app = setup.start_many(1, 2, &[]);
    for (number, at_s) in late.iter().enumerate() {
        history.happen(*at_s).await;
        if number == late.len() / 2 && setup.is_distributed() {
            // Killed; the other takes over its parts where they were.
            app.workers[0].kill();
        }
    }
    agree(app.client(), &history.posts).await;
    storage_is_bounded(&history.database).await;
}

tests::both_ways!(are_those_of_the_events);
