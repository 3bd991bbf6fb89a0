//! Resume: the events of topics from any place in the log, then live, each once and in order. Why nothing is missed or
//! doubled: a listener is registered first, at position `at`; the log is read up to `at`; what is later comes from the
//! listener. Positions only grow, so anything at or before the last one yielded is a repeat. A listener that lags is
//! given up, and the same steps start again from the last position yielded; so they do, with the topics asked for anew,
//! after an event that changes them. Topics are those of now, not of the place: who reads the past reads it as whoever
//! they are now. What was committed after they were asked for comes as an event later than `last`, and asks again.

mod values;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::stream::BoxStream;
use tokio::{sync::broadcast::error::RecvError, time::timeout};

pub use values::Versioned;

use crate::{
    Cursor, CursorError, Error, Event, EventLog, Interest, StreamKey, Topic, topic::Topics,
};

/// Events held in memory for one reader of the log.
const BATCH_EVENTS: u64 = 64;

/// How often a read model is looked at while it is behind what was just heard of.
const CHECKPOINT_POLL: Duration = Duration::from_millis(20);
/// And otherwise, in case nothing was heard.
const CHECKPOINT_IDLE: Duration = Duration::from_secs(1);

/// Orders of what has no position, whispers and values: they grow, and are past all positions, so none is taken for a repeat.
static NEXT_WHISPER: AtomicU64 = AtomicU64::new(1 << 62);

/// Which stretch of the log an execution of a subscription covers.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Events after this position.
    pub after: u64,
    /// Up to this position and then ends; `None` goes on live.
    pub until: Option<u64>,
}

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The place to resume from does not exist, or ceased to.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] Error),
}

/// Where the resolvers of subscriptions get their events. One execution of one subscription has one source.
#[derive(Clone)]
pub struct EventSource {
    log: EventLog,
    range: Option<Range>,
    order: Arc<AtomicU64>,
    position: Arc<AtomicU64>,
}

impl EventSource {
    /// A source for one execution. With a `range` the gateway decides what the execution covers, whatever cursor the
    /// document names; without, the document does.
    pub fn new(log: EventLog, range: Option<Range>) -> Self {
        let after = range.map_or(0, |range| range.after);
        Self {
            log,
            range,
            order: Arc::new(AtomicU64::new(after)),
            position: Arc::new(AtomicU64::new(after)),
        }
    }

    /// The order number of the item yielded last: its position, or for a read model the progress it shows.
    pub fn order(&self) -> u64 {
        self.order.load(Ordering::Acquire)
    }

    /// Everything up to here is shown by what was yielded so far: where a client that has it may resume.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Whether the execution reads a stretch of the past, for one subscriber, and then ends.
    pub fn is_replay(&self) -> bool {
        self.range.is_some_and(|range| range.until.is_some())
    }

    /// The events of `topic` after the cursor, or from now.
    pub fn follow(
        &self,
        topic: Topic,
        after: Option<Cursor>,
    ) -> BoxStream<'static, Result<Arc<Event>, FeedError>> {
        self.follow_set(vec![topic], after)
    }

    /// The events of the topics of `interest` after the cursor, or from now.
    pub fn follow_set<I: Interest>(
        &self,
        interest: I,
        after: Option<Cursor>,
    ) -> BoxStream<'static, Result<Arc<Event>, FeedError>> {
        let Self {
            log,
            range,
            order,
            position,
        } = self.clone();
        Box::pin(async_stream::try_stream! {
            let range = match (range, after) {
                (Some(range), _) => range,
                (None, Some(cursor)) => Range { after: log.resolve(cursor).await??, until: None },
                (None, None) => Range { after: log.tail().position(), until: None },
            };
            let epoch = log.tail().epoch();
            let mut last = range.after;
            let mut topics = Topics::default();
            let mut is_changed = true;
            while range.until.is_none_or(|until| last < until) {
                if is_changed {
                    topics = interest.topics().await?.into_iter().collect();
                    is_changed = false;
                }
                let (mut live, at) = log.tail().listen(&topics);
                if log.tail().epoch() != epoch {
                    Err(CursorError::Foreign)?;
                }
                let goal = range.until.unwrap_or(at);
                while last < goal && !is_changed {
                    let events = log.read_whole(&topics, last, goal, BATCH_EVENTS).await??;
                    let is_rest = (events.len() as u64) < BATCH_EVENTS;
                    for event in events {
                        last = event.position;
                        is_changed = interest.is_changed_by(&event);
                        order.store(last, Ordering::Release);
                        position.store(last, Ordering::Release);
                        yield event;
                        if is_changed {
                            break;
                        }
                    }
                    if is_rest && !is_changed {
                        last = last.max(goal);
                    }
                }
                while range.until.is_none() && !is_changed {
                    match live.recv().await {
                        Ok(event) if event.position <= last => {}
                        Ok(event) => {
                            last = event.position;
                            is_changed = interest.is_changed_by(&event);
                            order.store(last, Ordering::Release);
                            position.store(last, Ordering::Release);
                            yield event;
                        }
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => Err(why_ended(&log, epoch, last))?,
                    }
                }
            }
        })
    }

    /// The whispers of `topic` from now on; none in a replay, as the past has none. A source that follows whispers must
    /// follow nothing else, because their orders are past those of events.
    pub fn follow_whispers(
        &self,
        topic: StreamKey,
    ) -> BoxStream<'static, Result<Arc<str>, FeedError>> {
        let listener = (!self.is_replay()).then(|| self.log.listen_whispers(topic));
        let Self {
            log,
            order,
            position,
            ..
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
                        position.store(log.tail().position(), Ordering::Release);
                        yield Ok(message);
                    }
                    // What was missed is lost.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }

    /// Yields at once, and then whenever the follower has committed progress that `topic` caused. The number is the
    /// follower's progress; it only grows. Changes closer together than 20 ms may be yielded as one.
    pub fn follow_checkpoint(
        &self,
        follower: &'static str,
        topic: Topic,
    ) -> BoxStream<'static, Result<u64, FeedError>> {
        let is_replay = self.is_replay();
        let Self {
            log,
            order,
            position,
            ..
        } = self.clone();
        Box::pin(async_stream::try_stream! {
            let epoch = log.tail().epoch();
            let (mut live, _) = log.tail().listen(&topic.into());
            let mut shown = None;
            loop {
                let now = log.progress(follower).await?;
                if shown.is_none_or(|shown| now.progress > shown) {
                    shown = Some(now.progress);
                    order.store(now.progress, Ordering::Release);
                    position.store(now.position, Ordering::Release);
                    yield now.progress;
                    if is_replay {
                        return;
                    }
                }
                if now.is_behind {
                    tokio::time::sleep(CHECKPOINT_POLL).await;
                } else if let Ok(Err(RecvError::Closed)) = timeout(CHECKPOINT_IDLE, live.recv()).await {
                    if log.tail().epoch() != epoch {
                        Err(CursorError::Foreign)?;
                    }
                    // This process has missed events; the value of now needs none of them.
                    live = log.tail().listen(&topic.into()).0;
                }
            }
        })
    }
}

/// Why all listeners were ended: the log has another epoch, or was pruned past what this process had handed on.
fn why_ended(log: &EventLog, epoch: u32, last: u64) -> CursorError {
    let last = Cursor {
        epoch,
        position: last,
    };
    log.tail()
        .resolve(last)
        .err()
        .unwrap_or(CursorError::Expired)
}

#[cfg(test)]
mod tests;
