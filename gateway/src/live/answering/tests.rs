//! What is identical, and what is shared.

use entities::users::{Role, SessionId};

use super::*;

fn principal() -> Principal {
    Principal {
        user_id: UserId::generate(),
        session_id: SessionId::generate(),
        role: Role::Member,
    }
}

/// The key of a query that begins now, with the tail at this position.
fn key(flights: &Flights, principal: Principal, variables: &str, position: u64) -> Key {
    Key {
        text: "{ me { id } }".into(),
        operation: None,
        variables: variables.as_bytes().to_vec(),
        principal,
        address: None,
        user_agent: None,
        read_after: None,
        tail: Cursor {
            epoch: 1,
            position,
            proof: None,
        },
        told: flights.told(),
    }
}

#[test]
fn a_query_begins_anew_when_something_has_happened_or_the_caller_is_another() {
    let (flights, viewer) = (Flights::default(), principal());
    let user = viewer.user_id;
    let is_joined = |key: Key| matches!(flights.board(user, key), Place::Join(_));
    let Place::Lead(_first) = flights.board(user, key(&flights, viewer, "{}", 7)) else {
        panic!("it is the first one");
    };
    assert!(is_joined(key(&flights, viewer, "{}", 7)));
    assert!(!is_joined(key(&flights, viewer, r#"{"a":1}"#, 7)));
    let session_id = SessionId::generate();
    let session = Principal {
        session_id,
        ..viewer
    };
    assert!(!is_joined(key(&flights, session, "{}", 7)));
    let role = Role::Staff;
    assert!(!is_joined(key(
        &flights,
        Principal { role, ..viewer },
        "{}",
        7
    )));
    assert!(
        !is_joined(key(&flights, viewer, "{}", 8)),
        "the tail has moved"
    );
    let mutation = Telling(&flights);
    assert!(is_joined(key(&flights, viewer, "{}", 7)));
    drop(mutation);
    assert!(
        !is_joined(key(&flights, viewer, "{}", 7)),
        "it was answered"
    );
}

#[test]
fn variables_are_written_whole_or_not_at_all() {
    let of = |value| Variables::from_json(value);
    let some = of(serde_json::json!({ "b": 1, "a": { "x": ["text", null] } }));
    let text = br#"{"a":{"x":["text",null]},"b":1}"#;
    assert_eq!(written(&some, text.len()).as_deref(), Some(&text[..]));
    assert_eq!(written(&some, text.len() - 1), None);
    assert_eq!(written(&Variables::default(), 0), Some(Vec::new()));
    let large = of(serde_json::json!({ "text": "x".repeat(1 << 20) }));
    assert_eq!(written(&large, MOST_KEY_BYTES), None);
}

#[test]
fn what_failed_or_is_stale_is_of_one_request_alone() {
    let whole = || Response::new(Value::from(7)).extension("cursor", "e-1-ab".into());
    let landed = Landed::of(&whole()).expect("it is shared");
    let response = landed.response();
    assert_eq!(
        (response.data, response.extensions.len()),
        (Value::from(7), 1)
    );
    assert!(Landed::of(&whole().extension("stale", true.into())).is_none());
    let mut partial = whole();
    for (code, is_shared) in [
        (Code::Forbidden, true),
        (Code::Internal, false),
        (Code::Unavailable, false),
    ] {
        partial.errors = vec![typed(code, "It failed")];
        assert_eq!(Landed::of(&partial).is_some(), is_shared, "{code:?}");
    }
    partial.errors = vec![ServerError::new("It failed inside", None)];
    assert!(Landed::of(&partial).is_none());
}
