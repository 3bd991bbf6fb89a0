//! What a process knows of the copies of events in Redis: the end of each stream, how far its own relay has come, and whether events
//! arrive. Relay and bus keep it. Nothing is decided by it but which calls can be saved, how often the log is polled, and what
//! operators see.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::PARTS;

/// The last position of each part that is known to be in Redis. Too low a value costs a needless call, never an event.
#[derive(Default)]
pub(crate) struct Tops([AtomicU64; PARTS as usize]);

impl Tops {
    pub(crate) fn get(&self, part: i16) -> u64 {
        self.0
            .get(part as usize)
            .map_or(0, |top| top.load(Ordering::Relaxed))
    }

    pub(crate) fn raise(&self, part: i16, position: u64) {
        if let Some(top) = self.0.get(part as usize) {
            top.fetch_max(position, Ordering::Relaxed);
        }
    }

    pub(crate) fn clear(&self) {
        for top in &self.0 {
            top.store(0, Ordering::Relaxed);
        }
    }
}

/// The progress of this process's relay.
#[derive(Default)]
pub(crate) struct Relayed {
    position: AtomicU64,
    is_refused: AtomicBool,
}

impl Relayed {
    /// Returns the position up to which all events are in Redis.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Returns whether Redis refused the last events it was sent.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Records that Redis has all events up to `position`.
    pub(crate) fn reach(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
        self.is_refused.store(false, Ordering::Relaxed);
    }

    /// Records that Redis refused events, or cannot be reached.
    pub(crate) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }
}

/// Whether the events of other processes arrive over Redis.
#[derive(Default)]
pub(crate) struct Arrivals {
    is_open: AtomicBool,
    /// Notified when they may not, so that the log is polled for them soon.
    pub(crate) doubt: Notify,
}

impl Arrivals {
    /// Returns whether Redis has answered since it last failed.
    pub(crate) fn are_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Records that Redis answers.
    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Records that Redis does not answer.
    pub(crate) fn close(&self) {
        self.is_open.store(false, Ordering::Relaxed);
        self.doubt.notify_one();
    }
}
