//! Events that arrived before their predecessors. Both bounds drop the event farthest from the tail and never the nearest: the
//! next event, which releases the others, precedes all that wait, so it is always admitted. Dropped events are in the log, where
//! the pump reads them in turn.

use std::{collections::BTreeMap, sync::Arc};

use crate::Event;

/// How much may wait. A single event may always wait, however large it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    /// Bytes of event data.
    pub(crate) bytes: usize,
}

/// Events that arrived before one of their predecessors.
pub(super) struct Pending {
    events: BTreeMap<u64, Arc<Event>>,
    bytes: usize,
    bounds: Bounds,
}

impl Pending {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            events: BTreeMap::new(),
            bytes: 0,
            bounds,
        }
    }

    /// Lets the event wait, if necessary in place of events farther from the tail. An event that is itself the farthest is dropped.
    pub(super) fn admit(&mut self, event: Event) {
        self.bytes += event.data.get().len();
        if let Some(repeated) = self.events.insert(event.position, Arc::new(event)) {
            self.bytes -= repeated.data.get().len();
        }
        while self.events.len() > 1 && self.is_too_much() {
            if let Some((_, farthest)) = self.events.pop_last() {
                self.bytes -= farthest.data.get().len();
            }
        }
    }

    fn is_too_much(&self) -> bool {
        self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes
    }

    /// Takes the event at `position`, if it is the first that waits.
    pub(super) fn take(&mut self, position: u64) -> Option<Arc<Event>> {
        let first = self.events.first_entry()?;
        let taken = (*first.key() == position).then(|| first.remove())?;
        self.bytes -= taken.data.get().len();
        Some(taken)
    }

    /// Drops events at or before `position`.
    pub(super) fn forget_up_to(&mut self, position: u64) {
        self.events = self.events.split_off(&(position + 1));
        self.bytes = self.events.values().map(|it| it.data.get().len()).sum();
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.events.len(), self.bytes)
    }
}
