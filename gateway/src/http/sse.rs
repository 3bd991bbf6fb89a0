//! The events of graphql-sse: results as `next`, with their cursor as `id`, and `complete` at an operation's end. A stream that ends
//! without `complete` tells clients to come back; they show the last id, and go on from there.

use super::accept::MediaType;
use super::streaming::respond;
use crate::response;
use axum::body::Bytes;
use axum::response::Response;
use futures::stream::once;

pub(super) const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";
/// A comment. Browsers that do not report an open stream before its first bytes get one at once.
pub(super) const KEEP_ALIVE: &[u8] = b":\n\n";

/// Answers an operation with one result, or a refused one.
pub(super) fn single(answer: &async_graphql::Response) -> Response {
    let mut event = next(&response::encode(answer));
    event.extend_from_slice(COMPLETE);
    let event = once(async move { Bytes::from(event) });
    respond(MediaType::EventStream, event)
}

/// Begins a stream: what has no data is no event, but clients remember its id.
pub(super) fn opening(cursor: Option<&str>) -> Vec<u8> {
    match cursor {
        Some(cursor) => format!("id: {cursor}\n\n").into_bytes(),
        None => KEEP_ALIVE.to_vec(),
    }
}

/// Formats a result, which is JSON on one line, as [`Payload::Next`](crate::operation::Payload::Next) demands.
pub(super) fn next(result: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(result.len() + 96);
    if let Some(cursor) = response::cursor_of(result) {
        event.extend_from_slice(b"id: ");
        event.extend_from_slice(cursor.as_bytes());
        event.push(b'\n');
    }
    event.extend_from_slice(b"event: next\ndata: ");
    event.extend_from_slice(result);
    event.extend_from_slice(b"\n\n");
    event
}
