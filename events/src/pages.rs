//! Pages of the log, each read from the database once for all who go over it: the followers of a process on their way to its end, and
//! clients who resume. A page is a fixed stretch of positions and is cached only when complete, so it is valid for every reader at
//! any time: positions are dense, events change only by an erasure, and they move only by a restore. After either, the tail drops
//! its memory and counts that; the count is part of a page's key, so a read that began before is not found again. The cache
//! guarantees nothing: a page that is not here is read.

use std::{future::Future, sync::Arc, time::Duration};

use moka::{future::Cache, policy::EvictionPolicy};

use crate::{Cursor, Event, Proof, Result};

/// The positions in a page: as many as a follower reads at once.
pub(crate) const PAGE_EVENTS: u64 = 500;
/// The estimated size of what is cached: followers of one process are seldom further apart.
const MAX_BYTES: u64 = 32 << 20;
/// How long a page that nobody reads is kept.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// The most pages of which it is remembered that somebody wanted them.
const MOST_WANTED: u64 = 4096;

/// All events behind one position and up to another.
#[derive(Clone)]
pub(crate) struct Page {
    /// The position before the first of them.
    start: u64,
    events: Arc<[Arc<Event>]>,
}

/// Which page: the age of the tail's memory, the position before its first event, and that of its last.
type Key = (u64, u64, u64);

/// Why there is no page: it is incomplete, or could not be read.
struct NoPage;

/// A cache of the pages of the log that were read lately.
pub(crate) struct Pages {
    read: Cache<Key, Page>,
    /// The starts of pages that clients wanted lately.
    wanted: Cache<(u64, u64), ()>,
}

impl Page {
    /// Returns the proof of the event at this position, the last one before the page or one of it.
    pub(crate) fn proof_at(&self, position: u64) -> Option<Proof> {
        let place = usize::try_from(position.checked_sub(self.start)?).ok()?;
        match place.checked_sub(1) {
            Some(index) => Some(Proof::of(self.events.get(index)?.event_id)),
            None => self.events.first()?.follows,
        }
    }

    /// Returns whether its events are those that follow the reader's place.
    pub(crate) fn continues(&self, from: Cursor) -> bool {
        from.position == 0 || (from.proof.is_some() && self.proof_at(from.position) == from.proof)
    }

    /// Returns its events behind this position.
    pub(crate) fn behind(&self, position: u64) -> &[Arc<Event>] {
        let skipped = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.events.get(skipped..).unwrap_or_default()
    }

    /// Returns the position of its last event.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.events.len() as u64
    }
}

/// Returns the stretch of the page with the event behind `reached`, in a log that goes to `head`: a whole page if there is one, or else
/// what there is of it up to `known`.
pub(crate) fn stretch(reached: u64, head: u64, known: u64) -> (u64, u64) {
    let start = reached - reached % PAGE_EVENTS;
    let end = start + PAGE_EVENTS;
    (start, if end <= head { end } else { known })
}

impl Pages {
    pub(crate) fn new() -> Self {
        let weigh = |_: &Key, page: &Page| page.events.iter().map(|event| weight(event)).sum();
        let wanted = Cache::builder()
            .max_capacity(MOST_WANTED)
            .eviction_policy(EvictionPolicy::lru());
        Self {
            read: Cache::builder()
                .max_capacity(MAX_BYTES)
                .weigher(weigh)
                // Who is behind reads the pages the others have left, in the same order.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(MAX_IDLE)
                .build(),
            wanted: wanted.time_to_idle(MAX_IDLE).build(),
        }
    }

    /// Notes that a client goes on behind `position`; returns whether it, or another one, was on the same page lately. Who is alone and
    /// wants few of the events leaves the others to the database, so pages are for those who are not.
    pub(crate) async fn is_wanted(&self, age: u64, position: u64) -> bool {
        let key = (age, position / PAGE_EVENTS);
        !self.wanted.entry(key).or_insert(()).await.is_fresh()
    }

    /// Returns the page with the event at this position, if it is here.
    pub(crate) async fn known(&self, age: u64, (start, end): (u64, u64)) -> Option<Page> {
        self.read.get(&(age, start, end)).await
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
                true => self.page(age, (number * PAGE_EVENTS, end), &load).await,
                false => None,
            };
            let Some(page) = page else {
                // This also happens when events were pruned: many pages may be empty.
                let rest = load(reached, until, left).await?;
                events.extend(rest.into_iter().map(Arc::new));
                break;
            };
            events.extend(page.behind(reached).iter().take(left as usize).cloned());
            reached = end;
        }
        Ok(events)
    }

    /// Returns the page with this stretch, if it is complete. Those who want it at once share one read of the database.
    pub(crate) async fn page<F, L>(
        &self,
        age: u64,
        (start, end): (u64, u64),
        load: &L,
    ) -> Option<Page>
    where
        F: Future<Output = Result<Vec<Event>>>,
        L: Fn(u64, u64, u64) -> F,
    {
        let reading = async {
            let events = load(start, end, end - start).await;
            let events = events.map_err(|_| NoPage)?;
            if events.len() as u64 != end - start {
                return Err(NoPage);
            }
            let events = events.into_iter().map(Arc::new).collect();
            Ok(Page { start, events })
        };
        self.read
            .try_get_with((age, start, end), reading)
            .await
            .ok()
    }

    /// Evicts the pages that nobody has read for a while.
    pub(crate) async fn tidy(&self) {
        self.read.run_pending_tasks().await;
        self.wanted.run_pending_tasks().await;
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
