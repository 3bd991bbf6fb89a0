//! The newest events of the tail, kept for clients that return after a short absence: a dense stretch that ends at the tail, or
//! nothing.

use std::{collections::VecDeque, sync::Arc};

use crate::{Event, Proof, topic::Topics};

/// Events kept.
const EVENTS: usize = 4096;
/// The limit on their total size, in bytes of event data.
const BYTES: usize = 16 << 20;

#[derive(Default)]
pub(super) struct Recent {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    age: u64,
}

impl Recent {
    /// Returns how often everything was forgotten.
    pub(super) fn age(&self) -> u64 {
        self.age
    }

    pub(super) fn forget(&mut self) {
        self.age += 1;
        self.events.clear();
        self.bytes = 0;
    }

    pub(super) fn remember(&mut self, event: Arc<Event>) {
        self.bytes += event.data.get().len();
        self.events.push_back(event);
        while self.events.len() > EVENTS || self.bytes > BYTES {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes -= oldest.data.get().len();
            }
        }
    }

    /// Returns the position of the oldest event.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.events.front().map(|event| event.position)
    }

    /// Returns the proof of the event at `position`.
    pub(super) fn proof_at(&self, position: u64) -> Option<Proof> {
        let first = self.events.front()?;
        if position + 1 == first.position {
            return first.follows;
        }
        let place = usize::try_from(position.checked_sub(first.position)?).ok()?;
        let event = self.events.get(place)?;
        Some(Proof::of(event.event_id))
    }

    /// Returns at most `limit` events after `after` and up to `until`, if all of them are here.
    pub(super) fn read(
        &self,
        topics: Option<&Topics>,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Option<Vec<Arc<Event>>> {
        let first = self.events.front()?.position;
        let skip = (after + 1).checked_sub(first)? as usize;
        if until > self.events.back()?.position {
            return None;
        }
        Some(
            self.events
                .iter()
                .skip(skip)
                .take_while(|event| event.position <= until)
                .filter(|event| topics.is_none_or(|topics| topics.matches(event)))
                .take(limit as usize)
                .cloned()
                .collect(),
        )
    }

    /// Returns the first event of the part after `checkpoint`, which is the position of one of its events, as far as that is
    /// known here. When everything after the checkpoint is here and none of it belongs to the part, the first event has yet to
    /// come, behind `reached`.
    pub(super) fn first_after(&self, part: i16, checkpoint: u64, reached: u64) -> Option<u64> {
        let mut of_part = self.events.iter().filter(|event| event.part == part);
        match of_part.find(|event| event.position > checkpoint) {
            Some(event) => (event.previous <= checkpoint).then_some(event.position),
            None => {
                let oldest = self.events.front()?.position;
                (oldest <= checkpoint + 1).then_some(reached + 1)
            }
        }
    }
}
