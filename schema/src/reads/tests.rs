//! What is noted, and which events touch it.

use entities::{customers, posts, users};
use serde_json::value::RawValue;

use super::*;

fn event(kind: &str, id: u128) -> Event {
    Event {
        position: 1,
        previous: 0,
        event_id: Uuid::nil(),
        part: 0,
        stream: kind.to_owned(),
        stream_id: Uuid::from_u128(id),
        version: 1,
        event_type: "Something".to_owned(),
        schema_version: 1,
        data: RawValue::from_string("{}".to_owned()).expect("JSON"),
        meta: events::Meta::default(),
        occurred_at: chrono::DateTime::UNIX_EPOCH,
        follows: None,
    }
}

fn stream(kind: &'static str, id: u128) -> Read {
    Read::Stream(StreamKey {
        kind,
        id: Uuid::from_u128(id),
    })
}

fn noted(all: impl IntoIterator<Item = Read>) -> Dependencies {
    let reads = Reads::recording();
    for read in all {
        reads.note(read);
    }
    reads.noted()
}

/// Whether the topics have every event that touches it.
fn are_followed(noted: &Dependencies, event: &Event) -> bool {
    noted.topics().iter().any(|topic| {
        *topic == Topic::EVERYTHING
            || topic.kind == event.stream && topic.id.is_none_or(|id| id == event.stream_id)
    })
}

#[test]
fn only_what_was_read_is_touched() {
    let (customer, user) = (customers::STREAM, users::STREAM);
    let of_user_2: Concern = Arc::new(|event| event.stream_id == Uuid::from_u128(2));
    let noted = noted([
        stream(customer, 1),
        Read::List(user, of_user_2),
        stream(user, 3),
    ]);
    let touched = [(customer, 1), (user, 2), (user, 3), (ERASURE_STREAM, 9)];
    for (kind, id) in touched {
        let event = event(kind, id);
        assert!(noted.is_touched_by(&event), "{kind} {id}");
        assert!(are_followed(&noted, &event), "{kind} {id}");
    }
    for (kind, id) in [(customer, 2), (user, 1), (posts::STREAM, 1)] {
        assert!(!noted.is_touched_by(&event(kind, id)), "{kind} {id}");
    }
    let unheard = [(customer, 2), (posts::STREAM, 1)];
    assert!(
        unheard
            .iter()
            .all(|(kind, id)| !are_followed(&noted, &event(kind, *id)))
    );
}

#[test]
fn what_was_not_told_is_everything() {
    let reads = Reads::recording();
    reads.note(stream(customers::STREAM, 1));
    reads.note_everything();
    let noted = reads.noted();
    assert_eq!(noted.topics(), [Topic::EVERYTHING]);
    assert!(noted.is_touched_by(&event(posts::STREAM, 7)));
}

#[test]
fn very_many_streams_are_all_of_their_kind() {
    let of = |count: usize| (0..count).map(|id| stream(users::STREAM, id as u128));
    let (few, many) = (noted(of(MOST_STREAMS)), noted(of(MOST_STREAMS + 1)));
    assert_eq!(few.topics().len(), MOST_STREAMS + 1);
    assert!(!few.is_touched_by(&event(users::STREAM, 5_000)));
    assert_eq!(many.topics().len(), 2, "one for users, one for erasures");
    assert!(many.is_touched_by(&event(users::STREAM, 5_000)));
}

#[test]
fn read_models_are_touched_by_replays() {
    let reads = Reads::recording();
    assert!(!reads.noted().has_read_models());
    reads.note_read_model();
    let noted = reads.noted();
    assert!(noted.has_read_models() && noted.is_touched_by(&event(operations::STREAM, 1)));
}

#[test]
fn what_is_not_recorded_is_nothing() {
    let reads = Reads::default();
    reads.note(stream(users::STREAM, 1));
    reads.note_everything();
    assert!(!reads.is_recording() && reads.noted().topics().len() == 1);
}
