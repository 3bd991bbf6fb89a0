//! What one transaction of a follower does: the events that it applies, and the moves of the checkpoints past them and past what
//! the follower does not want. It is bounded in events and in bytes; events that are only passed take no room.
//!
//! The fence looks for the last event of each part in the log of the database, which says nothing about the ones before unless all
//! are of the same log. They may be of two when the database was restored meanwhile: some in memory since before, the rest read
//! since. Each event knows which one it follows, so a batch ends where the next does not follow.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::lease::Leases;
use crate::{Event, Follower, Proof, follower::Advance};

/// The most bytes of data of the events in one transaction, not counting the last one.
const MOST_BYTES: usize = 8 << 20;

/// Events of held parts, in their order, and the moves past them.
#[derive(Default)]
pub(super) struct Batch {
    advances: BTreeMap<i16, Advance>,
    wanted: Vec<Arc<Event>>,
    bytes: usize,
    /// The position and the proof of the last event that it was given.
    last: Option<(u64, Proof)>,
}

impl Batch {
    /// Takes the next event, or leaves it out if its part is not held, or has it applied. Returns false if it must not be in this
    /// batch, as it does not follow the one before.
    pub(super) fn take(
        &mut self,
        event: &Arc<Event>,
        leases: &Leases,
        follower: &dyn Follower,
    ) -> bool {
        // Between other positions there were events that are pruned.
        let before = self.last.filter(|(last, _)| last + 1 == event.position);
        if let (Some((_, proof)), Some(follows)) = (before, event.follows)
            && proof != follows
        {
            return false;
        }
        self.last = Some((event.position, Proof::of(event.event_id)));
        let lease = leases.get(&event.part);
        let Some(lease) = lease.filter(|lease| event.position > lease.position) else {
            return true;
        };
        match self.advances.entry(event.part) {
            // The move is from just before the part's first event here to its last.
            Entry::Occupied(mut advance) => {
                let advance = advance.get_mut();
                (advance.position, advance.event_id) = (event.position, event.event_id);
            }
            Entry::Vacant(entry) => {
                entry.insert(Advance {
                    part: event.part,
                    token: lease.token,
                    previous: event.previous,
                    position: event.position,
                    event_id: event.event_id,
                });
            }
        }
        if follower.wants(&event.stream) {
            self.bytes += event.data.get().len();
            self.wanted.push(event.clone());
        }
        true
    }

    /// Returns a batch of these events, which were read at once.
    pub(super) fn of(events: &[Arc<Event>], leases: &Leases, follower: &dyn Follower) -> Self {
        let mut batch = Self::default();
        for event in events {
            batch.take(event, leases, follower);
        }
        batch
    }

    /// Returns whether it has `most` events to apply, or so many bytes of them that it should end here.
    pub(super) fn is_full(&self, most: u64) -> bool {
        self.wanted.len() as u64 >= most || self.bytes >= MOST_BYTES
    }

    /// Returns whether it moves nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.advances.is_empty()
    }

    /// Returns the number of events to apply.
    pub(super) fn events(&self) -> u64 {
        self.wanted.len() as u64
    }

    /// Returns the moves and the events to apply.
    pub(super) fn into_parts(self) -> (Arc<[Advance]>, Arc<[Arc<Event>]>) {
        (self.advances.into_values().collect(), self.wanted.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{Applying, DatabaseTransaction, kit, runner::Lease};

    struct OfCustomers;

    impl Follower for OfCustomers {
        fn name(&self) -> &'static str {
            "of_customers"
        }

        fn wants(&self, stream: &str) -> bool {
            stream == "customer"
        }

        fn apply<'a>(&'a self, _: &'a DatabaseTransaction, _: &'a [Arc<Event>]) -> Applying<'a> {
            Box::pin(async { Ok(()) })
        }
    }

    fn leases(parts: &[(i16, u64)]) -> Leases {
        let lease = |position| Lease {
            token: 3,
            position,
            scanned: position,
            is_left_behind: false,
        };
        let leases = parts
            .iter()
            .map(|(part, position)| (*part, lease(*position)));
        leases.collect()
    }

    fn event(position: u64, part: i16, previous: u64, kind: &str) -> Arc<Event> {
        Arc::new(Event {
            part,
            previous,
            ..kit::event(position, kind, 1)
        })
    }

    #[test]
    fn checkpoints_move_past_what_is_applied_and_what_is_not_wanted() {
        let events = [
            event(4, 0, 2, "customer"),
            event(5, 1, 3, "post"),
            event(6, 2, 1, "customer"),
            event(7, 0, 4, "post"),
            event(8, 3, 0, "customer"),
        ];
        // Part 2 has come further than the others, and part 3 is not held.
        let batch = Batch::of(&events, &leases(&[(0, 2), (1, 3), (2, 6)]), &OfCustomers);
        let (advances, wanted) = batch.into_parts();
        let moves = advances
            .iter()
            .map(|it| (it.part, it.previous, it.position));
        assert_eq!(moves.collect::<Vec<_>>(), [(0, 2, 7), (1, 3, 5)]);
        assert_eq!(advances[0].event_id, events[3].event_id);
        let wanted: Vec<_> = wanted.iter().map(|event| event.position).collect();
        assert_eq!(wanted, [4]);
    }

    #[test]
    fn a_restored_log_is_not_mixed_with_what_was_read_before() {
        let before = event(4, 0, 2, "customer");
        let after = Event {
            follows: Some(Proof::of(uuid::Uuid::now_v7())),
            ..(*event(5, 0, 4, "customer")).clone()
        };
        let behind_pruned = Event {
            position: 6,
            ..after.clone()
        };
        let leases = leases(&[(0, 2)]);
        let mut batch = Batch::default();
        assert!(batch.take(&before, &leases, &OfCustomers));
        assert!(!batch.take(&Arc::new(after), &leases, &OfCustomers));
        assert_eq!(batch.events(), 1);
        assert!(batch.take(&Arc::new(behind_pruned), &leases, &OfCustomers));
    }

    #[test]
    fn it_is_full_of_events_or_of_bytes() {
        let leases = leases(&[(0, 0)]);
        let mut batch = Batch::default();
        for position in 1..=9 {
            batch.take(
                &event(position, 0, position - 1, "post"),
                &leases,
                &OfCustomers,
            );
        }
        assert!(!batch.is_full(1), "events that are passed take no room");
        batch.take(&event(10, 0, 9, "customer"), &leases, &OfCustomers);
        assert!(batch.is_full(1) && !batch.is_full(2));
        let text = format!("\"{}\"", "x".repeat(MOST_BYTES));
        let large = Event {
            data: RawValue::from_string(text).expect("JSON"),
            previous: 10,
            ..kit::event(11, "customer", 1)
        };
        batch.take(&Arc::new(large), &leases, &OfCustomers);
        assert!(batch.is_full(1_000));
    }
}
