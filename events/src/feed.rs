//! Resume: the events of topics from any place in the log, then live, each once and in order. Why nothing is missed or doubled: a
//! listener is registered first, at position `at`; the log is read up to `at`; later events come from the listener. Positions
//! only grow, so anything at or before the last one yielded is a repeat. When a listener lags it is dropped, and the same steps
//! start again from the last position yielded; after an event that changes the topics they start again, too, with the topics
//! asked for anew. Topics are the current ones, not those of the place: a reader of the past has the rights it has now. An event
//! committed after they were asked for comes later than `last`, and asks again.

mod values;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use parking_lot::Mutex;
use tokio::{sync::broadcast::error::RecvError, time::timeout};

pub use values::Versioned;

use crate::{
    Cursor, CursorError, Error, Event, EventLog, Interest, StreamKey, Topic, epoch, topic::Topics,
    trace,
};

/// The number of events held in memory for one reader of the log.
const BATCH_EVENTS: u64 = 64;

/// How often a read model is polled while it is behind the last event heard of.
const CHECKPOINT_POLL: Duration = Duration::from_millis(20);
/// How often it is polled otherwise, in case nothing was heard.
const CHECKPOINT_IDLE: Duration = Duration::from_secs(1);

/// The order of items without a position, whispers and values. It grows, and is past all positions, so none is taken for a repeat.
static NEXT_WHISPER: AtomicU64 = AtomicU64::new(1 << 62);

/// Which stretch of the log an execution of a subscription covers.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The place after which events are covered.
    pub after: Cursor,
    /// The last position, after which the execution ends; `None` continues live.
    pub until: Option<u64>,
}

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The place to resume from does not exist, or has ceased to exist.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] Error),
}

/// The source of events for the resolvers of subscriptions. Each execution of a subscription has one.
#[derive(Clone)]
pub struct EventSource {
    log: EventLog,
    range: Range,
    order: Arc<AtomicU64>,
    place: Place,
    /// When the last event yielded occurred, in microseconds since the Unix epoch; 0 if none was.
    occurred: Arc<AtomicI64>,
    traced: Traced,
}

/// The context of the last event yielded, if its trace is sampled, and when it was yielded.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Option<(trace::Context, Instant)>>>);

impl Traced {
    fn note(&self, event: &Event) {
        if trace::is_on() {
            *self.0.lock() = trace::sampled(event).map(|context| (context, Instant::now()));
        }
    }
}

/// The place from which a client may resume if it has everything yielded so far.
#[derive(Clone)]
struct Place(Arc<Mutex<Cursor>>);

impl Place {
    fn get(&self) -> Cursor {
        *self.0.lock()
    }

    fn set(&self, cursor: Cursor) {
        *self.0.lock() = cursor;
    }
}

impl EventSource {
    /// Creates a source for one execution, which covers this stretch of the log.
    pub fn new(log: EventLog, range: Range) -> Self {
        Self {
            log,
            range,
            order: Arc::new(AtomicU64::new(range.after.position)),
            place: Place(Arc::new(Mutex::new(range.after))),
            occurred: Arc::default(),
            traced: Traced::default(),
        }
    }

    /// Returns the order of the last item yielded: its position, or for a read model the progress it shows.
    pub fn order(&self) -> u64 {
        self.order.load(Ordering::Acquire)
    }

    /// Returns the place from which a client may resume: the items yielded so far show everything up to it. Its epoch is the one
    /// in which they were read, even if that has since ended.
    pub fn cursor(&self) -> Cursor {
        self.place.get()
    }

    /// Returns when the last event yielded occurred, if the items are events.
    pub fn occurred_at(&self) -> Option<DateTime<Utc>> {
        match self.occurred.load(Ordering::Relaxed) {
            0 => None,
            occurred => DateTime::from_timestamp_micros(occurred),
        }
    }

    /// Returns the context of the last event yielded, if its trace is sampled, and when it was yielded.
    pub fn traced(&self) -> Option<(trace::Context, Instant)> {
        *self.traced.0.lock()
    }

    /// Returns the place behind an event that this source yielded.
    pub fn cursor_behind(&self, event: &Event) -> Cursor {
        Cursor::behind(event, self.place.get().epoch)
    }

    /// Returns whether the execution reads a stretch of the past, for one subscriber, and then ends.
    pub fn is_replay(&self) -> bool {
        self.range.until.is_some()
    }

    /// Yields the events of the topics of `interest` in the stretch.
    pub fn follow(
        &self,
        interest: impl Interest,
    ) -> BoxStream<'static, Result<Arc<Event>, FeedError>> {
        let Self {
            log,
            range,
            order,
            place,
            occurred,
            traced,
        } = self.clone();
        Box::pin(async_stream::try_stream! {
            // All items yielded belong to this epoch.
            let mut last = range.after;
            place.set(last);
            if range.until.is_some_and(|until| until <= last.position) {
                // Nothing is read here, but the reader continues with events handed on behind its place.
                await_position(&log, last).await;
                let known = log.tail().proof_at(last.position);
                if known.is_some() && last.proof.is_some() && known != last.proof {
                    Err(CursorError::Foreign)?;
                }
            }
            if log.tail().epoch() != last.epoch {
                Err(CursorError::Foreign)?;
            }
            let mut topics = Topics::default();
            let mut is_changed = true;
            while range.until.is_none_or(|until| last.position < until) {
                if is_changed {
                    topics = interest.topics().await?.into_iter().collect();
                    is_changed = false;
                }
                let (mut live, at) = log.tail().listen(&topics);
                if at.epoch != last.epoch {
                    Err(CursorError::Foreign)?;
                }
                if range.until.is_none() && at.position <= last.position && !epoch::is_level(last, at) {
                    if at.position == last.position {
                        Err(CursorError::Foreign)?;
                    }
                    // A client that comes from another process may be ahead of this one, and must not continue from a different
                    // past.
                    await_position(&log, last).await;
                    continue;
                }
                let goal = range.until.unwrap_or(at.position);
                while last.position < goal && !is_changed {
                    let events = log.read_whole(&topics, last, goal, BATCH_EVENTS).await??;
                    let is_rest = (events.len() as u64) < BATCH_EVENTS;
                    for event in events {
                        last = Cursor::behind(&event, last.epoch);
                        is_changed = interest.is_changed_by(&event);
                        order.store(last.position, Ordering::Release);
                        place.set(last);
                        occurred.store(event.occurred_at.timestamp_micros(), Ordering::Relaxed);
                        traced.note(&event);
                        yield event;
                        if is_changed {
                            break;
                        }
                    }
                    if is_rest && !is_changed {
                        // An execution with an end has reached it, and needs no further proof.
                        last = match range.until {
                            None if last.position < goal => at,
                            _ => Cursor { position: last.position.max(goal), ..last },
                        };
                    }
                }
                while range.until.is_none() && !is_changed {
                    match live.recv().await {
                        Ok(event) if event.position <= last.position => {}
                        Ok(event) => {
                            last = Cursor::behind(&event, last.epoch);
                            is_changed = interest.is_changed_by(&event);
                            order.store(last.position, Ordering::Release);
                            place.set(last);
                            occurred.store(event.occurred_at.timestamp_micros(), Ordering::Relaxed);
                            traced.note(&event);
                            yield event;
                        }
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => {
                            Err(log.tail().check(last).err().unwrap_or(CursorError::Expired))?;
                        }
                    }
                }
            }
        })
    }

    /// Yields the whispers of `topic` from now on; in a replay it yields none, as the past has none. A source that follows
    /// whispers must follow nothing else, because their orders are past those of events.
    pub fn follow_whispers(
        &self,
        topic: StreamKey,
    ) -> BoxStream<'static, Result<Arc<str>, FeedError>> {
        let listener = (!self.is_replay()).then(|| self.log.listen_whispers(topic));
        let Self {
            log, order, place, ..
        } = self.clone();
        Box::pin(async_stream::stream! {
            let Some(mut live) = listener else {
                return;
            };
            loop {
                match live.recv().await {
                    Ok(message) => {
                        let next = NEXT_WHISPER.fetch_add(1, Ordering::Relaxed);
                        order.store(next, Ordering::Release);
                        place.set(log.tail().cursor());
                        yield Ok(message);
                    }
                    // Whispers that were missed are lost.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }

    /// Yields the follower's progress at once, and again whenever the follower has committed progress that `topic` caused.
    /// Progress only grows. Changes less than 20 ms apart may be yielded as one.
    pub fn follow_checkpoint(
        &self,
        follower: &'static str,
        topic: Topic,
    ) -> BoxStream<'static, Result<u64, FeedError>> {
        let is_replay = self.is_replay();
        let Self {
            log, order, place, ..
        } = self.clone();
        Box::pin(async_stream::try_stream! {
            let epoch = log.tail().epoch();
            let (mut live, _) = log.tail().listen(&topic.into());
            let mut shown = None;
            loop {
                let now = log.progress(follower).await?;
                let cursor = log.cursor_at(now.position).await?;
                if log.tail().epoch() != epoch || cursor.epoch != epoch {
                    Err(CursorError::Foreign)?;
                }
                if shown.is_none_or(|shown| now.progress > shown) {
                    shown = Some(now.progress);
                    order.store(now.progress, Ordering::Release);
                    place.set(cursor);
                    yield now.progress;
                    if is_replay {
                        return;
                    }
                }
                if now.is_behind {
                    tokio::time::sleep(CHECKPOINT_POLL).await;
                } else if let Ok(Err(RecvError::Closed)) = timeout(CHECKPOINT_IDLE, live.recv()).await {
                    // This process has missed events; the current value does not depend on them.
                    live = log.tail().listen(&topic.into()).0;
                }
            }
        })
    }
}

/// Waits until this process has reached `place`, or another epoch.
async fn await_position(log: &EventLog, place: Cursor) {
    let mut changes = log.tail().changes();
    while log.tail().epoch() == place.epoch && log.tail().position() < place.position {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
