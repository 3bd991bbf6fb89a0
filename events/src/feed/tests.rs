//! Following sets of topics, whatever happens meanwhile: bursts of events, changes of the set that are visible in the state before
//! their events are, listeners that lag, and ends.

use std::{collections::BTreeSet, pin::pin};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::{
    Database, Result,
    kit::{EPOCH, cursor, event, head, quiet_log, topic},
};

/// The chats of a member, and the inbox that records joining and leaving. It keeps its answers.
#[derive(Clone, Default)]
struct Membership(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    chats: BTreeSet<u128>,
    changes: usize,
    /// The number of changes before each answer, and the answer.
    answers: Vec<(usize, BTreeSet<u128>)>,
}

impl Interest for Membership {
    fn topics(&self) -> BoxFuture<'_, Result<Vec<Topic>>> {
        let mut members = self.0.lock();
        let answer = (members.changes, members.chats.clone());
        members.answers.push(answer);
        let chats = members.chats.iter().map(|chat| topic("chat", *chat));
        let topics = chats.chain([topic("inbox", 0)]).collect();
        Box::pin(async { Ok(topics) })
    }

    fn is_changed_by(&self, event: &Event) -> bool {
        event.stream == "inbox"
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// This many messages in a chat are committed.
    Say(u128, usize),
    /// Membership of a chat is toggled, and recorded in the inbox.
    Change(u128),
    /// This many committed events arrive.
    Arrive(usize),
    /// The follower takes this many.
    Take(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_u128, 1..5_usize).prop_map(|(chat, count)| Step::Say(chat, count)),
        1 => (0..4_u128, 60..100_usize).prop_map(|(chat, count)| Step::Say(chat, count)),
        3 => (0..4_u128).prop_map(Step::Change),
        4 => (1..100_usize).prop_map(Step::Arrive),
        4 => (1..100_usize).prop_map(Step::Take),
    ];
    prop::collection::vec(step, 0..40)
}

fn live_source(log: &EventLog) -> EventSource {
    let after = log.tail().cursor();
    EventSource::new(log.clone(), Range { after, until: None })
}

/// A log with a script of what happens to it.
struct World {
    log: EventLog,
    membership: Membership,
    committed: Vec<Event>,
    arrived: usize,
}

impl World {
    fn new() -> Self {
        Self {
            log: quiet_log(Database::unconnected(), 0),
            membership: Membership::default(),
            committed: Vec::new(),
            arrived: 0,
        }
    }

    fn commit(&mut self, kind: &str, id: u128) {
        let position = self.committed.len() as u64 + 1;
        self.committed.push(event(position, kind, id));
    }

    fn happen(&mut self, step: &Step) {
        match *step {
            Step::Say(chat, count) => (0..count).for_each(|_| self.commit("chat", chat)),
            Step::Change(chat) => {
                let mut members = self.membership.0.lock();
                if !members.chats.remove(&chat) {
                    members.chats.insert(chat);
                }
                members.changes += 1;
                drop(members);
                self.commit("inbox", 0);
            }
            Step::Arrive(count) => {
                let arriving = self.committed[self.arrived..].iter().take(count);
                self.arrived += arriving.len();
                self.log.tail().offer(EPOCH, arriving.rev().cloned());
            }
            Step::Take(_) => {}
        }
    }

    /// Returns what a follower of `range` receives, given the answers that were given.
    fn expected(&self, range: Range) -> Result<Vec<u64>, TestCaseError> {
        let until = range.until.unwrap_or(u64::MAX);
        let members = self.membership.0.lock();
        let mut answers = members.answers.iter();
        let mut yielded = Vec::new();
        let mut changes = 0;
        let mut current = None;
        for event in &self.committed {
            let is_change = event.stream == "inbox";
            changes += usize::from(is_change);
            if event.position <= range.after.position || event.position > until {
                continue;
            }
            let topics = match current {
                Some(topics) => topics,
                None => {
                    let (asked_after, topics) = answers.next().expect("it asks");
                    prop_assert!(
                        *asked_after >= changes - usize::from(is_change),
                        "too early"
                    );
                    current.insert(topics)
                }
            };
            if is_change || topics.contains(&event.stream_id.as_u128()) {
                yielded.push(event.position);
            }
            if is_change {
                current = None;
            }
        }
        // After a change at the very end it asks again, for later events.
        let asks_for_more = range.until.is_none() && current.is_none();
        prop_assert_eq!(answers.count(), usize::from(asks_for_more));
        Ok(yielded)
    }
}

proptest! {
    #[test]
    fn a_set_that_changes_yields_each_of_its_events_once_and_in_order(
        past in steps(),
        present in steps(),
        place in 0.0..1.0,
        length in prop::option::of(0.0..1.0),
    ) {
        let mut world = World::new();
        past.iter().for_each(|step| world.happen(step));
        // A client that comes from another process may be ahead of the events that arrived at this one.
        let after = (place * (world.committed.len() + 1) as f64) as u64;
        let rest = (world.arrived as u64 + 1).saturating_sub(after);
        let until = length.map(|length| after + (length * rest as f64) as u64);
        let range = Range { after: cursor(after), until };
        let source = EventSource::new(world.log.clone(), range);
        prop_assert_eq!(source.is_replay(), until.is_some());
        let mut followed = pin!(source.follow(world.membership.clone()));
        let mut yielded = Vec::new();
        for step in present.into_iter().chain([Step::Arrive(usize::MAX), Step::Take(usize::MAX)]) {
            world.happen(&step);
            let Step::Take(count) = step else { continue };
            for _ in 0..count {
                let Some(Some(next)) = followed.next().now_or_never() else { break };
                let next = next.expect("memory does not fail").position;
                prop_assert_eq!((source.order(), source.cursor()), (next, cursor(next)));
                yielded.push(next);
            }
        }
        prop_assert_eq!(yielded, world.expected(range)?);
        let has_ended = followed.next().now_or_never().is_some();
        prop_assert_eq!(has_ended, until.is_some(), "only a replay ends");
    }
}

#[test]
fn a_new_epoch_ends_a_set_even_of_nothing() {
    for topics in [vec![], vec![topic("chat", 1), topic("chat", 2)]] {
        let log = quiet_log(Database::unconnected(), 5);
        let source = live_source(&log);
        assert!(!source.is_replay());
        let mut followed = pin!(source.follow(topics));
        assert!(followed.next().now_or_never().is_none());
        log.tail().offer(EPOCH, [event(6, "chat", 3)]);
        assert!(followed.next().now_or_never().is_none());
        let mut restored = head(3);
        restored.epoch += 1;
        log.tail().reset(&restored);
        let end = followed.next().now_or_never().flatten();
        assert!(matches!(
            end,
            Some(Err(FeedError::Cursor(CursorError::Foreign)))
        ));
    }
}

#[test]
fn whispers_are_past_all_positions_and_have_no_past() {
    let log = quiet_log(Database::unconnected(), 5);
    let stream = StreamKey {
        kind: "chat",
        id: uuid::Uuid::nil(),
    };
    let live = live_source(&log);
    let mut followed = pin!(live.follow_whispers(stream));
    let range = Range {
        after: cursor(0),
        until: Some(live.order()),
    };
    let replay = EventSource::new(log.clone(), range);
    let mut replayed = pin!(replay.follow_whispers(stream));
    let mut last = i64::MAX as u64 / 2;
    for message in ["typing", "typing", "gone"] {
        log.whisper(stream, message.to_owned());
        log.tail()
            .offer(EPOCH, [event(log.tail().position() + 1, "chat", 0)]);
        let heard = followed.next().now_or_never().flatten();
        assert_eq!(heard.and_then(Result::ok).as_deref(), Some(message));
        assert!(live.order() > last, "{} is not past {last}", live.order());
        assert_eq!(live.cursor(), log.tail().cursor());
        last = live.order();
    }
    assert!(
        followed.next().now_or_never().is_none(),
        "it waits for more"
    );
    let end = replayed.next().now_or_never();
    assert!(
        end.is_some_and(|end| end.is_none()),
        "a replay ends at once"
    );
}

#[test]
fn what_was_read_in_an_epoch_keeps_its_name_when_that_is_over() {
    let log = quiet_log(Database::unconnected(), 5);
    let source = live_source(&log);
    let mut followed = pin!(source.follow(topic("chat", 1)));
    assert!(followed.next().now_or_never().is_none());
    log.tail().offer(EPOCH, [event(6, "chat", 1)]);
    let mut restored = head(3);
    restored.epoch += 1;
    log.tail().reset(&restored);
    let heard = followed.next().now_or_never().flatten();
    let heard = heard.and_then(Result::ok).expect("it was handed on before");
    assert_eq!(source.cursor_behind(&heard), cursor(6));
    assert_eq!(source.cursor(), cursor(6));
    let end = followed.next().now_or_never().flatten();
    assert!(matches!(
        end,
        Some(Err(FeedError::Cursor(CursorError::Foreign)))
    ));
}

#[test]
fn a_stretch_of_another_epoch_is_not_even_empty() {
    let log = quiet_log(Database::unconnected(), 5);
    let after = Cursor {
        epoch: cursor(5).epoch + 1,
        ..cursor(5)
    };
    let range = Range {
        after,
        until: Some(5),
    };
    let source = EventSource::new(log, range);
    let mut followed = pin!(source.follow(topic("chat", 1)));
    let end = followed.next().now_or_never().flatten();
    assert!(matches!(
        end,
        Some(Err(FeedError::Cursor(CursorError::Foreign)))
    ));
}
