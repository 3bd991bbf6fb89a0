//! The channels of a tail's listeners. Listeners to a single topic share its channel. A listener to several topics has a channel
//! of its own, registered under each of them, so only its own streams wake it and it gets their events in the order in which they
//! are handed on. Channels without receivers are removed when they are met, and swept whenever as many were added as the last
//! sweep left: memory stays within twice of what is in use.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    Event,
    topic::{EVERY_KIND, Topics},
};

/// Events a listener may be behind before it must read the log.
pub(super) const LISTENER_EVENTS: usize = 64;
/// The number of channels below which a sweep is not worthwhile.
const UNSWEPT: usize = 1024;

pub(super) type Sender = broadcast::Sender<Arc<Event>>;
pub(super) type Receiver = broadcast::Receiver<Arc<Event>>;

/// The listeners by topic.
pub(super) struct Listeners {
    kinds: HashMap<&'static str, Kind>,
    /// The channel of listeners without topics, which only learn that the epoch ended.
    silent: Sender,
    /// Senders added since the last sweep, and how many that sweep left.
    added: usize,
    left: usize,
}

#[derive(Default)]
struct Kind {
    all: Slot,
    by_id: HashMap<Uuid, Slot>,
}

/// The channels of one topic.
#[derive(Default)]
struct Slot {
    shared: Option<Sender>,
    own: Vec<Sender>,
}

impl Listeners {
    pub(super) fn new() -> Self {
        Self {
            kinds: HashMap::new(),
            silent: new_sender(),
            added: 0,
            left: 0,
        }
    }

    pub(super) fn listen(&mut self, topics: &Topics) -> Receiver {
        self.sweep_when_due();
        let mut several = topics.iter();
        match (several.next(), several.next()) {
            (None, _) => self.silent.subscribe(),
            (Some(topic), None) => {
                self.added += 1;
                let slot = self.slot(topic.kind, topic.id);
                slot.shared.get_or_insert_with(new_sender).subscribe()
            }
            _ => {
                let (sender, receiver) = broadcast::channel(LISTENER_EVENTS);
                for topic in topics.iter() {
                    self.added += 1;
                    self.slot(topic.kind, topic.id).own.push(sender.clone());
                }
                receiver
            }
        }
    }

    fn slot(&mut self, kind: &'static str, id: Option<Uuid>) -> &mut Slot {
        let kind = self.kinds.entry(kind).or_default();
        match id {
            None => &mut kind.all,
            Some(id) => kind.by_id.entry(id).or_default(),
        }
    }

    pub(super) fn hand_on(&mut self, event: &Arc<Event>) {
        if let Some(every) = self.kinds.get_mut(EVERY_KIND) {
            every.all.hand_on(event);
        }
        let Some(kind) = self.kinds.get_mut(event.stream.as_str()) else {
            return;
        };
        kind.all.hand_on(event);
        if let Some(slot) = kind.by_id.get_mut(&event.stream_id) {
            slot.hand_on(event);
            if slot.count() == 0 {
                kind.by_id.remove(&event.stream_id);
            }
        }
    }

    fn sweep_when_due(&mut self) {
        if self.added < self.left.max(UNSWEPT) {
            return;
        }
        self.added = 0;
        self.left = 0;
        for kind in self.kinds.values_mut() {
            kind.all.sweep();
            kind.by_id.retain(|_, slot| {
                slot.sweep();
                slot.count() > 0
            });
            self.left += kind.count();
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.kinds.values().map(Kind::count).sum()
    }
}

impl Kind {
    fn count(&self) -> usize {
        let of_ids: usize = self.by_id.values().map(Slot::count).sum();
        self.all.count() + of_ids
    }
}

impl Slot {
    fn hand_on(&mut self, event: &Arc<Event>) {
        // An error means that nobody is listening any more.
        self.shared
            .take_if(|sender| sender.send(event.clone()).is_err());
        self.own.retain(|sender| sender.send(event.clone()).is_ok());
    }

    fn sweep(&mut self) {
        self.shared.take_if(|sender| sender.receiver_count() == 0);
        self.own.retain(|sender| sender.receiver_count() > 0);
    }

    fn count(&self) -> usize {
        usize::from(self.shared.is_some()) + self.own.len()
    }
}

fn new_sender() -> Sender {
    Sender::new(LISTENER_EVENTS)
}
