//! Traffic on posts at a given rate of mutations and queries. Every answer must be right; a wrong one ends the test. It also
//! computes, from the log alone, what the read model of posts must contain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::graphql::Client;
use crate::waiting::{SOON, eventually};
use crate::{database, ids};

/// The number of tasks that share the mutations, and of those that share the queries. Each waits for its answer, so there must
/// be enough of them to keep the pace when answers are slow; a test that relies on a pace checks what was done.
const TASKS: u32 = 32;

const CREATE: &str =
    "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id likeCount } } }";
const LIKE: &str =
    "mutation($input: LikePostInput!) { likePost(input: $input) { post { id likedByMe } } }";
const UNLIKE: &str =
    "mutation($input: UnlikePostInput!) { unlikePost(input: $input) { post { id likedByMe } } }";
const COMMENT: &str =
    "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { text } } }";
const LIST: &str =
    "{ posts(first: 20) { nodes { id message likeCount comments(first: 5) { nodes { text } } } } }";
const ONE: &str = "query($id: ID!) { post(id: $id) { id message likeCount version } }";

/// The rates.
#[derive(Clone, Copy)]
pub struct Pace {
    pub mutations_per_second: u32,
    pub queries_per_second: u32,
}

/// The completed work.
pub struct Done {
    pub mutations: u64,
    pub queries: u64,
    /// The times of all queries, in ascending order.
    pub query_times: Vec<Duration>,
}

impl Done {
    /// Returns the time that this many of a thousand queries did not exceed.
    pub fn query_time(&self, per_mille: usize) -> Duration {
        let times = &self.query_times;
        let place = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    }
}

pub struct Traffic {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<Vec<Duration>>>,
}

struct Shared {
    clients: Vec<Client>,
    posts: Vec<String>,
    mutations: AtomicU64,
    stopping: AtomicBool,
}

impl Traffic {
    /// Starts traffic on some of the existing posts and on new ones.
    pub fn start(clients: Vec<Client>, posts: Vec<String>, pace: Pace) -> Self {
        assert!(posts.len() >= TASKS as usize, "every writer needs a post");
        let shared = Arc::new(Shared {
            clients,
            posts,
            mutations: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        });
        let period = |per_second: u32| Duration::from_secs(1) * TASKS / per_second.max(1);
        let writers = (0..TASKS)
            .map(|task| {
                tokio::spawn(write(
                    task,
                    period(pace.mutations_per_second),
                    shared.clone(),
                ))
            })
            .collect();
        let readers = (0..TASKS)
            .map(|task| tokio::spawn(read(task, period(pace.queries_per_second), shared.clone())))
            .collect();
        Self {
            shared,
            writers,
            readers,
        }
    }

    /// Returns the number of answered mutations so far.
    pub fn mutations(&self) -> u64 {
        self.shared.mutations.load(Ordering::Relaxed)
    }

    pub async fn await_more(&self, mutations: u64) {
        let goal = self.mutations() + mutations;
        eventually("more mutations", SOON, async || {
            (self.mutations() >= goal || self.has_failed()).then_some(())
        })
        .await;
    }

    fn has_failed(&self) -> bool {
        self.writers.iter().any(JoinHandle::is_finished)
    }

    pub async fn finish(self) -> Done {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for writer in self.writers {
            writer
                .await
                .expect("every mutation is answered as it should be");
        }
        let mut query_times = Vec::new();
        for reader in self.readers {
            query_times.extend(
                reader
                    .await
                    .expect("every query is answered as it should be"),
            );
        }
        query_times.sort();
        Done {
            mutations: self.shared.mutations.load(Ordering::Relaxed),
            queries: query_times.len() as u64,
            query_times,
        }
    }
}

/// Writes posts: each writer has posts of its own, and does the four mutations in turn.
async fn write(task: u32, period: Duration, shared: Arc<Shared>) {
    let client = &shared.clients[task as usize % shared.clients.len()];
    let mut clock = tokio::time::interval(period);
    let mut turn = 0_usize;
    while !shared.stopping.load(Ordering::Relaxed) {
        clock.tick().await;
        let place = task as usize + turn / 4 * TASKS as usize;
        let post = &shared.posts[place % (shared.posts.len() / TASKS as usize * TASKS as usize)];
        let answer = match turn % 4 {
            0 => {
                let answer = client.run(LIKE, json!({ "input": { "id": post } })).await;
                assert_eq!(answer.data()["likePost"]["post"]["likedByMe"], true);
                answer
            }
            1 => {
                let input =
                    json!({ "input": { "postId": post, "text": format!("{task} {turn}") } });
                client.run(COMMENT, input).await
            }
            2 => {
                let answer = client.run(UNLIKE, json!({ "input": { "id": post } })).await;
                assert_eq!(answer.data()["unlikePost"]["post"]["likedByMe"], false);
                answer
            }
            _ => {
                let input = json!({ "input": { "message": format!("Post {task} {turn}") } });
                client.run(CREATE, input).await
            }
        };
        assert_eq!(answer.code(), None, "{}", answer.http.text());
        shared.mutations.fetch_add(1, Ordering::Relaxed);
        turn += 1;
    }
}

async fn read(task: u32, period: Duration, shared: Arc<Shared>) -> Vec<Duration> {
    let client = &shared.clients[task as usize % shared.clients.len()];
    let mut clock = tokio::time::interval(period);
    let mut times = Vec::new();
    while !shared.stopping.load(Ordering::Relaxed) {
        clock.tick().await;
        let began = Instant::now();
        if times.len() % 2 == 0 {
            let answer = client.run(LIST, json!({})).await;
            let nodes = answer.data()["posts"]["nodes"].as_array().map(Vec::len);
            assert_eq!(nodes, Some(20), "{}", answer.http.text());
        } else {
            let id = &shared.posts[fastrand::usize(..shared.posts.len())];
            let answer = client.run(ONE, json!({ "id": id })).await;
            assert_eq!(answer.data()["post"]["id"], Value::from(id.as_str()));
        }
        times.push(began.elapsed());
    }
    times
}

/// Returns the global ids of some posts, the oldest first.
pub async fn some_posts(database: &DatabaseConnection, limit: u32) -> Vec<String> {
    let digits = match database::is_postgres(database) {
        true => "replace(id::text, '-', '')",
        false => "lower(hex(id))",
    };
    let statement = format!("select {digits} as text from post order by id limit {limit}");
    let texts = database::texts(database, &statement).await;
    let global =
        |digits: &String| ids::global_id("post", u128::from_str_radix(digits, 16).expect("a UUID"));
    texts.iter().map(global).collect()
}

/// Waits until the live follower has applied every event.
pub async fn await_follower(database: &DatabaseConnection, within: Duration) {
    let behind =
        "select count(*) as number from event e join event_position p on p.inserted = e.inserted
        left join checkpoint k on k.follower = 'posts' and k.part = e.part
        where e.stream = 'post' and p.position > coalesce(k.position, 0)";
    eventually("the follower has applied all", within, async || {
        (database::number(database, behind).await == 0).then_some(())
    })
    .await;
}

/// Returns the number of rows of the read model that differ from the log, as far as the follower has applied it.
pub async fn wrong_rows(database: &DatabaseConnection) -> u64 {
    let mut wrong = 0;
    for statement in wrong_post_rows() {
        wrong += database::number(database, &statement).await;
    }
    wrong
}

/// Returns the statements that count them: of posts, of likes and of comments.
pub(crate) fn wrong_post_rows() -> [String; 3] {
    let folded = "with folded as (
        select stream_id, max(version) as version,
               sum(case type when 'PostLiked' then 1 when 'PostUnliked' then -1 else 0 end) as likes,
               sum(case type when 'PostCommentAdded' then 1 when 'PostCommentRemoved' then -1 else 0 end) as comments
        from event e join event_position p on p.inserted = e.inserted
        join checkpoint k on k.follower = 'posts' and k.part = e.part
        where stream = 'post' and p.position <= k.position group by stream_id
        having max(case when type = 'PostDeleted' then 1 else 0 end) = 0)";
    let posts = format!(
        "{folded} select count(*) as number from folded f full join post p on p.id = f.stream_id
         where f.stream_id is null or p.id is null or p.version <> f.version or p.like_count <> f.likes
            or p.comment_count <> f.comments"
    );
    let rows_of = |table: &str, count: &str| {
        format!(
            "{folded} select count(*) as number from folded f left join
             (select post_id, count(*) as rows from {table} group by post_id) r on r.post_id = f.stream_id
             where coalesce(r.rows, 0) <> f.{count}"
        )
    };
    [
        posts,
        rows_of("post_like", "likes"),
        rows_of("post_comment", "comments"),
    ]
}
