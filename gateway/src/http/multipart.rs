//! Multipart subscriptions, as Apollo Client's `HttpLink` asks for and reads them. A part has a result as its `payload`, or nothing when
//! it only keeps the connection open. It is read once the boundary behind it has arrived, so each part is sent with that boundary. JSON
//! has no line breaks here, so no result contains a boundary.

use async_graphql::ServerError;

use crate::response::to_json;

pub(super) const OPENING: &[u8] = b"\r\n--graphql";
pub(super) const KEEP_ALIVE: &[u8] = b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql";
/// Makes the last boundary the end.
pub(super) const COMPLETE: &[u8] = b"--\r\n";

/// Formats a result.
pub(super) fn next(result: &[u8]) -> Vec<u8> {
    part(&[b"{\"payload\":", result, b"}"])
}

/// Ends a subscription that its client may begin again: an error of the transport, which Apollo Client tells apart from one of the
/// operation.
pub(super) fn interrupted(error: &ServerError) -> Vec<u8> {
    let errors = to_json(&[error]);
    let mut last = part(&[b"{\"payload\":null,\"errors\":", &errors, b"}"]);
    last.extend_from_slice(COMPLETE);
    last
}

fn part(body: &[&[u8]]) -> Vec<u8> {
    let (head, end) = (&b"\r\ncontent-type: application/json\r\n\r\n"[..], OPENING);
    [&[head], body, &[end]].concat().concat()
}
