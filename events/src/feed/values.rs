//! Following a versioned value, such as a status: its current state, then its changes. A change that arrives while another is
//! being delivered replaces it. The version is the order of the item, so an execution that joins others is shown the current
//! value and everything newer, and nothing older.

use std::sync::{Arc, atomic::Ordering};

use futures::stream::BoxStream;
use tokio::sync::watch;

use super::{EventSource, FeedError, NEXT_WHISPER};

/// A value, with its order among all values of this process.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The value itself.
    pub value: T,
    order: u64,
    /// The position up to which the value shows everything.
    position: u64,
}

impl<T> Versioned<T> {
    /// Orders the value after every other one there is. The tail was at `position` before it was read.
    pub fn new(value: T, position: u64) -> Self {
        Self {
            value,
            position,
            order: NEXT_WHISPER.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl EventSource {
    /// Yields the current value, and again whenever it changes. A source that follows values must follow nothing else, because
    /// their orders are past those of events.
    pub fn follow_value<T: Send + Sync + 'static>(
        &self,
        mut values: watch::Receiver<Arc<Versioned<T>>>,
    ) -> BoxStream<'static, Result<Arc<Versioned<T>>, FeedError>> {
        let is_replay = self.is_replay();
        let Self {
            log, order, place, ..
        } = self.clone();
        Box::pin(async_stream::stream! {
            loop {
                let value = values.borrow_and_update().clone();
                order.store(value.order, Ordering::Release);
                place.set(log.cursor_within(log.tail().cursor(), value.position).await);
                yield Ok(value);
                if is_replay || values.changed().await.is_err() {
                    return;
                }
            }
        })
    }
}
