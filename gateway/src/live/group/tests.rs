//! What a client is told of an event that cannot be shown: the error and a cursor behind it, or the end, from which it resumes.

use async_graphql::{Response, ServerError, Value};
use events::Cursor;

use super::into_payload;
use crate::{
    document::{Documents, Typing, plan_of},
    errors::{Code, typed},
    limits::Limits,
    operation::Payload,
    params::Params,
    request_id::RequestId,
};

const SDL: &str = "
    type Query { a: Int }
    type Subscription { event: Event }
    type Event { actor: Actor!  note: String }
    type Actor { name: String }
";

fn payload_of(data: serde_json::Value, error: ServerError) -> Payload {
    let typing = Typing::of(SDL).expect("a schema");
    let documents = Documents::new(Limits::default(), typing, true);
    let params = Params {
        query: "subscription { event { actor { name } note } }".into(),
        ..Params::default()
    };
    let prepared = documents.prepare(params, None, &RequestId::generate());
    let request = prepared.expect("it is valid").request;
    let plan = plan_of(&request).expect("a plan");
    let mut answer = Response::new(Value::from_json(data).expect("a value"));
    answer.errors = vec![error];
    let cursor = Cursor {
        epoch: 0,
        position: 7,
        proof: None,
    };
    into_payload(answer, plan, cursor, &Limits::default())
}

#[test]
fn an_event_is_passed_only_when_another_try_shows_no_more_of_it() {
    let shown = serde_json::json!({ "event": { "actor": { "name": "Ada" }, "note": null } });
    for code in [Code::Unavailable, Code::Timeout, Code::RateLimited] {
        for data in [shown.clone(), serde_json::Value::Null] {
            let payload = payload_of(data, typed(code, "not now"));
            assert!(matches!(payload, Payload::Error(_)), "{code:?}");
        }
    }
    for code in [Code::Internal, Code::Forbidden] {
        let payload = payload_of(shown.clone(), typed(code, "never"));
        assert!(matches!(payload, Payload::Next(_)), "{code:?}");
    }
    let ended = payload_of(serde_json::Value::Null, typed(Code::Forbidden, "no more"));
    assert!(matches!(ended, Payload::Error(_)));
}
