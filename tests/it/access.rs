//! Who may do what, and who is taken for whom: every operation as everybody, tokens of every kind, sign-in, and sockets
//! whose callers change while they are open.

mod audit;
mod keys;
mod logs;
mod matrix;
mod roles;
mod sessions;
mod sign_in;
mod sockets;
mod table;
mod tokens;
mod world;

use serde_json::Value;
use tests::graphql::Answer;

/// An answer's errors without what differs between alike requests.
fn errors_of(answer: &Answer) -> Value {
    without_request_ids(&answer.body["errors"])
}

fn without_request_ids(errors: &Value) -> Value {
    let mut errors = errors.clone();
    for error in errors.as_array_mut().into_iter().flatten() {
        if let Some(extensions) = error["extensions"].as_object_mut() {
            extensions.remove("requestId");
        }
    }
    errors
}

/// Asserts that nobody was taken for anybody, and why.
#[track_caller]
fn expect_unauthenticated(answer: &Answer, reason: &str) {
    let extensions = answer.expect_code("UNAUTHENTICATED");
    assert_eq!(extensions["reason"], reason, "{}", answer.http.text());
}
