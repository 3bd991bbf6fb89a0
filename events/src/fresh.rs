//! The events that this process has committed and that have no position yet, on Postgres. When it numbers them itself, which is the
//! rule, the tail takes them from here, and the log is not read. Bounded: what does not fit is read from the log, like the events
//! of other processes. A redaction is never kept, so a pass that numbers one is read, with the events it has changed.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{Cursor, Event, Proof, event::ERASURE_STREAM};

/// The bounds on what is kept.
const MOST_EVENTS: usize = 4_096;
const MOST_BYTES: usize = 8 << 20;

/// An event that was given a position: its id, and the position before it in its part.
pub(crate) type Numbered = (Uuid, u64);

#[derive(Default)]
pub(crate) struct Fresh(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    events: HashMap<Uuid, Event>,
    order: VecDeque<Uuid>,
    bytes: usize,
}

impl Fresh {
    /// Keeps an event that was committed just now. Its position is not known.
    pub(crate) fn keep(&self, event: Event) {
        if event.stream == ERASURE_STREAM {
            return;
        }
        let mut kept = self.0.lock();
        kept.bytes += size(&event);
        kept.order.push_back(event.event_id);
        kept.events.insert(event.event_id, event);
        while kept.order.len() > MOST_EVENTS || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.order.pop_front() else {
                return;
            };
            kept.take(oldest);
        }
    }

    /// Forgets all events, because the log was redacted. They would not be handed on any more, but must not stay in memory.
    pub(crate) fn forget(&self) {
        *self.0.lock() = Kept::default();
    }

    /// Returns the events that were numbered behind `reached`, in order and with their positions, if all of them are here.
    pub(crate) fn number(&self, reached: Cursor, numbered: &[Numbered]) -> Option<Vec<Event>> {
        let mut follows = Some(reached.proof?);
        let mut kept = self.0.lock();
        if !numbered.iter().all(|(id, _)| kept.events.contains_key(id)) {
            return None;
        }
        let numbered = (reached.position + 1..).zip(numbered);
        let number = |(position, (id, previous)): (u64, &Numbered)| {
            Some(Event {
                position,
                previous: *previous,
                follows: follows.replace(Proof::of(*id)),
                ..kept.take(*id)?
            })
        };
        numbered.map(number).collect()
    }
}

impl Kept {
    fn take(&mut self, id: Uuid) -> Option<Event> {
        let event = self.events.remove(&id)?;
        self.bytes -= size(&event);
        Some(event)
    }
}

/// Returns about how much memory an event takes.
fn size(event: &Event) -> usize {
    event.data.get().len() + 512
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{event, proof};

    fn of(stream: &str, id: u128) -> Event {
        let mut event = event(0, stream, 1);
        event.event_id = Uuid::from_u128(id);
        event
    }

    #[test]
    fn what_is_all_there_continues_from_the_place_that_was_reached() {
        let fresh = Fresh::default();
        (1..=4).for_each(|id| fresh.keep(of("customer", id)));
        let numbered: Vec<Numbered> = [(3, 7), (1, 0)]
            .map(|(id, at)| (Uuid::from_u128(id), at))
            .into();
        let reached = Cursor {
            epoch: 1,
            position: 9,
            proof: proof(9),
        };
        assert!(
            fresh
                .number(
                    Cursor {
                        proof: None,
                        ..reached
                    },
                    &numbered
                )
                .is_none()
        );
        let missing = [numbered[0], (Uuid::from_u128(5), 0)];
        assert!(fresh.number(reached, &missing).is_none());
        let events = fresh.number(reached, &numbered).expect("both");
        let places: Vec<_> = events
            .iter()
            .map(|it| (it.position, it.previous, it.follows))
            .collect();
        assert_eq!(
            places,
            [
                (10, 7, proof(9)),
                (11, 0, Some(Proof::of(events[0].event_id)))
            ]
        );
        assert!(fresh.number(reached, &numbered).is_none(), "they are gone");
    }

    #[test]
    fn what_is_kept_is_bounded_and_redactions_are_not_kept() {
        let fresh = Fresh::default();
        let count = MOST_EVENTS as u128 + 10;
        (1..=count).for_each(|id| fresh.keep(of("customer", id)));
        fresh.keep(of(ERASURE_STREAM, count + 1));
        let kept = fresh.0.lock();
        assert_eq!(kept.events.len(), MOST_EVENTS);
        assert!(!kept.events.contains_key(&Uuid::from_u128(10)));
        assert!(kept.events.contains_key(&Uuid::from_u128(count)));
        assert_eq!(kept.bytes, MOST_EVENTS * size(&of("customer", 1)));
    }
}
