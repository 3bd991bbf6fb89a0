//! The W3C trace context, as `traceparent` has it: in headers, in the extensions of requests, and in the metadata of events.

use std::fmt;

/// Version, trace, parent and flags, with hyphens between them.
const LENGTH: usize = 55;
/// The flag that says that the trace is recorded.
const SAMPLED: u8 = 1;

/// A span, as others refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context {
    /// The trace; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub span: u64,
    /// The flags of the specification.
    pub flags: u8,
}

/// The id of a trace; its text has 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl Context {
    /// Reads a `traceparent`. Later versions may have more behind what is known of them.
    pub fn parse(text: &str) -> Option<Self> {
        let known = text.get(..LENGTH)?;
        let rest = &text[LENGTH..];
        let mut parts = known.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        let is_hex = |part: &str, length: usize| {
            let mut digits = part.bytes();
            part.len() == length && digits.all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_whole = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_read = is_whole
            && is_hex(version, 2)
            && is_hex(trace, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2)
            && parts.next().is_none();
        let read = Self {
            trace: u128::from_str_radix(trace, 16).ok()?,
            span: u64::from_str_radix(span, 16).ok()?,
            flags: u8::from_str_radix(flags, 16).ok()?,
        };
        (is_read && read.trace != 0 && read.span != 0).then_some(read)
    }

    /// Reads the context of something that is recorded. What is not is told by its last digit.
    pub(super) fn parse_sampled(text: &str) -> Option<Self> {
        let is_odd = matches!(
            text.as_bytes().last()?,
            b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'
        );
        is_odd.then(|| Self::parse(text)).flatten()
    }

    /// Returns whether the trace is recorded.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the id of the trace.
    pub const fn trace_id(self) -> TraceId {
        TraceId(self.trace)
    }

    /// Returns the flags, with another decision.
    pub(super) const fn flags(flags: u8, is_sampled: bool) -> u8 {
        match is_sampled {
            true => flags | SAMPLED,
            false => flags & !SAMPLED,
        }
    }
}

/// What is passed on is of the version that is understood here.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, flags } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{flags:02x}")
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_as_specified() {
        let read = Context::parse(GIVEN).expect("a context");
        assert_eq!(read.to_string(), GIVEN);
        let id = read.trace_id().to_string();
        assert_eq!(id, "4bf92f3577b34da6a3ce929d0e0e4736");
        let later = format!("{}-what-comes-later", GIVEN.replacen("00", "cc", 1));
        assert_eq!(Context::parse(&later), Some(read));
        assert_eq!(Context::parse_sampled(GIVEN), Some(read));
        assert_eq!(Context::parse_sampled(&GIVEN.replace("-01", "-02")), None);
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
            &GIVEN.replace("4bf9", "+bf9"),
        ] {
            assert_eq!(Context::parse(none), None, "{none}");
        }
    }
}
