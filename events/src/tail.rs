//! The live end of the log in one process. Events come from several sources, in any order and more than once; they leave in the
//! dense order of positions, each once. Invariant: `position` advances only after every listener has been handed, and every
//! observer has seen, all events up to it. A listener that falls behind loses its place, never events. The event after `position`
//! is always admitted, whatever else waits: a tail whose log can be read reaches its head (`simulation`).

mod listeners;
mod pending;
mod recent;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Cursor, CursorError, ERASURE_STREAM, Event, Proof, epoch, read::Head, topic::Topics};
use listeners::{Listeners, Receiver};
pub(crate) use pending::Bounds;
use pending::Pending;
use recent::Recent;

/// The bounds on events that wait for their predecessors.
const PENDING: Bounds = Bounds {
    events: 16_384,
    bytes: 32 << 20,
};

/// Called with the kind and id of a stream, the type of its event, and the event's position once it is known.
type Observer = Box<dyn Fn(&str, Uuid, &str, Option<u64>) + Send + Sync>;
type GapObserver = Box<dyn Fn(Gap) + Send + Sync>;

/// A gap: events that this process has missed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The position before the gap; `None` when the log has another epoch, in which nothing is as before.
    pub after: Option<u64>,
    /// The last position of the gap.
    pub until: u64,
}

struct State {
    epoch: u32,
    pruned: u64,
    position: u64,
    /// The proof of the event at `position`.
    proof: Option<Proof>,
    /// Whether an event for the next position was refused because it does not follow the last one. The log is read and checked
    /// instead.
    has_refused: bool,
    recent: Recent,
    pending: Pending,
    listeners: Listeners,
}

/// The newest events of the log, handed on in the order of their positions.
pub struct Tail {
    state: Mutex<State>,
    position: watch::Sender<u64>,
    observers: Mutex<Vec<Observer>>,
    gap_observers: Mutex<Vec<GapObserver>>,
}

impl Tail {
    pub(crate) fn new(head: &Head) -> Self {
        Self::bounded(head, PENDING)
    }

    pub(crate) fn bounded(head: &Head, pending: Bounds) -> Self {
        Self {
            state: Mutex::new(State {
                epoch: head.epoch,
                pruned: head.pruned,
                position: head.position,
                proof: head.proof,
                has_refused: false,
                recent: Recent::default(),
                pending: Pending::new(pending),
                listeners: Listeners::new(),
            }),
            position: watch::Sender::new(head.position),
            observers: Mutex::default(),
            gap_observers: Mutex::default(),
        }
    }

    /// Calls `observer` with the stream and type of every event, both when it arrives and after a local commit, before it is
    /// visible in `position`. It must not block.
    pub(crate) fn observe(&self, observer: Observer) {
        self.observers.lock().push(observer);
    }

    /// Calls `observer` before the tail skips events that it never had, under the lock that is held while events are handed on.
    pub(crate) fn observe_gaps(&self, observer: GapObserver) {
        self.gap_observers.lock().push(observer);
    }

    fn notify_gap_observers(&self, gap: Gap) {
        let observers = self.gap_observers.lock();
        for observer in observers.iter() {
            observer(gap);
        }
    }

    pub(crate) fn notify_observers(
        &self,
        kind: &str,
        id: Uuid,
        event_type: &str,
        position: Option<u64>,
    ) {
        let observers = self.observers.lock();
        for observer in observers.iter() {
            observer(kind, id, event_type, position);
        }
    }

    /// Returns the position up to which all events have been handed on in this process.
    pub fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// Returns the place of the tail as a cursor.
    pub fn cursor(&self) -> Cursor {
        self.state.lock().cursor()
    }

    /// Checks that `cursor` belongs to this epoch and that nothing after it was pruned, as far as this process knows.
    pub(crate) fn check(&self, cursor: Cursor) -> Result<(), CursorError> {
        let state = self.state.lock();
        if cursor.epoch != state.epoch {
            return Err(CursorError::Foreign);
        }
        if cursor.position < state.pruned {
            return Err(CursorError::Expired);
        }
        Ok(())
    }

    /// Returns the proof of the event at `position`, if it is in memory.
    pub(crate) fn proof_at(&self, position: u64) -> Option<Proof> {
        self.state.lock().proof_at(position)
    }

    /// Counts how often memory of the log had to be dropped. Anything read at another age may be out of date.
    pub fn age(&self) -> u64 {
        self.state.lock().recent.age()
    }

    /// Returns the position of the tail, and the one behind which all events are in memory.
    pub(crate) fn extent(&self) -> (u64, u64) {
        let state = self.state.lock();
        let oldest = state.recent.oldest();
        (
            state.position,
            oldest.map_or(state.position, |oldest| oldest - 1),
        )
    }

    /// Returns a receiver that changes whenever `position` does.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    /// Returns the epoch, which is part of the names in Redis.
    pub(crate) fn epoch(&self) -> u32 {
        self.state.lock().epoch
    }

    /// Returns the first event of the part after `checkpoint`, which is the position of one of its events, as far as memory goes.
    /// When everything after the checkpoint is in memory and none of it belongs to the part, the first event has yet to come.
    pub(crate) fn first_after(&self, part: i16, checkpoint: u64) -> Option<u64> {
        let state = self.state.lock();
        state.recent.first_after(part, checkpoint, state.position)
    }

    /// Waits until the epoch is no longer `epoch`.
    pub(crate) async fn end_of(&self, epoch: u32) {
        let mut changes = self.changes();
        while self.epoch() == epoch {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns a receiver of the events of `topics`, in order, and the place after which they begin.
    pub(crate) fn listen(&self, topics: &Topics) -> (Receiver, Cursor) {
        let mut state = self.state.lock();
        (state.listeners.listen(topics), state.cursor())
    }

    /// Takes events from any source, in any order. Events of an epoch other than the current one are ignored. An event that does
    /// not follow the last one handed on comes from another log: it is refused, and `has_gap` reports it.
    pub(crate) fn offer(&self, epoch: u32, events: impl IntoIterator<Item = Event>) {
        let mut state = self.state.lock();
        if state.epoch != epoch {
            return;
        }
        let before = state.position;
        for event in events {
            if event.position <= state.position {
                continue;
            }
            state.pending.admit(event);
            // Events are taken at once, so that the next one does not push out those that wait.
            while let Some(event) = state.take_next() {
                self.hand_on(&mut state, event);
            }
        }
        if state.position > before {
            self.position.send_replace(state.position);
        }
    }

    fn hand_on(&self, state: &mut State, event: Arc<Event>) {
        let position = Some(event.position);
        self.notify_observers(&event.stream, event.stream_id, &event.event_type, position);
        state.listeners.hand_on(&event);
        if event.stream == ERASURE_STREAM {
            // The events in memory date from before the log was redacted.
            state.recent.forget();
        }
        state.position += 1;
        state.proof = Some(Proof::of(event.event_id));
        state.recent.remember(event);
    }

    /// Returns whether the last event offered for the next position does not follow what was handed on.
    pub(crate) fn has_refused(&self) -> bool {
        self.state.lock().has_refused
    }

    /// Returns whether events wait for a predecessor that has not arrived, or do not follow what was handed on.
    pub(crate) fn has_gap(&self) -> bool {
        let state = self.state.lock();
        state.has_refused || !state.pending.is_empty()
    }

    /// Records how far the log was pruned. A tail that is not that far can never hand on the missing events: it skips them, and
    /// all listeners end, as they were promised those events. `proof` is that of the event at `pruned`.
    pub(crate) fn set_pruned(&self, pruned: u64, proof: Option<Proof>) {
        let mut state = self.state.lock();
        state.pruned = pruned;
        if state.position >= pruned {
            return;
        }
        tracing::warn!(
            position = state.position,
            pruned,
            "the log was pruned past what this process has read; subscriptions end"
        );
        state.pending.forget_up_to(pruned);
        state.recent.forget();
        state.listeners = Listeners::new();
        self.notify_gap_observers(Gap {
            after: Some(state.position),
            until: pruned,
        });
        state.position = pruned;
        state.proof = proof;
        state.has_refused = false;
        self.position.send_replace(pruned);
    }

    /// Starts over from `head`, in another epoch. All listeners end: the events they were promised no longer exist.
    pub(crate) fn reset(&self, head: &Head) {
        let mut state = self.state.lock();
        state.epoch = head.epoch;
        state.pruned = head.pruned;
        state.position = head.position;
        state.proof = head.proof;
        state.has_refused = false;
        state.recent.forget();
        state.pending.clear();
        state.listeners = Listeners::new();
        self.notify_gap_observers(Gap {
            after: None,
            until: head.position,
        });
        self.position.send_replace(head.position);
    }

    /// Returns recent events like `recent`, for a reader that has reached `from`, if memory can answer. It fails when `from`
    /// belongs to another epoch or is not the event that was handed on here.
    pub(crate) fn recent_behind(
        &self,
        topics: &Topics,
        from: Cursor,
        until: u64,
        limit: u64,
    ) -> Option<Result<Vec<Arc<Event>>, CursorError>> {
        let state = self.state.lock();
        if state.epoch != from.epoch {
            return Some(Err(CursorError::Foreign));
        }
        let events = state
            .recent
            .read(Some(topics), from.position, until, limit)?;
        match (from.proof, state.proof_at(from.position)) {
            _ if from.position == 0 => Some(Ok(events)),
            (Some(claimed), Some(known)) if claimed == known => Some(Ok(events)),
            (Some(_), Some(_)) => Some(Err(CursorError::Foreign)),
            _ => None,
        }
    }

    /// Returns at most `limit` events after `after` and up to `until`, if all of them are still in memory.
    pub(crate) fn recent(
        &self,
        topics: Option<&Topics>,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Option<Vec<Arc<Event>>> {
        self.state.lock().recent.read(topics, after, until, limit)
    }
}

impl State {
    fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch,
            position: self.position,
            proof: self.proof,
        }
    }

    fn proof_at(&self, position: u64) -> Option<Proof> {
        if position == self.position {
            return self.proof;
        }
        self.recent.proof_at(position)
    }

    fn take_next(&mut self) -> Option<Arc<Event>> {
        let event = self.pending.take(self.position + 1)?;
        self.has_refused = !epoch::is_next(&event, self.cursor());
        (!self.has_refused).then_some(event)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
