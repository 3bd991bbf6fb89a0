//! Posts with likes and comments, written by the existing users. A transaction has some thousand events.

use std::time::Instant;

use entities::{
    CommandContext, Direction, Entities, Filter, PageRequest,
    access::{AccessError, Viewer},
    posts::{NewPost, PostError},
    users::{UserId, UserSort, UserSortField},
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::HumanCount;
use uuid::Uuid;

use super::{at_once, progress_bar};

/// The approximate number of events in one transaction.
const BATCH_EVENTS: usize = 4_000;
/// The most transactions at once.
const CONCURRENT: usize = 2;
/// The most users who write.
const AUTHORS: u64 = 1_000;
const WORDS: [&str; 24] = [
    "water", "wheel", "stone", "grain", "flour", "river", "stream", "mill", "race", "sluice",
    "gate", "turns", "grinds", "flows", "carries", "waits", "slowly", "evenly", "again", "always",
    "under", "over", "beside", "the",
];

/// Why posts could not be created.
#[derive(Debug, thiserror::Error)]
pub enum SeedPostsError {
    /// There are no users, and posts need authors.
    #[error("there is no user who could write posts; make one with `millrace admin --email …`")]
    NoUsers,
    /// The users could not be read.
    #[error(transparent)]
    Users(#[from] AccessError),
    /// The posts could not be written.
    #[error(transparent)]
    Posts(#[from] PostError),
}

/// Creates `count` posts, each with this many likes and comments.
///
/// # Errors
/// When a transaction fails; those before it stay.
pub async fn seed_posts(
    entities: &Entities,
    count: u64,
    likes: usize,
    comments: usize,
) -> Result<(), SeedPostsError> {
    let authors = authors(entities).await?;
    let batch = (BATCH_EVENTS / (1 + likes + comments)).max(1) as u64;
    let total = count * (1 + likes + comments) as u64;
    let bar = progress_bar("post events", total);
    let began = Instant::now();
    let batches = (0..count.div_ceil(batch)).map(|number| {
        let numbers = number * batch..count.min((number + 1) * batch);
        let posts: Vec<_> = numbers
            .map(|number| post(&authors, number as usize, likes, comments))
            .collect();
        let bar = bar.clone();
        async move {
            let context = CommandContext::process("seed");
            bar.inc(entities.posts.import_posts(context, posts).await?);
            Ok::<_, PostError>(())
        }
    });
    stream::iter(batches)
        .buffer_unordered(at_once(entities, CONCURRENT))
        .try_collect::<()>()
        .await?;
    bar.finish();
    let rate = total as f64 / began.elapsed().as_secs_f64().max(0.001);
    workers::say!(
        "{} posts, {} events ({} events/s)",
        HumanCount(count),
        HumanCount(total),
        HumanCount(rate as u64)
    );
    Ok(())
}

async fn authors(entities: &Entities) -> Result<Vec<UserId>, SeedPostsError> {
    let filter = Filter::default();
    let sort = UserSort {
        field: UserSortField::CreatedAt,
        direction: Direction::Asc,
    };
    let request = PageRequest {
        after: None,
        before: None,
        limit: AUTHORS,
        from_end: false,
    };
    let users = &entities.users;
    let page = users
        .list_users(&Viewer::Process("seed"), &filter, sort, &request)
        .await?;
    let authors: Vec<UserId> = page.items.into_iter().map(|(_, user)| user.id).collect();
    match authors.is_empty() {
        true => Err(SeedPostsError::NoUsers),
        false => Ok(authors),
    }
}

fn post(authors: &[UserId], number: usize, likes: usize, comments: usize) -> NewPost {
    let author = |number: usize| authors[number % authors.len()];
    NewPost {
        author_id: author(number),
        message: sentence(number, 8 + number % 24),
        liked_by: (0..likes).map(|place| reader(number + place)).collect(),
        comments: (0..comments)
            .map(|place| {
                let text = sentence(number * 7 + place, 3 + (number + place) % 9);
                // The numbers are far apart, so that a page has many authors if there are.
                (author(number * 31 + place * 7 + 1), text)
            })
            .collect(),
    }
}

/// Returns a made-up user; nobody is shown who likes a post.
fn reader(number: usize) -> UserId {
    UserId::from_uuid(Uuid::from_u128(
        0x0192_0000_0000_7000_8000_0000_0000_0000 + number as u128,
    ))
}

fn sentence(seed: usize, words: usize) -> String {
    let word = |place: usize| WORDS[(seed * 31 + place * place * 7 + place) % WORDS.len()];
    let words: Vec<&str> = (0..words).map(word).collect();
    words.join(" ")
}
