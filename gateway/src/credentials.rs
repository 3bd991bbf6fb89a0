//! The credentials that a client presents: a bearer token, and the address that it calls from, or that a proxy reports. They are only
//! read here, never judged; the operations' `admit` decides. Tokens are kept out of every log and answer.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, FORWARDED};
use serde_json::{Map, Value};

/// The key of the token in payloads of sockets; case is ignored.
const PAYLOAD_KEY: &str = "authorization";
const FORWARDED_FOR: &str = "x-forwarded-for";
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

impl ForwardedAddresses {
    /// Returns the address behind a request that came over a connection from `peer`. One that cannot be parsed is replaced by the proxy's
    /// own.
    pub(crate) fn address(self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let forwarded = match self {
            Self::No => None,
            Self::XForwardedFor => last_entry(headers, FORWARDED_FOR).and_then(address),
            Self::Forwarded => last_entry(headers, FORWARDED.as_str()).and_then(forwarded_for),
        };
        forwarded.unwrap_or(peer).to_canonical()
    }
}

/// A client's credentials and address.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The text after `Bearer`; `None` when the client presents nothing at all.
    pub token: Option<String>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
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
        Self { token, address }
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

/// Returns the last entry of a list that may span several headers, skipping empty ones.
fn last_entry<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(name).iter().rev();
    let mut entries = values.flat_map(|value| value.to_str().unwrap_or("unreadable").rsplit(','));
    entries.find_map(|entry| Some(entry.trim()).filter(|entry| !entry.is_empty()))
}

/// Returns the `for` of one element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

/// Parses an address as proxies write it: alone, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let alone = text.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    alone.or_else(with_port).or_else(in_brackets)
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

    fn address_of(how: ForwardedAddresses, name: &'static str, values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        let peer = IpAddr::from([127, 0, 0, 1]);
        how.address(&headers, peer).to_string()
    }

    #[test]
    fn a_proxy_is_believed_only_when_told_to() {
        use ForwardedAddresses::{Forwarded, No, XForwardedFor};
        let chain = ["198.51.100.7, 203.0.113.9"];
        assert_eq!(address_of(No, FORWARDED_FOR, &chain), "127.0.0.1");
        assert_eq!(address_of(Forwarded, FORWARDED_FOR, &chain), "127.0.0.1");
        let nearest = address_of(XForwardedFor, FORWARDED_FOR, &chain);
        assert_eq!(nearest, "203.0.113.9", "the nearest proxy's word");
        assert_eq!("true".parse(), Ok(XForwardedFor));
        assert_eq!("False".parse(), Ok(No));
        assert_eq!("forwarded".parse(), Ok(Forwarded));
        assert!("maybe".parse::<ForwardedAddresses>().is_err());
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let table: [(&[&'static str], &str); 12] = [
            (&["198.51.100.1"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            (&["[::ffff:198.51.100.1]:80"], "198.51.100.1"),
            (&["203.0.113.9, 198.51.100.1 "], "198.51.100.1"),
            (&["203.0.113.9", "198.51.100.1:1, ,"], "198.51.100.1"),
            // An entry that is no address is not skipped: the entry before it is the client's own claim.
            (&["203.0.113.9, unknown"], "127.0.0.1"),
            (&["203.0.113.9, [::1"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ];
        for (values, expected) in table {
            let found = address_of(ForwardedAddresses::XForwardedFor, FORWARDED_FOR, values);
            assert_eq!(found, expected, "{values:?}");
        }
        let table: [(&[&'static str], &str); 7] = [
            (&["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"),
            (
                &["for=192.0.2.43", "proto=https;for=\"198.51.100.17:80\""],
                "198.51.100.17",
            ),
            (&["for=192.0.2.43, for=_hidden"], "127.0.0.1"),
            (&["for=192.0.2.43, for=unknown"], "127.0.0.1"),
            (&["for=192.0.2.43, proto=https"], "127.0.0.1"),
        ];
        for (values, expected) in table {
            let found = address_of(ForwardedAddresses::Forwarded, "forwarded", values);
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
