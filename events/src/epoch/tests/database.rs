//! The database of the searched world: its log, which may lose its end, and what is lost with that.

use uuid::Uuid;

use crate::{Cursor, Event, Proof, epoch::Standing, kit, read::Head};

/// The ids of events, in the order in which they were written.
pub(super) type Id = u8;

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Database {
    pub(super) epoch: u32,
    /// By position: the first event is at 1.
    pub(super) events: Vec<Id>,
    /// The follower's checkpoint, with what it applied: they commit, and are lost, together.
    pub(super) checkpoint: u64,
    pub(super) applied: Vec<Id>,
    /// It can tell that it is not the database that numbered last, and has not looked yet.
    pub(super) has_moved: bool,
}

impl Database {
    pub(super) fn found(&self, position: u64) -> Option<Id> {
        let place = usize::try_from(position).ok()?.checked_sub(1)?;
        self.events.get(place).copied()
    }

    pub(super) fn standing(&self, position: u64) -> Standing {
        Standing {
            epoch: self.epoch,
            head: self.events.len() as u64,
            pruned: 0,
            unproven_until: 0,
            found: self.found(position).map(proof),
        }
    }

    pub(super) fn head(&self) -> Head {
        let position = self.events.len() as u64;
        Head {
            epoch: self.epoch,
            proof: self.found(position).map(proof),
            ..kit::head(position)
        }
    }

    pub(super) fn cursor(&self, position: u64) -> Cursor {
        Cursor {
            epoch: self.epoch,
            position,
            proof: self.found(position).map(proof),
        }
    }
}

pub(super) fn proof(id: Id) -> Proof {
    Proof::of(Uuid::from_u128(id.into()))
}

pub(super) fn event(position: u64, id: Id, follows: Option<Proof>) -> Event {
    Event {
        event_id: Uuid::from_u128(id.into()),
        follows,
        ..kit::event(position, "customer", 1)
    }
}
