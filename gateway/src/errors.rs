//! The typed errors that clients see. Every error that leaves the gateway has an `extensions.code` and a `requestId`, and no message of
//! an internal failure leaves it. Used by all transports.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::StatusCode;

use crate::limits::Limits;
use crate::metrics::METRICS;
use crate::request_id::RequestId;

/// The extension that says after how many seconds another try is worth it.
pub const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";

/// The error codes that clients read in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadRequest,
    ParseFailed,
    ValidationFailed,
    LimitExceeded,
    NotFound,
    Forbidden,
    Timeout,
    ReadAfterTimeout,
    RateLimited,
    Unavailable,
    Internal,
    PayloadTooLarge,
    UnsupportedMediaType,
    MethodNotAllowed,
    BatchingDisabled,
    Conflict,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    DocumentNotTrusted,
}

impl Code {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::Forbidden => "FORBIDDEN",
            Self::Timeout => "TIMEOUT",
            Self::ReadAfterTimeout => "READ_AFTER_TIMEOUT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::BatchingDisabled => "BATCHING_DISABLED",
            Self::Conflict => "CONFLICT",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
        }
    }
}

/// Returns the status of a request that failed before any field ran, by the code of its first error.
#[must_use]
pub fn status_of(code: Option<&str>) -> StatusCode {
    match code.unwrap_or_default() {
        "TIMEOUT" | "READ_AFTER_TIMEOUT" => StatusCode::GATEWAY_TIMEOUT,
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "FORBIDDEN" | "DOCUMENT_NOT_TRUSTED" => StatusCode::FORBIDDEN,
        "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Creates an error with a code.
#[must_use]
pub fn typed(code: Code, message: impl Into<String>) -> ServerError {
    with(ServerError::new(message, None), "code", code.as_str())
}

/// Adds an extension to the error.
#[must_use]
pub fn with(mut error: ServerError, key: &str, value: impl Into<Value>) -> ServerError {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set(key, value);
    error
}

/// Creates the error for an exceeded limit, with its name and value.
#[must_use]
pub fn limit_exceeded(limit: &str, maximum: usize, message: impl Into<String>) -> ServerError {
    let error = typed(Code::LimitExceeded, message);
    with(with(error, "limit", limit), "maximum", maximum as u64)
}

#[must_use]
pub fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        Value::Enum(code) => Some(code),
        _ => None,
    }
}

/// Returns after how many seconds another try is worth it, if the error says so.
#[must_use]
pub fn retry_after(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get(RETRY_AFTER_SECONDS)? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

/// Returns the code that an error of an execution has, or that it gets when it is completed.
pub(crate) fn code_to_be(error: &ServerError) -> Option<&str> {
    let is_of_field = !error.path.is_empty();
    let missing = match error.source.is_some() {
        true => Some(Code::Internal),
        false => is_of_field.then_some(Code::BadRequest),
    };
    code_of(error).or_else(|| missing.map(Code::as_str))
}

/// Returns whether another try may mend the error. An answer with such an error says nothing about the data.
#[must_use]
pub fn is_passing(error: &ServerError) -> bool {
    matches!(
        code_of(error),
        Some("UNAVAILABLE" | "TIMEOUT" | "RATE_LIMITED")
    )
}

/// Completes outgoing errors: adds a code where the executor gave none, and the request id, and masks internal failures. async-graphql
/// sets `source` exactly when a Rust error was converted without being mapped to a client-safe one, so its text must not be sent.
pub fn finish(errors: &mut [ServerError], request_id: &RequestId, limits: &Limits) {
    for error in errors {
        if code_of(error).is_none() {
            let bare = std::mem::replace(error, ServerError::new("", None));
            *error = classify(bare, request_id, limits);
        }
        note(error);
        error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default)
            .set("requestId", request_id.as_str());
    }
}

/// Counts an error that a client is sent.
pub(crate) fn note(error: &ServerError) {
    let limit = error.extensions.as_ref().and_then(|it| it.get("limit"));
    let limit = match limit {
        Some(Value::String(limit)) => Some(&**limit),
        _ => None,
    };
    METRICS.note_error(code_of(error).unwrap_or("INTERNAL"), limit);
}

fn classify(error: ServerError, request_id: &RequestId, limits: &Limits) -> ServerError {
    if error.source.is_some() {
        tracing::error!(%request_id, error = %error.message, "unmapped error in request {request_id}");
        let masked = typed(Code::Internal, "An internal error occurred");
        return ServerError {
            locations: error.locations,
            path: error.path,
            ..masked
        };
    }
    if !error.path.is_empty() {
        return with(error, "code", Code::BadRequest.as_str());
    }
    let limit = match error.message.as_str() {
        "Query is too complex." => Some(("complexity", limits.max_complexity)),
        "Query is nested too deep." => Some(("depth", limits.max_depth)),
        text if text.starts_with("The recursion depth of the query") => {
            Some(("depth", limits.max_depth))
        }
        _ => None,
    };
    match limit {
        Some((name, maximum)) => ServerError {
            locations: error.locations,
            ..limit_exceeded(name, maximum, error.message)
        },
        None => with(error, "code", Code::ValidationFailed.as_str()),
    }
}

/// Returns whether the request failed before execution began, so that the answer must have no `data` entry.
#[must_use]
pub fn is_request_error(response: &async_graphql::Response) -> bool {
    !response.errors.is_empty()
        && response.data == Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn internal_messages_never_leave() {
        let mut error = ServerError::new("password authentication failed for user", None);
        error.source = Some(Arc::new("database"));
        let id = RequestId::generate();
        let mut errors = [error];
        finish(&mut errors, &id, &Limits::default());
        assert_eq!(code_of(&errors[0]), Some("INTERNAL"));
        assert_eq!(errors[0].message, "An internal error occurred");
    }

    #[test]
    fn codes_of_domains_are_kept() {
        let mut errors = [with(ServerError::new("taken", None), "code", "CONFLICT")];
        finish(&mut errors, &RequestId::generate(), &Limits::default());
        assert_eq!(code_of(&errors[0]), Some("CONFLICT"));
        let extensions = errors[0].extensions.as_ref().expect("extensions");
        assert!(extensions.get("requestId").is_some());
    }

    #[test]
    fn limits_of_the_executor_are_typed() {
        let mut errors = [ServerError::new("Query is too complex.", None)];
        finish(&mut errors, &RequestId::generate(), &Limits::default());
        assert_eq!(code_of(&errors[0]), Some("LIMIT_EXCEEDED"));
    }
}
