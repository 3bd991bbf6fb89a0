//! Why an HTTP request was not accepted as a GraphQL request at all. Its status is the same whatever the client accepts, unlike that of
//! errors inside a well-formed request.

use async_graphql::ServerError;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};
use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::budget::Spent;
use crate::errors::{self, Code, limit_exceeded, typed, with};

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: Box<ServerError>,
    /// What would have been accepted.
    pub(crate) accepted: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self::of(status, typed(code, message))
    }

    fn of(status: StatusCode, error: ServerError) -> Self {
        Self {
            status,
            error: Box::new(error),
            accepted: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// Refuses a caller whose credentials are not accepted.
    pub(crate) fn of_caller(error: ServerError) -> Self {
        Self::of(errors::status_of(errors::code_of(&error)), error)
    }

    pub(crate) fn cross_site() -> Self {
        Self::forbidden("Pages of other origins may not use GET here")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::Forbidden, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Code::Conflict, message)
    }

    pub(crate) fn internal(cause: String) -> Self {
        tracing::error!(cause, "a request failed");
        let message = "An internal error occurred";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message)
    }

    pub(crate) fn incomplete() -> Self {
        Self::bad_request("The body ended early")
    }

    pub(crate) fn slow_body() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            Code::Timeout,
            "The body did not arrive in time",
        )
    }

    pub(crate) fn spent(spent: Spent) -> Self {
        Self::of(spent.status(), spent.into_error())
    }

    pub(crate) fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Unavailable,
            "The gateway stops, and the body had not arrived; nothing was executed",
        )
    }

    pub(crate) fn not_acceptable() -> Self {
        let message = "None of the accepted media types is available: \
             application/graphql-response+json, application/json, text/event-stream, \
             multipart/mixed;subscriptionSpec=1.0";
        Self::new(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message)
    }

    pub(crate) fn method_not_allowed(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            message,
        )
    }

    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self {
            accepted: Some((ACCEPT, HeaderValue::from_static("application/json"))),
            ..Self::not_supported(message)
        }
    }

    pub(crate) fn unsupported_encoding() -> Self {
        Self {
            accepted: Some((ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
            ..Self::not_supported("A content-encoding is not supported")
        }
    }

    pub(crate) fn unsupported_coding() -> Self {
        let message = "The only transfer-encoding that is supported is chunked";
        Self::new(StatusCode::NOT_IMPLEMENTED, Code::BadRequest, message)
    }

    fn not_supported(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::UnsupportedMediaType,
            message,
        )
    }

    pub(crate) fn payload_too_large(maximum: usize) -> Self {
        let message = format!("The body is larger than {maximum} bytes");
        let refusal = Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::PayloadTooLarge,
            message,
        );
        Self {
            error: Box::new(with(*refusal.error, "maximum", maximum as u64)),
            ..refusal
        }
    }

    pub(crate) fn batching_disabled() -> Self {
        let message = "Batching is disabled: send one request per body";
        Self::new(StatusCode::BAD_REQUEST, Code::BatchingDisabled, message)
    }

    pub(crate) fn batch_too_long(maximum: usize) -> Self {
        let message = format!("The batch has more than {maximum} requests");
        let error = limit_exceeded("batch", maximum, message);
        Self::of(StatusCode::BAD_REQUEST, error)
    }
}

impl From<ServerError> for Refusal {
    fn from(error: ServerError) -> Self {
        Self::of(StatusCode::BAD_REQUEST, error)
    }
}

/// Refuses a subscription that is asked for without a stream.
pub(super) fn subscription_refused() -> ServerError {
    let message = "Subscriptions are served over WebSocket (graphql-transport-ws on this path) or as an event stream \
         (accept: text/event-stream)";
    typed(Code::BadRequest, message)
}
