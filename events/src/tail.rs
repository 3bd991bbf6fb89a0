//! The live end of the log in one process. Events come from several sources in any order and more than once; they leave
//! in the dense order of positions, each once. Invariant: `position` is advanced only after every listener has been
//! handed, and every observer has seen, all events up to it; a listener that falls behind loses its place, never events.
//! Whatever waits, the event after `position` is taken: a tail whose log can be read reaches its head (`simulation`).

mod listeners;
mod pending;
mod recent;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Cursor, CursorError, Event, Proof, epoch, read::Head, retention::ERASURE_STREAM, topic::Topics,
};
use listeners::{Listeners, Receiver};
pub(crate) use pending::Bounds;
use pending::Pending;
use recent::Recent;

/// Events that may wait for their predecessors.
const PENDING: Bounds = Bounds {
    events: 16_384,
    bytes: 32 << 20,
};

/// Told the kind and id of a stream, the type of its event, and the event's position once it is known.
type Observer = Box<dyn Fn(&str, Uuid, &str, Option<u64>) + Send + Sync>;
type GapObserver = Box<dyn Fn(Gap) + Send + Sync>;

/// Events that this process has missed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// All after this one; `None` when the log is of another epoch, in which nothing is as it was.
    pub after: Option<u64>,
    /// Up to this one.
    pub until: u64,
}

struct State {
    epoch: u32,
    pruned: u64,
    position: u64,
    /// Of the event at `position`.
    proof: Option<Proof>,
    /// What came for the next position does not follow the last one: the log is read instead, and looked at.
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

    /// Calls `observer` with the stream and type of every event, here and after every local commit, before the event is
    /// visible as `position`. It must not block.
    pub(crate) fn observe(&self, observer: Observer) {
        self.observers.lock().push(observer);
    }

    /// Calls `observer` before the tail goes on behind events that it never had, under the lock in which events are handed on.
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

    /// All events up to here have been handed on in this process.
    pub fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// The place reached, as clients name it.
    pub fn cursor(&self) -> Cursor {
        self.state.lock().cursor()
    }

    /// Whether the epoch of `cursor` is this one and nothing after it was pruned, as far as is known here.
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

    /// Of the event at `position`, if that is in memory.
    pub(crate) fn proof_at(&self, position: u64) -> Option<Proof> {
        self.state.lock().proof_at(position)
    }

    /// How often what was remembered of the log had to be forgotten: what was read at another age may be out of date.
    pub(crate) fn age(&self) -> u64 {
        self.state.lock().recent.age()
    }

    /// Changes whenever `position` does.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    /// The epoch, which is part of the names in Redis.
    pub(crate) fn epoch(&self) -> u32 {
        self.state.lock().epoch
    }

    /// The first event of the part after `checkpoint`, which is the position of one of its events, as far as that is in memory. When
    /// all after the checkpoint is, and none of it is of the part, the first has yet to come.
    pub(crate) fn first_after(&self, part: i16, checkpoint: u64) -> Option<u64> {
        let state = self.state.lock();
        state.recent.first_after(part, checkpoint, state.position)
    }

    /// Waits for another epoch than this.
    pub(crate) async fn end_of(&self, epoch: u32) {
        let mut changes = self.changes();
        while self.epoch() == epoch {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The events of `topics`, in order, after the place that is returned with the receiver.
    pub(crate) fn listen(&self, topics: &Topics) -> (Receiver, Cursor) {
        let mut state = self.state.lock();
        (state.listeners.listen(topics), state.cursor())
    }

    /// Takes events from any source, in any order. Those of another epoch than the log has by now are none of its events. One
    /// that does not follow what was handed on is of another log: it is refused, and so says `has_gap`.
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
            // At once: what comes next has no need to push out what waits.
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
            // What is remembered is from before the log was redacted.
            state.recent.forget();
        }
        state.position += 1;
        state.proof = Some(Proof::of(event.event_id));
        state.recent.remember(event);
    }

    /// Whether what came last for the next position does not follow what was handed on.
    pub(crate) fn has_refused(&self) -> bool {
        self.state.lock().has_refused
    }

    /// Whether events wait for a predecessor that has not arrived, or do not follow what was handed on.
    pub(crate) fn has_gap(&self) -> bool {
        let state = self.state.lock();
        state.has_refused || !state.pending.is_empty()
    }

    /// Takes note of what was pruned. A tail that has not come so far can never hand on what is missing: it goes on behind
    /// it, and all listeners end, as they were promised those events. `proof` is of the event there.
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

    /// Starts over from `head`, of another epoch. All listeners end: what they were promised no longer exists.
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

    /// The same as `recent`, for who has come to `from`, if that can be told from memory: an error when it is of another epoch or
    /// is not what was handed on here.
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

    /// At most `limit` events after `after` and up to `until` if they are all still in memory.
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
