//! Serializes execution results. The `data` entry is absent exactly when execution never began, which async-graphql's own serialization
//! cannot express.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::errors;
use crate::request_id::RequestId;

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// Serializes the execution result as JSON.
#[must_use]
pub fn encode(response: &Response) -> Vec<u8> {
    let wire = Wire {
        data: (!errors::is_request_error(response)).then_some(&response.data),
        errors: &response.errors,
        extensions: &response.extensions,
    };
    to_json(&wire)
}

/// Serializes a value that cannot fail to serialize; a failure is logged and becomes `null`.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(%error, "an answer could not be serialized");
        bytes.clear();
        bytes.extend_from_slice(b"null");
    }
    bytes
}

/// Returns a refusal outside `/graphql`, in the same form.
pub(crate) fn plain_refusal(
    status: StatusCode,
    error: ServerError,
    id: &RequestId,
) -> axum::response::Response {
    let answer = Response::from_errors(vec![errors::with(error, "requestId", id.as_str())]);
    let mut refusal = axum::response::Response::new(encode(&answer).into());
    *refusal.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    refusal.headers_mut().insert(CONTENT_TYPE, media_type);
    refusal
}
