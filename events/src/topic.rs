//! Topics: what a subscription can follow; and interests, sets of topics that may change with the events followed. A set is kept
//! by kind, without repeats, so that looking an event up costs the same however large the set is. `EventSource` follows
//! interests; the tail and the log are asked for sets.

use std::collections::{BTreeMap, HashSet};

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::{Event, Result};

/// What a subscriber follows: all streams of a kind, or one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The kind of aggregate.
    pub kind: &'static str,
    /// The id of one aggregate; `None` for all.
    pub id: Option<Uuid>,
}

/// The kind of `Topic::EVERYTHING`; no stream has it.
pub(crate) const EVERY_KIND: &str = "*";

impl Topic {
    /// All streams of all kinds.
    pub const EVERYTHING: Self = Self {
        kind: EVERY_KIND,
        id: None,
    };
}

/// Which topics to follow; they may change with the events themselves.
pub trait Interest: Send + Sync + 'static {
    /// Returns the current topics, possibly none. It is called at the start, and after every event for which `is_changed_by`
    /// returns true: by then the database shows what that event's transaction changed.
    ///
    /// # Errors
    /// The database's error, with which the subscription ends.
    fn topics(&self) -> BoxFuture<'_, Result<Vec<Topic>>>;

    /// Returns whether the topics have to be asked for again after this event. It sees only events of the topics, so whatever
    /// changes them has to be an event of one of them.
    fn is_changed_by(&self, event: &Event) -> bool;
}

/// Topics that never change.
impl Interest for Vec<Topic> {
    fn topics(&self) -> BoxFuture<'_, Result<Vec<Topic>>> {
        Box::pin(async { Ok(self.clone()) })
    }

    fn is_changed_by(&self, _: &Event) -> bool {
        false
    }
}

impl Interest for Topic {
    fn topics(&self) -> BoxFuture<'_, Result<Vec<Topic>>> {
        Box::pin(async { Ok(vec![*self]) })
    }

    fn is_changed_by(&self, _: &Event) -> bool {
        false
    }
}

/// A set of topics. As in a topic, no ids stand for all streams of the kind.
#[derive(Debug, Default)]
pub(crate) struct Topics(BTreeMap<&'static str, Option<HashSet<Uuid>>>);

impl Topics {
    /// Returns whether it contains all events. In that case it holds nothing else.
    pub(crate) fn is_everything(&self) -> bool {
        self.0.contains_key(EVERY_KIND)
    }

    pub(crate) fn matches(&self, event: &Event) -> bool {
        if self.is_everything() {
            return true;
        }
        match self.0.get(event.stream.as_str()) {
            None => false,
            Some(None) => true,
            Some(Some(ids)) => ids.contains(&event.stream_id),
        }
    }

    /// Yields each kind once, with the ids wanted of it.
    pub(crate) fn by_kind(&self) -> impl Iterator<Item = (&'static str, Option<&HashSet<Uuid>>)> {
        self.0.iter().map(|(kind, ids)| (*kind, ids.as_ref()))
    }

    /// Yields each topic once; an event matches at most one of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Topic> {
        self.by_kind().flat_map(|(kind, ids)| {
            let all = ids.is_none().then_some(Topic { kind, id: None });
            let each = ids.into_iter().flatten();
            all.into_iter().chain(each.map(move |id| Topic {
                kind,
                id: Some(*id),
            }))
        })
    }
}

impl FromIterator<Topic> for Topics {
    fn from_iter<T: IntoIterator<Item = Topic>>(topics: T) -> Self {
        let mut set = Self::default();
        for Topic { kind, id } in topics {
            let ids = set.0.entry(kind).or_insert_with(|| Some(HashSet::new()));
            match (ids.as_mut(), id) {
                (Some(ids), Some(id)) => {
                    ids.insert(id);
                }
                (Some(_), None) => *ids = None,
                (None, _) => {}
            }
        }
        if set.is_everything() {
            set.0.retain(|kind, _| *kind == EVERY_KIND);
        }
        set
    }
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Self {
        Self::from_iter([topic])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_each_topic_once_and_all_of_a_kind_holds_each_of_it() {
        let topic = |kind, id: Option<u128>| Topic {
            kind,
            id: id.map(Uuid::from_u128),
        };
        let of = |topics: &[Topic]| {
            let set: Topics = topics.iter().copied().collect();
            set.iter().collect::<HashSet<_>>()
        };
        let [all, one, two] = [
            topic("chat", None),
            topic("chat", Some(1)),
            topic("chat", Some(2)),
        ];
        let other = topic("inbox", Some(1));
        assert_eq!(of(&[]), HashSet::new());
        assert_eq!(of(&[one, two, one]), HashSet::from([one, two]));
        assert_eq!(of(&[one, all, two, other]), HashSet::from([all, other]));
        let everything = Topic::EVERYTHING;
        assert_eq!(of(&[one, everything, all]), HashSet::from([everything]));
    }
}
