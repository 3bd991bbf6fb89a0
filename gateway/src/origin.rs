//! The origins of pages that may use the API. Over HTTP the browser keeps other pages from reading answers, unless it is told which origins
//! are allowed. It does not apply the same-origin policy to WebSockets, so the server must. A request without `Origin` is not from a page.

use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{DATE, HOST, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER};
use axum::http::{Method, Uri};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::hosts::AllowedHost;
use crate::{rates, request_id};

/// An origin whose pages may use the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: any origin.
    Any,
    /// A pattern such as `https://app.example.org` or `https://*.example.org`, possibly with a port.
    Of {
        /// `http`, `https`, or the scheme of an app.
        scheme: String,
        host: AllowedHost,
        port: Option<u16>,
    },
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        let refused = || {
            format!(
                "{text:?} is no origin: expected scheme://host, such as https://app.example.org, https://*.example.org, or *"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
        let (host, port) =
            split_port(rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(refused)?;
        let host = match host.starts_with('[') {
            true => AllowedHost::Name(host.to_ascii_lowercase()),
            false => host.parse().map_err(|_| refused())?,
        };
        if !is_scheme(scheme) || host == AllowedHost::Any {
            return Err(refused());
        }
        let scheme = scheme.to_ascii_lowercase();
        let port = port.filter(|port| Some(*port) != default_port(&scheme));
        Ok(Self::Of { scheme, host, port })
    }
}

impl AllowedOrigin {
    fn allows(&self, origin: &str) -> bool {
        let Self::Of { scheme, host, port } = self else {
            return true;
        };
        let Some((its_scheme, rest)) = origin.split_once("://") else {
            return false;
        };
        let Some((its_host, its_port)) = split_port(rest) else {
            return false;
        };
        let its_port = its_port.filter(|port| Some(*port) != default_port(scheme));
        scheme.eq_ignore_ascii_case(its_scheme) && host.allows(its_host) && *port == its_port
    }

    /// Returns the host of an allowed origin, under which the gateway may also be called.
    pub(crate) fn host(&self) -> Option<AllowedHost> {
        match self {
            Self::Any => None,
            Self::Of { host, .. } => Some(host.clone()),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Splits a host, in brackets if it is an IPv6 address, from its port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.starts_with('[') {
        true => authority.find(']')? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    if host.is_empty() {
        return None;
    }
    match port.strip_prefix(':') {
        Some(port) => Some((host, Some(port.parse().ok()?))),
        None => port.is_empty().then_some((host, None)),
    }
}

/// How long a browser may cache the answer to a preflight.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Returns the CORS layer that announces the allowed origins; `None` when there are none. Any header may be sent: nothing that a browser
/// adds by itself, such as cookies, identifies a user.
pub(crate) fn cors(allowed: &[AllowedOrigin]) -> Option<CorsLayer> {
    if allowed.is_empty() {
        return None;
    }
    let allowed = allowed.to_vec();
    let is_allowed = AllowOrigin::predicate(move |origin, _| {
        origin
            .to_str()
            .is_ok_and(|origin| is_listed(origin, &allowed))
    });
    Some(
        CorsLayer::new()
            .allow_origin(is_allowed)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([
                request_id::HEADER,
                RETRY_AFTER,
                rates::RATE_LIMIT,
                rates::RATE_LIMIT_POLICY,
                // Clients whose clock is wrong reckon by it.
                DATE,
            ])
            .max_age(REMEMBERED),
    )
}

fn is_listed(origin: &str, allowed: &[AllowedOrigin]) -> bool {
    allowed.iter().any(|allowed| allowed.allows(origin))
}

/// Checks the origin of a socket. `authority` is that of the request's target, which HTTP/2 sends instead of a `Host` header.
pub(crate) fn is_allowed(
    headers: &HeaderMap,
    authority: Option<&str>,
    allowed: &[AllowedOrigin],
) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if is_listed(origin, allowed) {
        return true;
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or(authority);
    host.is_some_and(|host| is_same(origin, host))
}

/// Returns whether a GET request may be answered. Any page can make browsers send one, for example as the address of an image, and
/// strangers must not cause its costs. Newer browsers say where a request comes from; older ones at least name the origin when the page
/// wants to read the answer.
pub(crate) fn may_get(
    headers: &HeaderMap,
    authority: Option<&str>,
    allowed: &[AllowedOrigin],
) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => is_allowed(headers, authority, allowed),
        Some(_) => headers.contains_key(ORIGIN) && is_allowed(headers, authority, allowed),
    }
}

/// Compares hosts and ports. The schemes cannot be compared, because a proxy may have terminated TLS.
fn is_same(origin: &str, host: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let default_port = match origin.scheme_str() {
        Some("http") => ":80",
        Some("https") => ":443",
        _ => return false,
    };
    let Some(authority) = origin.authority() else {
        return false;
    };
    let strip = |text: &str| {
        text.strip_suffix(default_port)
            .unwrap_or(text)
            .to_ascii_lowercase()
    };
    strip(authority.as_str()) == strip(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_pages_cannot_make_browsers_get() {
        let allowed = ["https://app.example.org".parse().expect("an origin")];
        let app = Some("https://app.example.org");
        let evil = Some("https://evil.example.org");
        for (site, origin, expected) in [
            (None, None, true),
            (Some("none"), None, true),
            (Some("same-origin"), None, true),
            (Some("cross-site"), None, false),
            (Some("same-site"), None, false),
            (Some("cross-site"), app, true),
            (Some("cross-site"), evil, false),
            (Some("cross-site"), Some("null"), false),
            (Some("nonsense"), None, false),
            (None, evil, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("gateway.example.org"));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(
                may_get(&headers, None, &allowed),
                expected,
                "{site:?} {origin:?}"
            );
        }
    }

    #[test]
    fn own_and_listed_origins_only() {
        let allowed = ["https://app.example.org".parse().expect("an origin")];
        let table = [
            (Some("http://localhost:8080"), "localhost:8080", true),
            (
                Some("https://gateway.example.org"),
                "gateway.example.org:443",
                true,
            ),
            (
                Some("https://gateway.example.org"),
                "GATEWAY.example.org",
                true,
            ),
            (Some("http://[::1]:8080"), "[::1]:8080", true),
            (Some("https://app.example.org"), "gateway.example.org", true),
            (None, "gateway.example.org", true),
            (Some("http://localhost:8081"), "localhost:8080", false),
            (
                Some("https://evil.example.org"),
                "gateway.example.org",
                false,
            ),
            (
                Some("https://gateway.example.org.evil.org"),
                "gateway.example.org",
                false,
            ),
            (Some("null"), "gateway.example.org", false),
            (
                Some("file://gateway.example.org"),
                "gateway.example.org",
                false,
            ),
        ];
        for (origin, host, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(
                is_allowed(&headers, None, &allowed),
                expected,
                "{origin:?} {host}"
            );
        }
    }

    #[test]
    fn origins_work_as_they_are_written() {
        let table = [
            ("*", "https://anything.example", true),
            ("*", "null", true),
            ("https://app.example.org", "https://APP.example.org", true),
            ("https://app.example.org/", "https://app.example.org", true),
            (
                "https://app.example.org:443",
                "https://app.example.org",
                true,
            ),
            ("https://app.example.org", "http://app.example.org", false),
            (
                "https://app.example.org",
                "https://app.example.org:8443",
                false,
            ),
            ("https://*.example.org", "https://a.example.org", true),
            ("https://*.example.org", "https://a.b.example.org", true),
            ("https://*.example.org", "https://example.org", false),
            ("https://*.example.org", "https://evilexample.org", false),
            (
                "https://*.example.org",
                "https://a.example.org.evil.org",
                false,
            ),
            ("https://*.example.org", "http://a.example.org", false),
            (
                "http://*.example.org:8080",
                "http://a.example.org:8080",
                true,
            ),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("http://localhost:3000", "http://localhost:3000", true),
            ("capacitor://localhost", "capacitor://localhost", true),
        ];
        for (allowed, origin, expected) in table {
            let allowed: AllowedOrigin = allowed.parse().expect(allowed);
            assert_eq!(allowed.allows(origin), expected, "{origin} of {allowed:?}");
        }
    }

    #[test]
    fn what_would_allow_nobody_is_refused() {
        for refused in [
            "",
            "app.example.org",
            "https://",
            "https://*",
            "https://app.*.org",
            "https://*app.example.org",
            "*.example.org",
            "https://app.example.org/path",
            "https://user@app.example.org",
            "https://app.example.org:port",
            "https:/app.example.org",
            "null",
        ] {
            assert!(refused.parse::<AllowedOrigin>().is_err(), "{refused}");
        }
    }
}
