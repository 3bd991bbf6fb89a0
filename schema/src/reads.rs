//! What the execution of a query has read, as streams of events: an event of no such stream cannot have changed its answer. It is noted
//! by resolvers while they run, for live queries only; `gateway` then waits for an event that touches it.
//!
//! Why nothing that is read can be left out. Resolvers get at data in three ways, and each notes something. Through `entities`, which notes
//! everything: a resolver that says nothing is executed again after every event. Through `reading`, which takes what is read. And through a
//! loader, which must implement `Noted` for each type of key. Values of read models pass through `shown`, which adds the stream of
//! operations: a replay of dead letters changes them without an event of their own. Erasures change rows of any kind, and always count.
//! What was noted is read after it was noted, or at least shows everything up to the answer's cursor; so the events after that cursor are
//! all that have to be looked at.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use entities::operations;
use events::{ERASURE_STREAM, Event, StreamKey, Topic};
use parking_lot::Mutex;
use uuid::Uuid;

/// The most streams of a kind that are told apart, and the most lists. Beyond that, every event of the kind counts.
const MOST_STREAMS: usize = 1_000;
const MOST_LISTS: usize = 64;

/// Tells whether an event may change a list.
type Concern = Arc<dyn Fn(&Event) -> bool + Send + Sync>;

/// Something that a resolver reads.
pub(crate) enum Read {
    /// Nothing that was not noted before.
    Noted,
    /// What the events of one stream change.
    Stream(StreamKey),
    /// What the events of any stream of this kind change.
    Kind(&'static str),
    /// What those events of the kind change for which this is true.
    List(&'static str, Concern),
}

/// A record of what an execution reads; clones share it. It keeps nothing unless it was made with `recording`.
#[derive(Clone, Default)]
pub struct Reads(Option<Arc<Mutex<Dependencies>>>);

/// What an execution has read.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    is_everything: bool,
    has_read_models: bool,
    kinds: BTreeMap<&'static str, OfKind>,
}

#[derive(Clone, Default)]
struct OfKind {
    is_whole: bool,
    streams: HashSet<Uuid>,
    lists: Vec<Concern>,
}

impl fmt::Debug for OfKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            is_whole, streams, ..
        } = self;
        write!(f, "{is_whole} {streams:?} {} lists", self.lists.len())
    }
}

impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Reads {
    /// Creates a record for one execution.
    #[must_use]
    pub fn recording() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns what was noted.
    #[must_use]
    pub fn noted(&self) -> Dependencies {
        let noted = self.0.as_ref();
        noted.map(|noted| noted.lock().clone()).unwrap_or_default()
    }

    pub(crate) const fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn note(&self, read: Read) {
        let Some(noted) = &self.0 else {
            return;
        };
        let kinds = &mut noted.lock().kinds;
        match read {
            Read::Noted => {}
            Read::Kind(kind) => kinds.entry(kind).or_default().become_whole(),
            Read::Stream(StreamKey { kind, id }) => {
                let of_kind = kinds.entry(kind).or_default();
                if !of_kind.is_whole {
                    of_kind.streams.insert(id);
                    of_kind.check();
                }
            }
            Read::List(kind, concern) => {
                let of_kind = kinds.entry(kind).or_default();
                if !of_kind.is_whole {
                    of_kind.lists.push(concern);
                    of_kind.check();
                }
            }
        }
    }

    pub(crate) fn note_everything(&self) {
        if let Some(noted) = &self.0 {
            noted.lock().is_everything = true;
        }
    }

    /// Notes that a value is a read model's.
    pub(crate) fn note_read_model(&self) {
        if let Some(noted) = &self.0 {
            noted.lock().has_read_models = true;
        }
        self.note(Read::Kind(operations::STREAM));
    }
}

impl OfKind {
    fn check(&mut self) {
        if self.streams.len() > MOST_STREAMS || self.lists.len() > MOST_LISTS {
            self.become_whole();
        }
    }

    fn become_whole(&mut self) {
        *self = Self {
            is_whole: true,
            ..Self::default()
        };
    }
}

impl Dependencies {
    /// Returns whether something was read from read models, which follow the log.
    #[must_use]
    pub const fn has_read_models(&self) -> bool {
        self.has_read_models
    }

    /// Returns topics with all events that may touch it, and perhaps others.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        if self.is_everything {
            return vec![Topic::EVERYTHING];
        }
        let all = |kind| Topic { kind, id: None };
        let mut topics = vec![all(ERASURE_STREAM)];
        for (kind, of_kind) in &self.kinds {
            if of_kind.is_whole || !of_kind.lists.is_empty() {
                topics.push(all(kind));
                continue;
            }
            let streams = of_kind.streams.iter();
            topics.extend(streams.map(|id| Topic {
                kind,
                id: Some(*id),
            }));
        }
        topics
    }

    /// Returns whether the event may have changed what was read.
    #[must_use]
    pub fn is_touched_by(&self, event: &Event) -> bool {
        if self.is_everything || event.stream == ERASURE_STREAM {
            return true;
        }
        self.kinds.get(event.stream.as_str()).is_some_and(|kind| {
            kind.is_whole
                || kind.streams.contains(&event.stream_id)
                || kind.lists.iter().any(|concerns| concerns(event))
        })
    }
}

#[cfg(test)]
mod tests;
