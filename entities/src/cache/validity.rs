//! Why a value is never older than the cursor sent with it. The cursor is read before the request is executed, and observers
//! run before an event's position is visible: for every event up to the cursor, its row has begun a new generation and recorded
//! the position. A *load* that begins in a generation sees every event which began it or an earlier one, as positions are given
//! after commits. A *shared* value is stamped with a position that was visible before it was read, so it includes every event
//! up to there: it counts if neither a known event of its row nor the start of this process's knowledge (the floor) is later.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use ::events::Cursor;
use uuid::Uuid;

use super::Stamp;

/// Rows share slots by hash; after a change, the few rows in the same slot are loaded again, too.
const SLOTS: usize = 1 << 16;
/// A commit of this process has no position yet. For this long the shared level is not used for its row, so that callers see
/// their own writes; by then its event has arrived, or the log counts as not current.
const HOLD: Duration = Duration::from_secs(10);

/// Values of the same version of a row are equally fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Version {
    /// The epoch of the log. Nothing cached is valid for a database that was restored.
    pub(super) epoch: u32,
    /// The generation of the row's slot.
    pub(super) generation: u64,
}

#[derive(Default)]
struct Slot {
    generation: AtomicU64,
    /// The position of the last event in the slot.
    changed: AtomicU64,
    /// When the hold of a commit ends, in milliseconds since the beginning.
    held_until: AtomicU64,
}

/// The known changes of rows, which decide whether values still count.
pub(super) struct Validity {
    slots: Box<[Slot]>,
    epoch: AtomicU32,
    /// The slots have every change after this position.
    floor: AtomicU64,
    /// The floor until the past has been read.
    start: AtomicU64,
    began: Instant,
}

impl Validity {
    /// Returns the validity of a process whose tail is at `start`; it receives later events once `listening` was called.
    pub(super) fn new(start: Cursor) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            epoch: AtomicU32::new(start.epoch),
            floor: AtomicU64::new(start.position),
            start: AtomicU64::new(start.position),
            began: Instant::now(),
        }
    }

    /// Records that the tail is at `position`, or was beyond it already, and that every later event will be received.
    pub(super) fn listening(&self, position: u64) {
        self.start.fetch_max(position, Ordering::AcqRel);
        self.floor.fetch_max(position, Ordering::AcqRel);
    }

    /// Returns the row's slot, from the last bytes of the id, which are random in a uuid v7.
    fn slot(&self, id: Uuid) -> &Slot {
        &self.slots[id.as_u128() as usize % SLOTS]
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Returns the row's version for a caller who was given `cursor` or an earlier one.
    pub(super) fn version(&self, id: Uuid, cursor: Cursor) -> Version {
        if self.epoch.load(Ordering::Acquire) != cursor.epoch {
            // The tail has started over at or before this place, without reporting the events that it skipped. The floor never
            // falls again, so a caller with a cursor of the old epoch does no harm.
            self.floor.fetch_max(cursor.position, Ordering::AcqRel);
            self.epoch.store(cursor.epoch, Ordering::Release);
        }
        Version {
            epoch: cursor.epoch,
            generation: self.slot(id).generation.load(Ordering::Acquire),
        }
    }

    /// Records an event of the row; without a position, a commit of this process.
    pub(super) fn change(&self, id: Uuid, position: Option<u64>) {
        let slot = self.slot(id);
        match position {
            Some(position) => slot.changed.fetch_max(position, Ordering::AcqRel),
            None => {
                let until = self.now_ms() + HOLD.as_millis() as u64;
                slot.held_until.fetch_max(until, Ordering::AcqRel)
            }
        };
        // The generation comes last: a reader that sees it sees the rest.
        slot.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Records that events up to this position were missed: any row may have changed.
    pub(super) fn skip(&self, position: u64) {
        self.start.fetch_max(position, Ordering::AcqRel);
        self.floor.fetch_max(position, Ordering::AcqRel);
        for slot in &self.slots {
            slot.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Lowers the floor to `after`, given the last position of each row that changed between it and the start.
    pub(super) fn learn(&self, after: u64, changes: &[(Uuid, u64)]) {
        for (id, position) in changes {
            let changed = &self.slot(*id).changed;
            changed.fetch_max(*position, Ordering::AcqRel);
        }
        let start = self.start.load(Ordering::Acquire);
        let lower = after.min(start);
        // This fails if the tail has started over meanwhile.
        let _ = self
            .floor
            .compare_exchange(start, lower, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Returns whether a shared value with this stamp includes every change of the row that is known here.
    pub(super) fn covers(&self, id: Uuid, stamp: &Stamp) -> bool {
        let slot = self.slot(id);
        stamp.epoch == self.epoch.load(Ordering::Acquire)
            && stamp.position >= self.floor.load(Ordering::Acquire)
            && stamp.position >= slot.changed.load(Ordering::Acquire)
            && self.now_ms() >= slot.held_until.load(Ordering::Acquire)
    }
}
