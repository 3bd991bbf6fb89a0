//! Events that arrived before their predecessors. Both bounds give up what is farthest from the tail, and never what is
//! nearest: the event that comes next, and sets the others free, is before all that wait, so it is always admitted. What
//! was given up is in the log, where the pump reads it in its turn.

use std::{collections::BTreeMap, sync::Arc};

use crate::Event;

/// How much may wait. One event may, however large it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    /// Of event data.
    pub(crate) bytes: usize,
}

/// Events that came before one that they follow.
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

    /// Lets the event wait, if need be in place of those that are farther from the tail. One that is the farthest itself
    /// is given up.
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

    /// The event at `position`, if it is the first that waits.
    pub(super) fn take(&mut self, position: u64) -> Option<Arc<Event>> {
        let first = self.events.first_entry()?;
        let taken = (*first.key() == position).then(|| first.remove())?;
        self.bytes -= taken.data.get().len();
        Some(taken)
    }

    /// Forgets what is at or before `position`.
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
