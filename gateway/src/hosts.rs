//! By what names the gateway may be called. A page of anybody can have its own name lead to this address (DNS rebinding), and is then of
//! the same origin as the gateway for its browser; what it cannot choose is the name that the browser calls. So requests under names that
//! nobody has allowed are refused, whatever they are for, but for probes of health. Addresses and names of this machine are no names that
//! can be made to lead elsewhere.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

/// A name, or all below it, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// `*`.
    Any,
    /// As `gateway.example.org`.
    Name(String),
    /// As `*.example.org`: `.example.org`.
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

/// Whether a request may call the gateway as it does. One that calls it nothing is not from a page.
pub(crate) fn is_allowed(uri: &Uri, headers: &HeaderMap, allowed: &[AllowedHost]) -> bool {
    // On HTTP/2 the target has it. Of two that differ, both must be right.
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
    // The dot at the end says that nothing is to be added to it.
    let host = in_brackets.unwrap_or(host).trim_end_matches('.');
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || AllowedHost::Below(".localhost".to_owned()).allows(host)
        || allowed.iter().any(|allowed| allowed.allows(host))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
}
