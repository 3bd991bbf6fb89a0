//! Properties of the tail: whatever order, batches and repeats events arrive in, they leave once, dense and in order.

use proptest::prelude::*;

use tokio::sync::broadcast::error::TryRecvError;

use super::*;
use crate::{
    Topic,
    kit::{self, EPOCH, head},
};

fn event(position: u64) -> Event {
    kit::event(position, "customer", u128::from(position % 3))
}

fn topic(id: Option<u128>) -> Topics {
    let id = id.map(Uuid::from_u128);
    let kind = "customer";
    Topic { kind, id }.into()
}

fn drain(receiver: &mut Receiver) -> Vec<u64> {
    std::iter::from_fn(|| receiver.try_recv().ok())
        .map(|event| event.position)
        .collect()
}

proptest! {
    #[test]
    fn events_leave_once_and_in_order(
        batches in prop::collection::vec(prop::collection::vec(1_u64..40, 0..12), 0..30)
    ) {
        let tail = Tail::new(&head(0));
        let (mut all, _) = tail.listen(&topic(None));
        let (mut one, _) = tail.listen(&topic(Some(1)));
        let (mut everything, _) = tail.listen(&Topic::EVERYTHING.into());
        let mut seen = std::collections::BTreeSet::new();
        for batch in batches {
            seen.extend(batch.iter().copied());
            tail.offer(EPOCH, batch.into_iter().map(event));
        }
        let reached = (1..).take_while(|position| seen.contains(position)).count() as u64;
        prop_assert_eq!(tail.position(), reached);
        prop_assert_eq!(drain(&mut all), (1..=reached).collect::<Vec<_>>());
        prop_assert_eq!(drain(&mut everything), (1..=reached).collect::<Vec<_>>());
        let of_one: Vec<_> = (1..=reached).filter(|position| position % 3 == 1).collect();
        prop_assert_eq!(drain(&mut one), of_one);
        prop_assert_eq!(tail.has_gap(), seen.iter().any(|position| *position > reached));
    }

    #[test]
    fn the_next_event_is_taken_whatever_waits(
        batches in prop::collection::vec(prop::collection::vec((1_u64..40, 0..200_usize), 0..12), 0..30),
        bounds in (1..8_usize, 1..400_usize).prop_map(|(events, bytes)| Bounds { events, bytes }),
    ) {
        let tail = Tail::bounded(&head(0), bounds);
        let (mut everything, _) = tail.listen(&Topic::EVERYTHING.into());
        for batch in batches {
            let next = tail.position() + 1;
            let has_next = batch.iter().any(|(position, _)| *position == next);
            tail.offer(EPOCH, batch.into_iter().map(|(position, bytes)| sized(position, bytes)));
            prop_assert!(!has_next || tail.position() >= next, "{next} was refused");
            let (events, bytes) = tail.state.lock().pending.len();
            prop_assert!(events <= bounds.events, "{events} wait");
            prop_assert!(events <= 1 || bytes <= bounds.bytes, "{bytes} bytes wait");
        }
        // As the pump does: dropped events are read in turn.
        while tail.position() < 40 {
            let next = tail.position() + 1;
            tail.offer(EPOCH, [event(next)]);
            prop_assert!(tail.position() >= next);
        }
        prop_assert_eq!(drain(&mut everything), (1..=40).collect::<Vec<_>>());
        prop_assert!(!tail.has_gap());
    }
}

fn sized(position: u64, bytes: usize) -> Event {
    let text = format!("\"{}\"", "x".repeat(bytes));
    let data = serde_json::value::RawValue::from_string(text).expect("JSON");
    Event {
        data,
        ..event(position)
    }
}

#[test]
fn a_tail_that_was_away_reaches_the_end_of_its_log() {
    // These arrive early over Redis while the log is read page by page, more than may wait.
    let tail = Tail::new(&head(0));
    let last = PENDING.events as u64 * 3;
    tail.offer(EPOCH, (1..=last).rev().map(event));
    while tail.position() < last {
        let after = tail.position();
        tail.offer(EPOCH, (after + 1..=after + 500).map(event));
        assert!(tail.position() > after, "it stands at {after} of {last}");
    }
}

#[test]
fn events_of_another_epoch_are_none_of_this_one() {
    let tail = Tail::new(&head(5));
    tail.offer(EPOCH, [event(7)]);
    let mut restored = head(3);
    restored.epoch += 1;
    tail.reset(&restored);
    // These were read before the reset was noticed.
    tail.offer(EPOCH, [event(4), event(5)]);
    assert_eq!((tail.position(), tail.has_gap()), (3, false));
}

#[test]
fn what_is_next_in_a_part_is_known_as_far_as_it_is_in_memory() {
    let tail = Tail::new(&head(10));
    let of_part = |position, part, previous| Event {
        part,
        previous,
        ..event(position)
    };
    assert_eq!(tail.first_after(1, 4), None);
    tail.offer(
        EPOCH,
        [of_part(11, 1, 4), of_part(12, 2, 9), of_part(13, 1, 11)],
    );
    assert_eq!(tail.first_after(1, 4), Some(11));
    assert_eq!(tail.first_after(1, 11), Some(13));
    assert_eq!(tail.first_after(1, 2), None, "another one is before it");
    assert_eq!(tail.first_after(1, 13), Some(14), "it has yet to come");
    assert_eq!(tail.first_after(3, 10), Some(14));
    assert_eq!(tail.first_after(3, 5), None, "it may be before these");
}

#[test]
fn recent_events_are_served_only_when_all_are_there() {
    let tail = Tail::new(&head(10));
    tail.offer(EPOCH, (11..=20).map(event));
    let positions = |events: Option<Vec<Arc<Event>>>| {
        events.map(|events| {
            events
                .iter()
                .map(|event| event.position)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        positions(tail.recent(None, 9, 20, 5)),
        None,
        "event 10 is not in memory"
    );
    assert_eq!(
        positions(tail.recent(None, 10, 13, 5)),
        Some(vec![11, 12, 13])
    );
    assert_eq!(
        positions(tail.recent(Some(&topic(Some(0))), 12, 20, 2)),
        Some(vec![15, 18])
    );
    assert_eq!(
        positions(tail.recent(None, 20, 21, 5)),
        None,
        "event 21 has not arrived"
    );
}

#[test]
fn a_new_epoch_ends_listeners_and_refuses_old_cursors() {
    let tail = Tail::new(&head(5));
    let (mut listener, at) = tail.listen(&topic(None));
    assert_eq!(at, kit::cursor(5));
    let old = tail.cursor();
    assert_eq!(tail.check(old), Ok(()));
    tail.reset(&Head {
        epoch: 8,
        pruned: 2,
        ..head(3)
    });
    assert!(matches!(listener.try_recv(), Err(TryRecvError::Closed)));
    assert_eq!(tail.check(old), Err(CursorError::Foreign));
    let pruned = Cursor {
        epoch: 8,
        ..kit::cursor(1)
    };
    assert_eq!(tail.check(pruned), Err(CursorError::Expired));
    assert_eq!(tail.position(), 3);
}

#[test]
fn observers_run_before_the_position_moves() {
    let tail = Arc::new(Tail::new(&head(0)));
    let observed = Arc::new(Mutex::new(Vec::new()));
    let (inner, log) = (Arc::downgrade(&tail), observed.clone());
    tail.observe(Box::new(move |kind, id, event_type, _| {
        let position = inner.upgrade().map(|tail| tail.position());
        log.lock().push((
            kind.to_owned(),
            id.as_u128(),
            event_type.to_owned(),
            position,
        ));
    }));
    tail.offer(EPOCH, [event(1), event(2)]);
    let observed = observed.lock();
    let seen = |id| {
        let (kind, event_type) = ("customer".to_owned(), "Happened".to_owned());
        (kind, id, event_type, Some(0))
    };
    assert_eq!(*observed, [seen(1), seen(2)]);
}

#[test]
fn a_listener_to_several_topics_hears_each_of_their_events_once_and_in_order() {
    let tail = Tail::new(&head(0));
    let several = Topics::from_iter([
        kit::topic("customer", 1),
        kit::topic("customer", 2),
        kit::topic("order", 1),
    ]);
    let (mut heard, at) = tail.listen(&several);
    let (mut nothing, _) = tail.listen(&Topics::default());
    let (mut alone, _) = tail.listen(&topic(Some(2)));
    assert_eq!(at, kit::cursor(0));
    tail.offer(EPOCH, (1..=9).rev().map(event));
    assert_eq!(drain(&mut heard), [1, 2, 4, 5, 7, 8]);
    assert_eq!(drain(&mut alone), [2, 5, 8]);
    tail.offer(
        EPOCH,
        [kit::event(10, "order", 1), kit::event(11, "order", 2)],
    );
    assert_eq!(drain(&mut heard), [10]);
    assert_eq!(nothing.try_recv().err(), Some(TryRecvError::Empty));
    tail.reset(&head(3));
    assert_eq!(heard.try_recv().err(), Some(TryRecvError::Closed));
    assert_eq!(nothing.try_recv().err(), Some(TryRecvError::Closed));
}

#[test]
fn channels_of_listeners_that_left_do_not_pile_up() {
    let tail = Tail::new(&head(0));
    let set =
        |from: u128| Topics::from_iter((from..from + 10).map(|id| kit::topic("customer", id)));
    let (mut stays, _) = tail.listen(&set(0));
    for from in 0..5_000 {
        tail.listen(&set(from));
        tail.listen(&kit::topic("customer", from).into());
    }
    let held = tail.state.lock().listeners.count();
    assert!(
        held < 2_500,
        "{held} channels for one listener to ten topics"
    );
    tail.offer(EPOCH, [event(1)]);
    assert_eq!(drain(&mut stays), [1]);
}

#[test]
fn a_tail_that_pruning_has_passed_goes_on_behind_it_and_ends_its_listeners() {
    let tail = Tail::new(&head(10));
    let missed = Arc::new(Mutex::new(Vec::new()));
    let noted = missed.clone();
    tail.observe_gaps(Box::new(move |gap| {
        noted.lock().push(gap);
    }));
    let (mut before, _) = tail.listen(&topic(None));
    tail.offer(EPOCH, [11, 12, 14, 21, 22].map(event));
    tail.set_pruned(12, kit::proof(12));
    assert_eq!(tail.position(), 12, "nothing was missed");
    tail.set_pruned(20, kit::proof(20));
    let gap = Gap {
        after: Some(12),
        until: 20,
    };
    assert_eq!(*missed.lock(), [gap]);
    assert_eq!(drain(&mut before), [11, 12]);
    assert_eq!(before.try_recv().err(), Some(TryRecvError::Closed));
    assert_eq!(tail.check(kit::cursor(19)), Err(CursorError::Expired));
    assert_eq!(tail.check(kit::cursor(20)), Ok(()));
    let (mut after, at) = tail.listen(&topic(None));
    assert_eq!(at, kit::cursor(20));
    tail.offer(EPOCH, [event(23)]);
    assert_eq!(
        drain(&mut after),
        [21, 22, 23],
        "what had come ahead is not lost"
    );
}

#[test]
fn a_tail_forgets_what_it_remembers_when_the_log_was_redacted() {
    let tail = Tail::new(&head(0));
    tail.offer(EPOCH, (1..=5).map(event));
    assert!(tail.recent(None, 0, 5, 10).is_some());
    tail.offer(EPOCH, [kit::event(6, ERASURE_STREAM, 1), event(7)]);
    assert!(
        tail.recent(None, 0, 7, 10).is_none(),
        "from before it is read anew"
    );
    assert!(tail.recent(None, 4, 7, 10).is_none());
    assert_eq!(
        tail.recent(None, 5, 7, 10).map(|events| events.len()),
        Some(2)
    );
}

/// Returns the event at `position` of a log that diverged from the other one right before it.
fn other(position: u64) -> Event {
    Event {
        event_id: Uuid::from_u128(u128::from(position) << 64),
        ..event(position)
    }
}

#[test]
fn what_does_not_follow_what_was_handed_on_is_refused() {
    let tail = Tail::new(&head(10));
    let (mut heard, _) = tail.listen(&topic(None));
    tail.offer(EPOCH, [event(11)]);
    // It comes from a log that has another event at position 11.
    let mut strange = event(12);
    strange.follows = Some(Proof::of(other(11).event_id));
    tail.offer(EPOCH, [strange.clone(), event(13)]);
    assert_eq!((tail.position(), tail.has_refused()), (11, true));
    // It was relayed by a version that does not say what an event follows.
    strange.follows = None;
    tail.offer(EPOCH, [strange]);
    assert_eq!((tail.position(), tail.has_refused()), (11, true));
    tail.offer(8, [event(12)]);
    assert_eq!(tail.position(), 11, "it was read of another epoch");
    tail.offer(EPOCH, [event(12)]);
    assert_eq!((tail.position(), tail.has_refused()), (13, false));
    assert_eq!(drain(&mut heard), [11, 12, 13]);
}

#[test]
fn who_comes_from_a_lost_event_is_not_served_from_memory() {
    let tail = Tail::new(&head(10));
    tail.offer(EPOCH, (11..=20).map(event));
    let recent = |from| {
        let events = tail.recent_behind(&topic(None), from, 20, 2)?;
        Some(events.map(|events| events.len()))
    };
    for position in [10, 15, 20] {
        let lost = Cursor {
            proof: Some(Proof::of(other(position).event_id)),
            ..kit::cursor(position)
        };
        let left = (20 - position).min(2) as usize;
        assert_eq!(recent(kit::cursor(position)), Some(Ok(left)));
        assert_eq!(recent(lost), Some(Err(CursorError::Foreign)));
        let unproven = Cursor {
            proof: None,
            ..lost
        };
        assert_eq!(recent(unproven), None, "memory cannot tell");
    }
    let of_another_epoch = Cursor {
        epoch: 8,
        ..kit::cursor(15)
    };
    assert_eq!(recent(of_another_epoch), Some(Err(CursorError::Foreign)));
}
