//! Pages of the log that the followers of a process read on their way to its end, each read from the database once for all of
//! them. A page is a fixed stretch of positions and is kept only when it is whole, so it holds for every reader whatever the
//! moment it was read at: positions are dense and events are never changed, but by an erasure, and never move, but by a
//! restore. After either the tail forgets what it remembers, and counts that; the count is part of the name of a page, so
//! what was begun to be read before is not found again. Nothing is promised: what is not here is read.

use std::{future::Future, sync::Arc, time::Duration};

use moka::{future::Cache, policy::EvictionPolicy};

use crate::{Event, Result};

/// Positions in a page: what a follower applies at once, by default.
const PAGE_EVENTS: u64 = 500;
/// How much is kept, by estimate: followers of one process are seldom further apart.
const MAX_BYTES: u64 = 32 << 20;
/// How long a page is kept that nobody reads.
const MAX_IDLE: Duration = Duration::from_secs(10);

type Page = Arc<[Arc<Event>]>;

/// Why there is no page: it is not whole, or could not be read.
struct NoPage;

/// Pages of the log that followers have read lately.
pub(crate) struct Pages(Cache<(u64, u64), Page>);

impl Pages {
    pub(crate) fn new() -> Self {
        let weigh = |_: &(u64, u64), page: &Page| page.iter().map(|event| weight(event)).sum();
        Self(
            Cache::builder()
                .max_capacity(MAX_BYTES)
                .weigher(weigh)
                // Whoever is behind reads what the others have left, in the same order.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(MAX_IDLE)
                .build(),
        )
    }

    /// At most `limit` events after `after` and up to `until`, in order of position. `load` reads as many as that from the
    /// database; `age` is how often the tail has forgotten what it remembered.
    pub(crate) async fn read<F, L>(
        &self,
        age: u64,
        (after, until): (u64, u64),
        limit: u64,
        load: L,
    ) -> Result<Vec<Arc<Event>>>
    where
        F: Future<Output = Result<Vec<Event>>>,
        L: Fn(u64, u64, u64) -> F,
    {
        let mut events = Vec::new();
        let mut reached = after;
        while reached < until && (events.len() as u64) < limit {
            let left = limit - events.len() as u64;
            let number = reached / PAGE_EVENTS;
            let end = (number + 1) * PAGE_EVENTS;
            let page = match end <= until {
                true => self.page(age, number, &load).await,
                false => None,
            };
            let Some(page) = page else {
                // Also when events were pruned: there may be nothing for many pages.
                let rest = load(reached, until, left).await?;
                events.extend(rest.into_iter().map(Arc::new));
                break;
            };
            let behind = page.iter().filter(|event| event.position > reached);
            events.extend(behind.take(left as usize).cloned());
            reached = end;
        }
        Ok(events)
    }

    async fn page<F, L>(&self, age: u64, number: u64, load: &L) -> Option<Page>
    where
        F: Future<Output = Result<Vec<Event>>>,
        L: Fn(u64, u64, u64) -> F,
    {
        let start = number * PAGE_EVENTS;
        let reading = async {
            let events = load(start, start + PAGE_EVENTS, PAGE_EVENTS).await;
            let events = events.map_err(|_| NoPage)?;
            match events.len() as u64 {
                PAGE_EVENTS => Ok(events.into_iter().map(Arc::new).collect()),
                _ => Err(NoPage),
            }
        };
        self.0.try_get_with((age, number), reading).await.ok()
    }

    /// Lets go of what nobody has read for a while, which otherwise stays until somebody reads again.
    pub(crate) async fn tidy(&self) {
        self.0.run_pending_tasks().await;
    }
}

/// About what an event takes in memory, in bytes.
fn weight(event: &Event) -> u32 {
    let text = event.data.get().len() + event.stream.len() + event.event_type.len();
    let meta = event.meta.actor.len() + 128;
    u32::try_from(size_of::<Event>() + text + meta).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
