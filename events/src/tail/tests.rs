//! Properties of the tail: whatever order, batches and repeats events arrive in, they leave once, dense and in order.

use chrono::Utc;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::{Meta, PARTS};

fn head(position: u64) -> Head {
    Head {
        epoch: 7,
        position,
        pruned: 0,
        parts: [0; PARTS as usize],
    }
}

fn event(position: u64) -> Event {
    let stream_id = Uuid::from_u128(u128::from(position % 3));
    Event {
        position,
        previous: 0,
        event_id: Uuid::nil(),
        part: 0,
        stream: "customer".to_owned(),
        stream_id,
        version: 1,
        event_type: "CustomerCreated".to_owned(),
        schema_version: 1,
        data: RawValue::from_string("{}".to_owned()).expect("JSON"),
        meta: Meta::default(),
        occurred_at: Utc::now(),
    }
}

fn topic(id: Option<u128>) -> Topic {
    Topic {
        kind: "customer",
        id: id.map(Uuid::from_u128),
    }
}

fn drain(receiver: &mut broadcast::Receiver<Arc<Event>>) -> Vec<u64> {
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
        let mut seen = std::collections::BTreeSet::new();
        for batch in batches {
            seen.extend(batch.iter().copied());
            tail.offer(batch.into_iter().map(event));
        }
        let reached = (1..).take_while(|position| seen.contains(position)).count() as u64;
        prop_assert_eq!(tail.position(), reached);
        prop_assert_eq!(drain(&mut all), (1..=reached).collect::<Vec<_>>());
        let of_one: Vec<_> = (1..=reached).filter(|position| position % 3 == 1).collect();
        prop_assert_eq!(drain(&mut one), of_one);
        prop_assert_eq!(tail.has_gap(), seen.iter().any(|position| *position > reached));
    }
}

#[test]
fn recent_events_are_served_only_when_all_are_there() {
    let tail = Tail::new(&head(10));
    tail.offer((11..=20).map(event));
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
    assert_eq!(at, 5);
    let old = tail.cursor();
    assert_eq!(tail.resolve(old), Ok(5));
    tail.reset(&Head {
        epoch: 8,
        pruned: 2,
        ..head(3)
    });
    assert!(matches!(
        listener.try_recv(),
        Err(broadcast::error::TryRecvError::Closed)
    ));
    assert_eq!(tail.resolve(old), Err(CursorError::Foreign));
    let pruned = Cursor {
        epoch: 8,
        position: 1,
    };
    assert_eq!(tail.resolve(pruned), Err(CursorError::Expired));
    assert_eq!(tail.position(), 3);
}

#[test]
fn observers_run_before_the_position_moves() {
    let tail = Arc::new(Tail::new(&head(0)));
    let observed = Arc::new(Mutex::new(Vec::new()));
    let (inner, log) = (Arc::downgrade(&tail), observed.clone());
    tail.observe(Box::new(move |kind, id, event_type| {
        let position = inner.upgrade().map(|tail| tail.position());
        log.lock().expect("not poisoned").push((
            kind.to_owned(),
            id.as_u128(),
            event_type.to_owned(),
            position,
        ));
    }));
    tail.offer([event(1), event(2)]);
    let observed = observed.lock().expect("not poisoned");
    let seen = |id| {
        let (kind, event_type) = ("customer".to_owned(), "CustomerCreated".to_owned());
        (kind, id, event_type, Some(0))
    };
    assert_eq!(*observed, [seen(1), seen(2)]);
}
