//! Writes answers and refusals in the form, and with the encoding, that the client accepts.

use async_graphql::{Response as Answer, ServerError};
use axum::body::{Body, Bytes};
use axum::http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::accept::{self, MediaType};
use super::refusal::Refusal;
use super::{METHODS, compression, sse};
use crate::app::App;
use crate::errors;
use crate::operation::{OperationType, Operations};
use crate::request_id::RequestId;
use crate::response;
use crate::transports::HttpSettings;

/// Headers of an answer, those of the server included.
const HEADERS: usize = 12;

/// An answer, with what it may have that decides on its form.
pub(super) struct Executed {
    pub(super) answer: Answer,
    /// The size above which it is compressed, if it may be: see `compression`.
    compress_above: Option<usize>,
}

impl Executed {
    pub(super) fn new(answer: Answer, kind: OperationType, settings: &HttpSettings) -> Self {
        let above = Some(settings.compress_above).filter(|above| *above > 0);
        Self {
            answer,
            compress_above: above.filter(|_| kind == OperationType::Query),
        }
    }

    /// An answer without execution.
    pub(super) const fn refused(answer: Answer) -> Self {
        Self {
            answer,
            compress_above: None,
        }
    }

    pub(super) const fn compress_above(&self) -> Option<usize> {
        self.compress_above
    }

    /// Writes it as the one answer to a request. Only clients that accept `application/graphql-response+json` get a status for request
    /// errors.
    pub(super) async fn respond(&self, media_type: MediaType, headers: &HeaderMap) -> Response {
        let answer = &self.answer;
        let media_type = match media_type {
            MediaType::EventStream => return sse::single(answer),
            MediaType::Multipart => accept::beside_multipart(headers),
            media_type => media_type,
        };
        let status = match media_type {
            MediaType::GraphqlResponse if errors::is_request_error(answer) => {
                errors::status_of(answer.errors.first().and_then(errors::code_of))
            }
            _ => StatusCode::OK,
        };
        let bytes = response::encode(answer).into();
        let mut response =
            compressed(status, media_type, bytes, self.compress_above, headers).await;
        if let Some(error) = answer.errors.first() {
            tell_when(error, &mut response);
        }
        response
    }
}

/// Answers with JSON, which is compressed when it is larger than `above` and the client accepts that.
pub(super) async fn compressed(
    status: StatusCode,
    media_type: MediaType,
    bytes: Bytes,
    above: Option<usize>,
    headers: &HeaderMap,
) -> Response {
    let is_large = above.is_some_and(|above| bytes.len() > above);
    if is_large
        && let Some(encoding) = compression::accepted(headers)
        && let Some(compressed) = compression::answer(&bytes, encoding).await
    {
        let mut response = json(status, media_type, compressed);
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, encoding.header());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        return response;
    }
    json(status, media_type, bytes)
}

pub(super) fn refuse<O: Operations>(
    refusal: Refusal,
    accepted: Option<MediaType>,
    id: &RequestId,
    app: &App<O>,
    method: &Method,
) -> Response {
    let answer = app.refused(vec![*refusal.error], id);
    let media_type = match accepted {
        Some(MediaType::GraphqlResponse) => MediaType::GraphqlResponse,
        _ => MediaType::Json,
    };
    let mut response = json(refusal.status, media_type, response::encode(&answer).into());
    if let Some((name, accepted)) = refusal.accepted {
        response.headers_mut().insert(name, accepted);
    }
    if let Some(error) = answer.errors.first() {
        tell_when(error, &mut response);
    }
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = match method == Method::GET {
            true => "POST",
            false => METHODS,
        };
        let allowed = HeaderValue::from_static(allowed);
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// Adds when another try is worth it to the headers, if the error says so.
fn tell_when(error: &ServerError, response: &mut Response) {
    if let Some(seconds) = errors::retry_after(error) {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
}

fn json(status: StatusCode, media_type: MediaType, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // For all that will be there, at once.
    headers.reserve(HEADERS);
    headers.insert(CONTENT_TYPE, media_type.header());
    if status == StatusCode::UNAUTHORIZED {
        // Who presents no token is nobody, and not refused.
        let challenge = r#"Bearer realm="millrace", error="invalid_token""#;
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
