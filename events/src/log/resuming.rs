//! Reading on behind a client's place from pages that all clients share, so that thousands who resume at once read the log once.
//!
//! Why a reader may trust a page that another one had read, without asking the database about its own place: a page is complete, so
//! nothing in it was missing when it was read, pruned or not. It has the ids of its events and of the one before them, so whether the
//! reader's place is in the same history is decided by comparing its proof with the page's, for each reader and each page anew, and
//! the last page is compared with the tail that the reader goes on from. And like the tail's memory, a page is forgotten with the
//! epoch in which it was read, or at an erasure. Whatever is in doubt is left to the database (`read_whole`): an old cursor without a
//! proof, a page that was pruned in part, another history.

use std::sync::Arc;

use crate::{
    Cursor, Event, EventLog, Proof, pages,
    read::{self, WINDOW},
    topic::Topics,
};

impl EventLog {
    /// Reads like `read_whole`; returns `None` when the database has to be asked.
    pub(super) async fn read_shared(
        &self,
        topics: &Topics,
        from: Cursor,
        until: u64,
        limit: u64,
    ) -> Option<Vec<Arc<Event>>> {
        let (tail, pages) = (self.tail(), &self.shared.pages);
        // It is read first, so what is forgotten in the meantime is not found under the new age.
        let age = tail.age();
        // Few streams in a long stretch are better looked up by stream.
        let is_far = until.saturating_sub(from.position) > WINDOW;
        if tail.epoch() != from.epoch
            || (is_far && topics.by_kind().all(|(_, ids)| ids.is_some()))
            || !pages.is_wanted(age, from.position).await
        {
            return None;
        }
        let load = |after, until, limit| {
            read::read_after(&self.database().background, None, after, until, limit)
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut events, mut reached) = (Vec::new(), from);
        loop {
            let (head, memory) = tail.extent();
            if reached.position >= until {
                let known = tail.proof_at(until);
                return (known.is_none() || known == reached.proof).then_some(events);
            }
            if reached.position >= memory {
                let left = (limit - events.len()) as u64;
                let rest = tail.recent_behind(topics, reached, until, left)?;
                events.extend(rest.ok()?);
                return Some(events);
            }
            let stretch = pages::stretch(reached.position, head, memory);
            let page = pages.page(age, stretch, &load).await?;
            if !page.continues(reached) {
                return None;
            }
            let end = page.end().min(until);
            for event in page.behind(reached.position) {
                if event.position > end {
                    break;
                }
                if topics.matches(event) {
                    events.push(event.clone());
                    if events.len() == limit {
                        return Some(events);
                    }
                }
            }
            reached = Cursor {
                position: end,
                proof: page.proof_at(end),
                ..reached
            };
        }
    }

    /// Returns the proof of the event at `position`, if it is in memory or on a page that was read lately.
    pub(super) async fn known_proof_at(&self, position: u64) -> Option<Proof> {
        let tail = self.tail();
        if let Some(proof) = tail.proof_at(position) {
            return Some(proof);
        }
        let (head, memory) = tail.extent();
        let stretch = pages::stretch(position.checked_sub(1)?, head, memory);
        let page = self.shared.pages.known(tail.age(), stretch).await?;
        page.proof_at(position)
    }
}

#[cfg(test)]
mod tests;
