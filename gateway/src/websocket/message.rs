//! The messages of graphql-transport-ws: reads those of clients, strictly, and writes the server's. Results are embedded as the bytes
//! they already are.

use std::borrow::Cow;

use async_graphql::ServerError;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::close::Close;
use crate::params::Params;
use crate::response::to_json;

/// Longer ids are refused: each is repeated in every frame of its operation.
pub(crate) const MAX_ID_BYTES: usize = 256;

/// A message of a client.
#[derive(Debug)]
pub(super) enum Inbound {
    Init(Option<Map<String, Value>>),
    Ping(Option<Map<String, Value>>),
    Pong,
    Subscribe { id: String, params: Box<Params> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: Option<String>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// Reads a message; anything that is not one closes the socket with 4400.
pub(super) fn parse(text: &str) -> Result<Inbound, Close> {
    // The derived reading takes the fields in an array, too.
    if !text.trim_start().starts_with('{') {
        return Err(Close::invalid(format_args!(
            "Invalid message: expected an object"
        )));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)
        .map_err(|error| Close::invalid(format_args!("Invalid message: {error}")))?;
    match envelope.kind.as_ref() {
        "connection_init" => Ok(Inbound::Init(object(envelope.payload)?)),
        "ping" => Ok(Inbound::Ping(object(envelope.payload)?)),
        "pong" => object(envelope.payload).map(|_| Inbound::Pong),
        "complete" => Ok(Inbound::Complete {
            id: id(envelope.id)?,
        }),
        "subscribe" => {
            let id = id(envelope.id)?;
            let payload = envelope.payload.ok_or_else(|| {
                Close::invalid(format_args!("Invalid message: `payload` is missing"))
            })?;
            let params = serde_json::from_str(payload.get())
                .map_err(|error| Close::invalid(format_args!("Invalid payload: {error}")))?;
            Ok(Inbound::Subscribe {
                id,
                params: Box::new(params),
            })
        }
        kind @ ("connection_ack" | "next" | "error") => Err(Close::invalid(format_args!(
            "Only servers send messages of type {kind}"
        ))),
        kind => Err(Close::invalid(format_args!(
            "Unknown message type {kind:?}"
        ))),
    }
}

fn id(id: Option<String>) -> Result<String, Close> {
    match id {
        Some(id) if id.is_empty() => Err(Close::invalid(format_args!(
            "Invalid message: `id` is empty"
        ))),
        Some(id) if id.len() > MAX_ID_BYTES => Err(Close::invalid(format_args!(
            "Invalid message: `id` is longer than {MAX_ID_BYTES} bytes"
        ))),
        Some(id) => Ok(id),
        None => Err(Close::invalid(format_args!(
            "Invalid message: `id` is missing"
        ))),
    }
}

fn object(payload: Option<&RawValue>) -> Result<Option<Map<String, Value>>, Close> {
    let Some(payload) = payload else {
        return Ok(None);
    };
    serde_json::from_str(payload.get())
        .map_err(|error| Close::invalid(format_args!("Invalid payload: {error}")))
}

pub(super) const PING: &str = r#"{"type":"ping"}"#;

/// The cursor is that of the present: from there a client resumes that lost its socket before the first event.
pub(super) fn connection_ack(cursor: Option<String>) -> String {
    match cursor {
        Some(cursor) => {
            let cursor = json(&cursor);
            format!(r#"{{"type":"connection_ack","payload":{{"cursor":{cursor}}}}}"#)
        }
        None => r#"{"type":"connection_ack"}"#.to_owned(),
    }
}

pub(super) fn pong(payload: Option<&Map<String, Value>>) -> String {
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{}}}"#, json(payload)),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// Returns an operation's id as a JSON string, to be made once.
#[must_use]
pub fn encode_id(id: &str) -> String {
    json(&id)
}

/// Returns the parts of a message with a result, which is UTF-8 JSON. They are put together where they are sent, so that a result that
/// many receive is not copied for each.
#[must_use]
pub fn next<'a>(id: &'a str, result: &'a [u8]) -> [&'a [u8]; 5] {
    debug_assert!(std::str::from_utf8(result).is_ok());
    let id = id.as_bytes();
    [
        br#"{"id":"#,
        id,
        br#","type":"next","payload":"#,
        result,
        b"}",
    ]
}

pub(super) fn error(id: &str, errors: &[ServerError]) -> String {
    format!(
        r#"{{"id":{id},"type":"error","payload":{}}}"#,
        json(&errors)
    )
}

pub(super) fn complete(id: &str) -> [&[u8]; 3] {
    [br#"{"id":"#, id.as_bytes(), br#","type":"complete"}"#]
}

fn json(value: &impl serde::Serialize) -> String {
    String::from_utf8(to_json(value)).unwrap_or_else(|_| "null".into())
}
