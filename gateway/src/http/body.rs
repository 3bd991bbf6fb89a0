//! Reads a request body: checks its media type, its charset, its size (counted as it arrives, whatever its header says) and its encoding.
//! Only a complete UTF-8 text of an acceptable type gets past this module.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING,
};
use futures::StreamExt;

use super::Call;
use super::refusal::Refusal;
use crate::budget::Share;
use crate::errors::with;
use crate::operation::Operations;
use crate::shutdown::Shutdown;

/// The bytes that every request may hold uncounted.
const SMALL: usize = 16 * 1024;
/// How long a stopping process waits for the rest of a body.
const STOPPING_BODY: Duration = Duration::from_secs(1);
/// How long a client may send nothing of a body.
const PAUSE: Duration = Duration::from_secs(10);

/// Refuses everything but `application/json` in UTF-8. Browsers send other types across origins without asking, so this also prevents
/// cross-site request forgery.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Err(Refusal::unsupported_media_type(
            "A content-type is required: application/json",
        ));
    };
    let value = value.to_str().unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::unsupported_media_type(
            "The content-type must be application/json",
        ));
    }
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let charset = value.trim().trim_matches('"');
        let utf8 = charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8");
        if name.trim().eq_ignore_ascii_case("charset") && !utf8 {
            return Err(Refusal::unsupported_media_type("The charset must be utf-8"));
        }
    }
    check_encoding(headers)
}

/// Refuses bodies that are encoded, also on their way: only pieces are put together.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next();
    let is_known = first.is_none_or(|it| it.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_known || codings.next().is_some() {
        return Err(Refusal::unsupported_coding());
    }
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let mut encodings = encodings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_none = |encoding: &[u8]| {
        let encoding = encoding.trim_ascii();
        encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity")
    };
    match encodings.all(is_none) {
        true => Ok(()),
        false => Err(Refusal::unsupported_encoding()),
    }
}

/// Reads the body of a call in the time that a request has, and less when the process stops.
pub(super) async fn arrive<O: Operations>(
    call: &Call<'_, O>,
    body: Body,
    limit: usize,
    share: Share,
) -> Result<(Bytes, Share), Refusal> {
    let app = call.app;
    let reading = read(call.headers, body, limit, share);
    tokio::select! {
        biased;
        read = tokio::time::timeout(app.http.request_timeout, reading) => {
            read.map_err(|_| Refusal::slow_body())?
        }
        () = stopped(&app.shutdown) => Err(Refusal::stopping()),
    }
}

/// Resolves when the sender of a body has had enough time, as the process stops.
async fn stopped(shutdown: &Shutdown) {
    shutdown.wait().await;
    tokio::time::sleep(STOPPING_BODY).await;
}

/// Reads at most `limit` bytes, and counts them in `share`.
async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    mut share: Share,
) -> Result<(Bytes, Share), Refusal> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(Refusal::payload_too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    let Some(first) = next(&mut chunks).await? else {
        return Ok((Bytes::new(), share));
    };
    if first.len() > limit {
        return Err(Refusal::payload_too_large(limit));
    }
    // Most bodies arrive in one piece, which then needs no copy.
    if announced == Some(first.len() as u64) {
        return Ok((first, share));
    }
    let mut whole = Vec::from(first);
    // Growing by doubling would take twice as much; memory for bytes that are never sent is never touched.
    if let Some(announced) = announced.and_then(|length: u64| usize::try_from(length).ok()) {
        whole.reserve_exact(announced.saturating_sub(whole.len()));
    }
    while let Some(chunk) = next(&mut chunks).await? {
        let length = whole.len() + chunk.len();
        if length > limit {
            return Err(Refusal::payload_too_large(limit));
        }
        if length > SMALL {
            share.try_set(length).map_err(Refusal::spent)?;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok((whole.into(), share))
}

/// Waits a limited time for the next piece.
async fn next(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, Refusal> {
    let chunk = tokio::time::timeout(PAUSE, chunks.next()).await;
    let chunk = chunk.map_err(|_| Refusal::slow_body())?;
    chunk.transpose().map_err(|_| Refusal::incomplete())
}

/// Returns the body as text, without the byte order mark that some clients begin with.
pub(crate) fn text(body: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(body);
    let text = text.map(|text| text.strip_prefix('\u{FEFF}').unwrap_or(text));
    text.map_err(|error| {
        let position = error.valid_up_to();
        let refusal = Refusal::bad_request(format!("The body is not UTF-8 (byte {position})"));
        Refusal {
            error: Box::new(with(*refusal.error, "position", position as u64)),
            ..refusal
        }
    })
}
