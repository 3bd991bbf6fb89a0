//! Pages of the log that the followers of a process read on their way to its end, each read from the database once for all of
//! them. A page is a fixed stretch of positions and is cached only when complete, so it is valid for every reader at any time:
//! positions are dense, events change only by an erasure, and they move only by a restore. After either, the tail drops its
//! memory and counts that; the count is part of a page's key, so a read that began before is not found again. The cache
//! guarantees nothing: a page that is not here is read.

use std::{future::Future, sync::Arc, time::Duration};

use moka::{future::Cache, policy::EvictionPolicy};

use crate::{Event, Result};

/// The positions in a page: as many as a follower reads at once.
pub(crate) const PAGE_EVENTS: u64 = 500;
/// The estimated size of what is cached: followers of one process are seldom further apart.
const MAX_BYTES: u64 = 32 << 20;
/// How long a page that nobody reads is kept.
const MAX_IDLE: Duration = Duration::from_secs(10);

type Page = Arc<[Arc<Event>]>;

/// Why there is no page: it is incomplete, or could not be read.
struct NoPage;

/// A cache of the pages of the log that followers read lately.
pub(crate) struct Pages(Cache<(u64, u64), Page>);

impl Pages {
    pub(crate) fn new() -> Self {
        let weigh = |_: &(u64, u64), page: &Page| page.iter().map(|event| weight(event)).sum();
        Self(
            Cache::builder()
                .max_capacity(MAX_BYTES)
                .weigher(weigh)
                // A follower that is behind reads the pages the others have left, in the same order.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(MAX_IDLE)
                .build(),
        )
    }

    /// Returns at most `limit` events after `after` and up to `until`, by position. `load` reads that many from the database;
    /// `age` is how often the tail has dropped its memory.
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
                // This also happens when events were pruned: many pages may be empty.
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

    /// Evicts the pages that nobody has read for a while, which would otherwise stay until the next read.
    pub(crate) async fn tidy(&self) {
        self.0.run_pending_tasks().await;
    }
}

/// Returns about how many bytes an event takes in memory.
fn weight(event: &Event) -> u32 {
    let text = event.data.get().len() + event.stream.len() + event.event_type.len();
    let meta = event.meta.actor.len() + 128;
    u32::try_from(size_of::<Event>() + text + meta).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
