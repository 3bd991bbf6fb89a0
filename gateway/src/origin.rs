//! Which pages may use the API. Over HTTP the browser keeps others from reading answers, unless it is told of the origins
//! that are allowed; to WebSockets it does not apply the same-origin policy, so the server must. A request without `Origin`
//! is not from a page.

use std::time::Duration;

use axum::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use axum::http::{Method, Uri};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::request_id;

/// How long a browser may remember what it was told.
const REMEMBERED: Duration = Duration::from_secs(600);

/// What tells browsers of the allowed origins; nothing when there are none. Any header may be sent: nothing is taken for an
/// identity that a browser would add by itself, as cookies are.
pub(crate) fn cors(allowed: &[String]) -> Option<CorsLayer> {
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
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([request_id::HEADER])
            .max_age(REMEMBERED),
    )
}

fn is_listed(origin: &str, allowed: &[String]) -> bool {
    let mut allowed = allowed.iter();
    allowed.any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// `authority` is that of the request's target, which HTTP/2 sends instead of a `Host` header.
pub(crate) fn is_allowed(headers: &HeaderMap, authority: Option<&str>, allowed: &[String]) -> bool {
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

/// Whether a request by GET may be answered. Any page makes browsers send them, as the address of an image for one: what they cost is not for
/// strangers to spend. Newer browsers say where a request comes from; older ones at least name the origin where an answer may be read.
pub(crate) fn may_get(headers: &HeaderMap, authority: Option<&str>, allowed: &[String]) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => is_allowed(headers, authority, allowed),
        Some(_) => headers.contains_key(ORIGIN) && is_allowed(headers, authority, allowed),
    }
}

/// Compares hosts and ports. The schemes cannot be compared, because a proxy may have ended TLS.
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
        let allowed = ["https://app.example.org".to_owned()];
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
        let allowed = ["https://app.example.org".to_owned()];
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
}
