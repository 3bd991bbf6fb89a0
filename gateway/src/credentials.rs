//! What a client shows of itself: a bearer token, and the address it calls from. Only read here, never judged; whoever
//! admits decides. Tokens are kept out of every log and answer.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::{Map, Value};

/// The name of the token in payloads of sockets, in any case.
const PAYLOAD_KEY: &str = "authorization";
const FORWARDED_FOR: &str = "x-forwarded-for";
/// No token of ours, which is as good as a bad one.
const NO_BEARER: &str = "";

/// Where a connection comes from; the server puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// What a client shows of itself, and where it comes from.
#[derive(Clone, Default)]
pub struct Credentials {
    /// What follows `Bearer`; `None` when the client shows nothing at all.
    pub token: Option<String>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
}

impl Credentials {
    /// Of a request. With `forwarded` the address is the one that the nearest proxy saw.
    pub(crate) fn from_request(
        headers: &HeaderMap,
        peer: Option<&PeerAddress>,
        forwarded: bool,
    ) -> Self {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let token = match (shown.next(), shown.next()) {
            (None, _) => None,
            (Some(value), None) => Some(bearer(value.to_str().unwrap_or_default())),
            // Which of them was meant is not for us to guess.
            (Some(_), Some(_)) => Some(NO_BEARER.to_owned()),
        };
        let peer = peer.map(|peer| peer.0.ip());
        let address = match forwarded {
            true => last_forwarded(headers).or(peer),
            false => peer,
        };
        Self { token, address }
    }

    /// The same with the token of a socket's payload, if there is one.
    pub(crate) fn with_payload(mut self, payload: Option<&Map<String, Value>>) -> Self {
        if let Some(token) = payload_token(payload) {
            self.token = Some(token);
        }
        self
    }
}

/// The token in the payload of `connection_init` or `ping`.
pub(crate) fn payload_token(payload: Option<&Map<String, Value>>) -> Option<String> {
    let (_, value) = payload?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(PAYLOAD_KEY))?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(bearer(text)),
        _ => Some(NO_BEARER.to_owned()),
    }
}

fn bearer(text: &str) -> String {
    match text.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        _ => NO_BEARER.to_owned(),
    }
}

fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn token(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        Credentials::from_request(&headers, None, false).token
    }

    #[test]
    fn anything_but_one_bearer_token_is_a_bad_one() {
        assert_eq!(token(&[]), None);
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bearer  abc "]).as_deref(), Some("abc"));
        assert_eq!(token(&["Basic abc"]).as_deref(), Some(""));
        assert_eq!(token(&["abc"]).as_deref(), Some(""));
        assert_eq!(token(&["Bearer a", "Bearer b"]).as_deref(), Some(""));
    }

    #[test]
    fn payloads_name_it_in_any_case() {
        let of = |payload: Value| payload_token(payload.as_object());
        assert_eq!(
            of(json!({ "Authorization": "Bearer abc" })).as_deref(),
            Some("abc")
        );
        assert_eq!(of(json!({ "authorization": 7 })).as_deref(), Some(""));
        assert_eq!(of(json!({ "authorization": null })), None);
        assert_eq!(of(json!({ "other": "Bearer abc" })), None);
    }

    #[test]
    fn a_proxy_is_believed_only_when_told_to() {
        let mut headers = HeaderMap::new();
        let chain = HeaderValue::from_static("198.51.100.7, 203.0.113.9");
        headers.append(FORWARDED_FOR, chain);
        let peer = PeerAddress(([127, 0, 0, 1], 4242).into());
        let address =
            |forwarded| Credentials::from_request(&headers, Some(&peer), forwarded).address;
        assert_eq!(address(false), "127.0.0.1".parse().ok());
        assert_eq!(
            address(true),
            "203.0.113.9".parse().ok(),
            "the nearest proxy's word"
        );
    }
}
