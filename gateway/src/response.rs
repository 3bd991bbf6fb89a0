//! Serializes execution results. The `data` entry is absent exactly when execution never began, which async-graphql's own serialization
//! cannot express.

use async_graphql::{Response, ServerError};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::request_id::RequestId;
use crate::{errors, json};

/// Serializes the execution result as JSON.
#[must_use]
pub fn encode(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(b'{');
    if !errors::is_request_error(response) {
        bytes.extend_from_slice(b"\"data\":");
        json::write(&response.data, &mut bytes);
    }
    if !response.errors.is_empty() {
        begin_entry(b"\"errors\":", &mut bytes);
        json::write_serialized(&response.errors, &mut bytes);
    }
    if !response.extensions.is_empty() {
        begin_entry(b"\"extensions\":", &mut bytes);
        json::write_fields(&response.extensions, &mut bytes);
    }
    bytes.push(b'}');
    bytes
}

/// Returns the cursor of a result that [`encode`] has written. The extensions are its last entry, and a quotation mark within a text is
/// written with a backslash, so nothing in the data is taken for it.
pub(crate) fn cursor_of(result: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(result).ok()?;
    let extensions = &text[text.rfind(r#""extensions":{"#)?..];
    let (_, value) = extensions.split_once(r#""cursor":""#)?;
    let (cursor, _) = value.split_once('"')?;
    let is_cursor = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    cursor.bytes().all(is_cursor).then_some(cursor)
}

fn begin_entry(name: &[u8], bytes: &mut Vec<u8>) {
    if bytes.len() > 1 {
        bytes.push(b',');
    }
    bytes.extend_from_slice(name);
}

/// Serializes a value that cannot fail to serialize; a failure is logged and becomes `null`.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    json::write_serialized(value, &mut bytes);
    bytes
}

/// Returns a refusal outside `/graphql`, in the same form.
pub(crate) fn plain_refusal(
    status: StatusCode,
    error: ServerError,
    id: &RequestId,
) -> axum::response::Response {
    errors::note(&error);
    let answer = Response::from_errors(vec![errors::with(error, "requestId", id.as_str())]);
    let mut refusal = axum::response::Response::new(encode(&answer).into());
    *refusal.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    refusal.headers_mut().insert(CONTENT_TYPE, media_type);
    refusal
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;

    #[test]
    fn the_cursor_of_a_result_is_that_of_its_extensions() {
        let data = Value::from_json(serde_json::json!({
            "cursor": "of-data",
            "text": r#""extensions":{"cursor":"of-text"}"#,
        }));
        let result = Response::new(data.expect("a value"));
        assert_eq!(cursor_of(&encode(&result)), None);
        let with = result.extension("cursor", "e-1-ab".into());
        assert_eq!(cursor_of(&encode(&with)), Some("e-1-ab"));
        let more = with.extension("stale", true.into());
        let more = more.extension("before", "x".into());
        assert_eq!(cursor_of(&encode(&more)), Some("e-1-ab"));
        let strange = Response::new(Value::Null).extension("cursor", "a\nb".into());
        assert_eq!(cursor_of(&encode(&strange)), None);
    }
}
