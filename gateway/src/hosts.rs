//! The names by which the gateway may be called. Anybody's page can have its own name resolve to this address (DNS rebinding), and then
//! shares the gateway's origin in its browser; but it cannot choose the name that the browser calls. So all requests under names that
//! nobody has allowed are refused, except for health probes. Addresses and this machine's own names cannot be made to resolve elsewhere.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version};

/// A name, or all names below it, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// `*`: any name.
    Any,
    /// A name such as `gateway.example.org`.
    Name(String),
    /// A pattern such as `*.example.org`, kept as `.example.org`.
    Below(String),
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        let is_name = |name: &str| {
            let mut letters = name.bytes();
            !name.is_empty() && letters.all(|it| it.is_ascii_alphanumeric() || b"-._".contains(&it))
        };
        match is_below {
            _ if !is_name(name) => Err(format!(
                "{text:?} is no host: expected a name such as gateway.example.org, *.example.org, or *"
            )),
            true => Ok(Self::Below(format!(".{name}"))),
            false => Ok(Self::Name(name.to_owned())),
        }
    }
}

impl AllowedHost {
    pub(crate) fn allows(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(allowed) => allowed.eq_ignore_ascii_case(name),
            Self::Below(end) => {
                let at = name.len().checked_sub(end.len());
                let rest = at.filter(|at| *at > 0).and_then(|at| name.get(at..));
                rest.is_some_and(|rest| rest.eq_ignore_ascii_case(end))
            }
        }
    }
}

/// Returns whether a request says as its protocol demands by what name it calls: on HTTP/1.1 by one header `Host`, and never by several, of
/// which a proxy could have heeded another one.
pub(crate) fn is_named(version: Version, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(HOST).iter();
    let first = values.next();
    let is_readable = |value: &HeaderValue| {
        let text = value.to_str().ok();
        text.is_some_and(|text| text.is_empty() || text.parse::<Authority>().is_ok())
    };
    values.next().is_none()
        && match first {
            Some(value) => is_readable(value),
            None => version != Version::HTTP_11,
        }
}

/// Returns whether a request calls the gateway by an allowed name. A request without a name is not from a page.
pub(crate) fn is_allowed(uri: &Uri, headers: &HeaderMap, allowed: &[AllowedHost]) -> bool {
    // On HTTP/2 the target has the name. If two names differ, both must be allowed.
    let of_target = uri.authority().map(Authority::host);
    let mut values = headers.get_all(HOST).iter();
    of_target.is_none_or(|host| is_name_allowed(host, allowed))
        && values.all(|value| {
            let authority = value
                .to_str()
                .ok()
                .and_then(|host| host.parse::<Authority>().ok());
            authority.is_some_and(|authority| is_name_allowed(authority.host(), allowed))
        })
}

fn is_name_allowed(host: &str, allowed: &[AllowedHost]) -> bool {
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    // A final dot only marks the name as complete.
    let host = in_brackets.unwrap_or(host).trim_end_matches('.');
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || AllowedHost::Below(".localhost".to_owned()).allows(host)
        || allowed.iter().any(|allowed| allowed.allows(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> Vec<AllowedHost> {
        text.split_terminator(',')
            .map(|host| host.parse().expect(host))
            .collect()
    }

    #[test]
    fn names_of_this_machine_and_those_that_are_allowed() {
        let table = [
            ("localhost:8080", "", true),
            ("LOCALHOST.", "", true),
            ("app.localhost", "", true),
            ("127.0.0.1:8080", "", true),
            ("[::1]:8080", "", true),
            ("10.0.0.7", "", true),
            ("evil.example", "", false),
            ("localhost.evil.example", "", false),
            ("127.0.0.1.evil.example", "", false),
            ("evil-localhost", "", false),
            ("evil.example:8080", "gateway.example.org", false),
            ("Gateway.Example.org:443", "gateway.example.org", true),
            ("a.gateway.example.org", "gateway.example.org", false),
            ("a.b.example.org", "*.example.org", true),
            ("example.org", "*.example.org", false),
            ("evilexample.org", "*.example.org", false),
            ("user@localhost", "", true),
            ("evil.example@localhost:1:2", "", false),
            ("", "", false),
            ("evil.example", "*", true),
        ];
        for (host, names, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).expect(host));
            let found = is_allowed(&Uri::from_static("/graphql"), &headers, &allowed(names));
            assert_eq!(found, expected, "{host:?} of {names:?}");
        }
        let nobody = HeaderMap::new();
        assert!(is_allowed(&Uri::from_static("/graphql"), &nobody, &[]));
        let target = Uri::from_static("http://evil.example/graphql");
        assert!(!is_allowed(&target, &nobody, &[]));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for refused in [
            "",
            "https://example.org",
            "example.org:80",
            "*.",
            "a.*.org",
            "*example.org",
            "a b",
        ] {
            assert!(refused.parse::<AllowedHost>().is_err(), "{refused}");
        }
    }

    #[test]
    fn a_request_has_one_name() {
        let table: [(&[&'static str], bool, bool); 6] = [
            (&["localhost"], true, true),
            (&[""], true, true),
            (&[], false, true),
            (&["localhost", "localhost"], false, false),
            (&["local host"], false, false),
            (&["localhost/x"], false, false),
        ];
        for (hosts, on_http11, on_others) in table {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            let versions = [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2];
            let found = versions.map(|version| is_named(version, &headers));
            assert_eq!(found, [on_others, on_http11, on_others], "{hosts:?}");
        }
    }
}
