//! What a client is told of an event that cannot be shown: the error and a cursor behind it, or the end, from which it resumes.

use async_graphql::{Response, ServerError, Value};
use events::Cursor;

use super::into_frame;
use crate::{
    document::{Documents, Typing, plan_of},
    errors::{Code, typed},
    limits::Limits,
    params::Params,
    request_id::RequestId,
};

const SDL: &str = "
    type Query { a: Int }
    type Subscription { event: Event }
    type Event { actor: Actor!  note: String }
    type Actor { name: String }
";

fn frame_of(data: serde_json::Value, error: ServerError) -> Result<Vec<u8>, Vec<ServerError>> {
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
    into_frame(answer, plan, cursor, &Limits::default())
}

#[test]
fn an_event_is_passed_only_when_another_try_shows_no_more_of_it() {
    let shown = serde_json::json!({ "event": { "actor": { "name": "Ada" }, "note": null } });
    for code in [Code::Unavailable, Code::Timeout, Code::RateLimited] {
        for data in [shown.clone(), serde_json::Value::Null] {
            let frame = frame_of(data, typed(code, "not now"));
            assert!(frame.is_err(), "{code:?}");
        }
    }
    for code in [Code::Internal, Code::Forbidden] {
        let frame = frame_of(shown.clone(), typed(code, "never"));
        assert!(frame.is_ok(), "{code:?}");
    }
    let ended = frame_of(serde_json::Value::Null, typed(Code::Forbidden, "no more"));
    assert!(ended.is_err());
}
