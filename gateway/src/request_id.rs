//! Request ids: every answer names the id that its log lines carry. A client's own `x-request-id` is kept when it is harmless to log and
//! to echo (1 to 64 characters of `A-Z a-z 0-9 . _ -`); otherwise a UUID v7 replaces it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries the id, in requests and in answers.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, found in the data of every `async_graphql::Request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    #[must_use]
    pub fn generate() -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let encoded: &str = next_uuid().hyphenated().encode_lower(&mut text);
        Self(encoded.into())
    }

    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_sane(id))
            .map_or_else(Self::generate, |id| Self(id.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id as a header value; ids consist of visible ASCII only, so the fallback is never taken.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("invalid"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns a UUID v7 without asking the operating system for randomness, as each request gets one: a keyed hash of a counter tells
/// the ids of processes apart, and nobody learns anything from one.
fn next_uuid() -> Uuid {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = since.unwrap_or_default().as_millis() as u64;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&KEY.hash_one(number).to_le_bytes());
    random[8..].copy_from_slice(&number.to_le_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let ids: std::collections::HashSet<Uuid> = (0..100_000).map(|_| next_uuid()).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    fn from(value: &'static str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static(value));
        RequestId::from_headers(&headers)
    }

    #[test]
    fn keeps_sane_ids_and_replaces_others() {
        assert_eq!(from("a.B_9-z").as_str(), "a.B_9-z");
        for refused in [
            "",
            "with space",
            "quote\"",
            "a/b",
            &"x".repeat(65).leak()[..],
        ] {
            let id = RequestId::from_headers(&{
                let mut headers = HeaderMap::new();
                headers.insert(HEADER, HeaderValue::from_str(refused).expect("header"));
                headers
            });
            assert_ne!(id.as_str(), refused);
            assert!(Uuid::parse_str(id.as_str()).is_ok());
        }
    }
}
