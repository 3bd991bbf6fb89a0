//! The credentials that a client presents: a bearer token, and the address that it calls from, or that a proxy reports. They are only
//! read here, never judged; the operations' `admit` decides. Tokens are kept out of every log and answer.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use serde_json::{Map, Value};

/// The key of the token in payloads of sockets; case is ignored.
const PAYLOAD_KEY: &str = "authorization";
/// Browsers need about half of this.
const USER_AGENT_CHARS: usize = 256;
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";
/// A token that is not one of ours, which has the effect of a bad one.
const NO_BEARER: &str = "";

/// Whether a proxy reports the addresses of clients, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedAddresses {
    /// Clients connect directly.
    #[default]
    No,
    /// The last entry of `X-Forwarded-For`.
    XForwardedFor,
    /// The last `for` of `Forwarded` (RFC 7239).
    Forwarded,
}

impl FromStr for ForwardedAddresses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "false" | "no" | "off" | "0" | "n" | "f" => Ok(Self::No),
            "true" | "yes" | "on" | "1" | "y" | "t" | FORWARDED_FOR => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("expected true, false, x-forwarded-for or forwarded".to_owned()),
        }
    }
}

/// A client's credentials and address.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The text after `Bearer`; `None` when the client presents nothing at all.
    pub token: Option<String>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
    /// What the client's program says about itself, cut to a length that a socket may hold.
    pub user_agent: Option<Arc<str>>,
}

impl Credentials {
    /// Reads the credentials of a request from `address`.
    pub(crate) fn from_request(headers: &HeaderMap, address: Option<IpAddr>) -> Self {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let token = match (shown.next(), shown.next()) {
            (None, _) => None,
            (Some(value), None) => Some(bearer(value.to_str().unwrap_or_default())),
            // With two headers it is not for us to guess which was meant.
            (Some(_), Some(_)) => Some(NO_BEARER.to_owned()),
        };
        let user_agent = headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
        // What can be read as text here is ASCII.
        let user_agent = user_agent.map(|text| text.get(..USER_AGENT_CHARS).unwrap_or(text).into());
        Self {
            token,
            address,
            user_agent,
        }
    }

    /// Takes the token from a socket's payload, if there is one.
    pub(crate) fn with_payload(mut self, payload: Option<&Map<String, Value>>) -> Self {
        if let Some(token) = payload_token(payload) {
            self.token = Some(token);
        }
        self
    }
}

/// Returns the token in the payload of `connection_init` or `ping`.
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
        Credentials::from_request(&headers, None).token
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
}
