//! Answers about the past that alike subscribers want at the same time, as they do when a gateway or a network comes back: they are
//! executed once, in chunks, and shared. Called by `ground` in place of an execution for each subscriber.
//!
//! Why this is the same as an execution of one's own: a chunk begins at a place that all its readers are at, with the same epoch and proof,
//! so its answers are those behind it. It is executed as a group's are, so a document whose results differ by user is found out, and is
//! not shared. Each subscriber first executes its subscription over nothing, which checks its own rights, and its grant is checked before
//! every delivery as ever. Whatever goes wrong with a chunk is left to an execution of one's own: an error, a place that cannot be
//! proven, a chunk that is gone because its reader was slow. So a slow reader holds no chunk, and computes none for itself alone.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use async_stream::stream;
use events::{Cursor, Range};
use futures::StreamExt;
use moka::{future::Cache, policy::EvictionPolicy};

use super::{
    Shared,
    ground::{Answer, Answers, Subscription},
    holding::Members,
    request::{GroupKey, SubscriptionRequest},
};
use crate::operation::Payload;

/// How long a chunk is kept, and how long it is remembered that somebody wanted one.
const KEPT: Duration = Duration::from_secs(10);
const MOST_BYTES: u64 = 32 << 20;
const MOST_WANTED: u64 = 10_000;
/// A chunk ends after so many answers, or bytes of them.
const CHUNK_ANSWERS: usize = 64;
const CHUNK_BYTES: usize = 256 * 1024;
/// It also ends where a stretch of this length does, so that those who came from different places meet there.
const STRETCH: u64 = 4096;

/// What is behind a place, for those who are alike. `age` tells what was computed before an erasure.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Start {
    key: GroupKey,
    age: u64,
    after: Cursor,
}

struct Chunk {
    answers: Vec<(u64, Cursor, Payload)>,
    end: Cursor,
}

/// Why there is no chunk.
struct NotShared;

pub(super) struct Replays {
    chunks: Cache<Start, Arc<Chunk>>,
    wanted: Cache<Start, ()>,
    /// Whether a task frees what is over.
    is_tidied: AtomicBool,
}

impl Default for Replays {
    fn default() -> Self {
        let weigh =
            |_: &Start, chunk: &Arc<Chunk>| u32::try_from(chunk.bytes()).unwrap_or(u32::MAX);
        let chunks = Cache::builder().max_capacity(MOST_BYTES).weigher(weigh);
        let wanted = Cache::builder()
            .max_capacity(MOST_WANTED)
            .eviction_policy(EvictionPolicy::lru());
        Self {
            // New ones are wanted; by its own policy the cache would refuse them when it is full.
            chunks: chunks
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(KEPT)
                .build(),
            wanted: wanted.time_to_live(KEPT).build(),
            is_tidied: AtomicBool::new(false),
        }
    }
}

impl Chunk {
    fn bytes(&self) -> usize {
        let each = self.answers.iter().map(|(_, _, payload)| length(payload));
        each.sum::<usize>() + size_of::<Start>()
    }
}

fn length(payload: &Payload) -> usize {
    let text = match payload {
        Payload::Next(text) => text.len(),
        Payload::Error(_) => 0,
    };
    text + size_of::<(u64, Cursor, Payload)>()
}

/// Sees to it that chunks are freed when their time is over. By itself the cache does so only when it is used.
fn tidy_later(shared: &Arc<Shared>) {
    if shared.replays.is_tidied.swap(true, Ordering::SeqCst) {
        return;
    }
    let shared = Arc::downgrade(shared);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(KEPT).await;
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let Replays {
                chunks,
                wanted,
                is_tidied,
            } = &shared.replays;
            chunks.run_pending_tasks().await;
            wanted.run_pending_tasks().await;
            is_tidied.store(false, Ordering::SeqCst);
            if chunks.entry_count() == 0 || is_tidied.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    });
}

/// Returns what the subscriber receives over a stretch of the log.
pub(super) fn answers(shared: Arc<Shared>, request: SubscriptionRequest, range: Range) -> Answers {
    let until = range.until.unwrap_or(range.after.position);
    let replay = stream! {
        let mut after = range.after;
        let is_wanted = after.position < until && is_wanted(&shared, &request, after).await;
        let alone = Range { until: Some(if is_wanted { after.position } else { until }), ..range };
        let mut own = request.alone(&shared, alone);
        while let Some(answer) = own.next().await {
            let is_end = matches!(answer, Answer::Error(_));
            yield answer;
            if is_end {
                return;
            }
        }
        drop(own);
        let (mut chunk, mut place) = (Weak::new(), 0);
        let (mut is_begun, mut age) = (false, 0);
        while is_wanted && after.position < until {
            if !is_begun {
                age = shared.log.tail().age();
                let Some(begun) = chunk_behind(&shared, &request, after, until).await else {
                    break;
                };
                (chunk, place, is_begun) = (Arc::downgrade(&begun), 0, true);
            }
            // What was computed before an erasure is not shown after it, not in the middle of a chunk either.
            let current = chunk.upgrade().filter(|_| shared.log.tail().age() == age);
            let Some(held) = current else {
                break;
            };
            match held.answers.get(place).cloned() {
                Some((order, _, _)) if order > until => return,
                Some((order, cursor, payload)) => {
                    drop(held);
                    (after, place) = (cursor, place + 1);
                    yield Answer::Next { order, cursor, payload, at: None, trace: None };
                }
                None => {
                    after = held.end;
                    is_begun = false;
                }
            }
        }
        if is_wanted && after.position < until {
            let mut own = request.alone(&shared, Range { after, until: Some(until) });
            while let Some(answer) = own.next().await {
                yield answer;
            }
        }
    };
    replay.boxed()
}

fn start(shared: &Shared, request: &SubscriptionRequest, after: Cursor) -> Start {
    Start {
        key: request.key().clone(),
        age: shared.log.tail().age(),
        after,
    }
}

/// Returns whether somebody alike was at this place lately.
async fn is_wanted(shared: &Shared, request: &SubscriptionRequest, after: Cursor) -> bool {
    if !request.may_share_past() {
        return false;
    }
    let start = start(shared, request, after);
    !shared
        .replays
        .wanted
        .entry(start)
        .or_insert(())
        .await
        .is_fresh()
}

/// Returns the chunk behind a place. Those who want it at once share one execution.
async fn chunk_behind(
    shared: &Arc<Shared>,
    request: &SubscriptionRequest,
    after: Cursor,
    until: u64,
) -> Option<Arc<Chunk>> {
    let executing = async {
        let executed = execute(shared, request, after, until).await;
        tidy_later(shared);
        executed.map(Arc::new)
    };
    let chunks = &shared.replays.chunks;
    let start = start(shared, request, after);
    chunks.try_get_with(start, executing).await.ok()
}

async fn execute(
    shared: &Arc<Shared>,
    request: &SubscriptionRequest,
    after: Cursor,
    until: u64,
) -> Result<Chunk, NotShared> {
    let until = until.min((after.position / STRETCH + 1) * STRETCH);
    let place = async || shared.log.cursor_at(until).await.map_err(|_| NotShared);
    let end = place().await?;
    let range = Range {
        after,
        until: Some(until),
    };
    let members = Arc::<Members>::default();
    members.enter(request.holding());
    let mut executed = request.together(shared, range, &members);
    let (mut answers, mut bytes) = (Vec::new(), 0);
    while let Some(answer) = executed.next().await {
        let Answer::Next {
            order,
            cursor,
            payload,
            ..
        } = answer
        else {
            return Err(NotShared);
        };
        bytes += length(&payload);
        answers.push((order, cursor, payload));
        if answers.len() == CHUNK_ANSWERS || bytes >= CHUNK_BYTES {
            let end = cursor;
            return Ok(Chunk { answers, end });
        }
    }
    // If the log has the same event there as before, it was the same log all the while.
    let is_proven = end.epoch == after.epoch && end.proof.is_some();
    match is_proven && place().await? == end {
        true => Ok(Chunk { answers, end }),
        false => Err(NotShared),
    }
}
