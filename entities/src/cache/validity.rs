//! Why a value is never older than the cursor sent with it. The cursor is read before the request is executed, and
//! observers run before an event's position is visible: for every event at or before the cursor, its row has begun a new
//! generation, and remembers the event's position. A *load* that begins in a generation sees every event which began it
//! or an earlier one, as positions are given after commits. A *shared* value is stamped with a position that was visible
//! before it was read, so it shows all up to there: it counts if no later event of its row is known here, and if what
//! happened before this process looked (the floor) is not later either.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use ::events::Cursor;
use uuid::Uuid;

use super::Stamp;

/// Rows share slots by hash; a change makes its few neighbours be loaded again.
const SLOTS: usize = 1 << 16;
/// A commit of this process has no position yet. For so long the shared level is not asked for its row, so that one's own
/// writes are seen; by then its event has arrived, or the log counts as not current.
const HOLD: Duration = Duration::from_secs(10);

/// Values of the same version of a row are equally fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Version {
    /// Of the log. Nothing is known of rows in a database that was restored.
    pub(super) epoch: u32,
    /// Of the row, or of one of its neighbours.
    pub(super) generation: u64,
}

#[derive(Default)]
struct Slot {
    generation: AtomicU64,
    /// The position of the last event.
    changed: AtomicU64,
    /// In milliseconds since the beginning.
    held_until: AtomicU64,
}

/// What is known of changes of rows, and so which values still count.
pub(super) struct Validity {
    slots: Box<[Slot]>,
    epoch: AtomicU32,
    /// What happened after this position is in the slots.
    floor: AtomicU64,
    /// The floor as long as the past is not known.
    start: AtomicU64,
    began: Instant,
}

impl Validity {
    /// Of a process whose tail is at `start`; it hears of what follows once `listening` was called.
    pub(super) fn new(start: Cursor) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            epoch: AtomicU32::new(start.epoch),
            floor: AtomicU64::new(start.position),
            start: AtomicU64::new(start.position),
            began: Instant::now(),
        }
    }

    /// From here on every event is heard of; the tail is at `position`, or was beyond it already.
    pub(super) fn listening(&self, position: u64) {
        self.start.fetch_max(position, Ordering::AcqRel);
        self.floor.fetch_max(position, Ordering::AcqRel);
    }

    /// The last bytes of a uuid v7 are random.
    fn slot(&self, id: Uuid) -> &Slot {
        &self.slots[id.as_u128() as usize % SLOTS]
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// The row's version for whoever was given `cursor` or an earlier one.
    pub(super) fn version(&self, id: Uuid, cursor: Cursor) -> Version {
        if self.epoch.load(Ordering::Acquire) != cursor.epoch {
            // The tail started over at or before this place, and told nobody what it skipped. The floor never falls
            // again, so a caller with a cursor of the old epoch does no harm.
            self.floor.fetch_max(cursor.position, Ordering::AcqRel);
            self.epoch.store(cursor.epoch, Ordering::Release);
        }
        Version {
            epoch: cursor.epoch,
            generation: self.slot(id).generation.load(Ordering::Acquire),
        }
    }

    /// An event of the row; without a position, a commit of this process.
    pub(super) fn change(&self, id: Uuid, position: Option<u64>) {
        let slot = self.slot(id);
        match position {
            Some(position) => slot.changed.fetch_max(position, Ordering::AcqRel),
            None => {
                let until = self.now_ms() + HOLD.as_millis() as u64;
                slot.held_until.fetch_max(until, Ordering::AcqRel)
            }
        };
        // Last: whoever sees the generation sees the rest.
        slot.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Events up to here were missed: anything may have happened to any row.
    pub(super) fn skip(&self, position: u64) {
        self.start.fetch_max(position, Ordering::AcqRel);
        self.floor.fetch_max(position, Ordering::AcqRel);
        for slot in &self.slots {
            slot.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Lowers the floor to `after`: these are the last positions of all that happened between it and the start.
    pub(super) fn learn(&self, after: u64, changes: &[(Uuid, u64)]) {
        for (id, position) in changes {
            let changed = &self.slot(*id).changed;
            changed.fetch_max(*position, Ordering::AcqRel);
        }
        let start = self.start.load(Ordering::Acquire);
        let lower = after.min(start);
        // Unless the tail has started over meanwhile.
        let _ = self
            .floor
            .compare_exchange(start, lower, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Whether a shared value with this stamp shows all that is known here to have happened to the row.
    pub(super) fn covers(&self, id: Uuid, stamp: &Stamp) -> bool {
        let slot = self.slot(id);
        stamp.epoch == self.epoch.load(Ordering::Acquire)
            && stamp.position >= self.floor.load(Ordering::Acquire)
            && stamp.position >= slot.changed.load(Ordering::Acquire)
            && self.now_ms() >= slot.held_until.load(Ordering::Acquire)
    }
}
