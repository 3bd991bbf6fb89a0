//! The trace that a request belongs to, as its client says: the W3C header `traceparent`, or `extensions.traceparent` on a socket. The
//! gateway makes no spans of its own, so it passes on what it got, as the specification allows: into the events that a request causes, and
//! with them to webhooks. What cannot be read is left out, never refused.

use std::fmt;

use async_graphql::{Extensions, Value};
use axum::http::HeaderMap;

/// The header, and the name in a request's extensions.
const TRACEPARENT: &str = "traceparent";
/// Version, trace, parent and flags, with hyphens between them.
const LENGTH: usize = 55;

/// A trace context that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext(String);

impl TraceContext {
    /// Reads a `traceparent`. Later versions may have more behind what is known of them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let known = text.get(..LENGTH)?;
        let rest = &text[LENGTH..];
        let parts: Vec<&str> = known.split('-').collect();
        let [version, trace, parent, flags] = parts.as_slice() else {
            return None;
        };
        let is_hex = |part: &str, length: usize| {
            let mut digits = part.bytes();
            part.len() == length && digits.all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_zero = |part: &str| part.bytes().all(|it| it == b'0');
        let is_whole = match *version {
            "00" => rest.is_empty(),
            "ff" => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_read = is_whole
            && is_hex(version, 2)
            && is_hex(trace, 32)
            && is_hex(parent, 16)
            && is_hex(flags, 2)
            && !is_zero(trace)
            && !is_zero(parent);
        // What is passed on is of the version that is understood here.
        is_read.then(|| Self(format!("00-{trace}-{parent}-{flags}")))
    }

    pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        // Of several none is known to be right.
        values.next().is_none().then_some(())?;
        Self::parse(value.to_str().ok()?)
    }

    pub(crate) fn of_extensions(extensions: &Extensions) -> Option<Self> {
        match extensions.0.get(TRACEPARENT)? {
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Returns the id of the trace.
    pub(crate) fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_as_specified() {
        let read = TraceContext::parse(GIVEN).expect("a context");
        assert_eq!(read.to_string(), GIVEN);
        assert_eq!(read.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let later = format!("{}-what-comes-later", GIVEN.replacen("00", "cc", 1));
        assert_eq!(TraceContext::parse(&later), Some(read));
    }

    #[test]
    fn what_is_none_is_left_out() {
        let zero = "0".repeat(32);
        for none in [
            "",
            "00",
            &GIVEN.to_uppercase(),
            &format!("{GIVEN}-more"),
            &GIVEN.replacen("00", "ff", 1),
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zero),
            &GIVEN.replace("00f067aa0ba902b7", "0000000000000000"),
            &GIVEN.replace('-', "_"),
            &format!("00-{}", "ü".repeat(60)),
            &GIVEN.replace("4bf9", "4bg9"),
        ] {
            assert_eq!(TraceContext::parse(none), None, "{none}");
        }
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, GIVEN.parse().expect("a value"));
        assert!(TraceContext::of_headers(&headers).is_some());
        headers.append(TRACEPARENT, GIVEN.parse().expect("a value"));
        assert_eq!(TraceContext::of_headers(&headers), None);
    }
}
