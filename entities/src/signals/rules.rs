//! The rules for signals, without I/O. The name of a source is trimmed first; lengths are in characters.

use super::SubmitSignal;
use crate::{
    Violations,
    text::{Fields, Flaw, written},
};

const SOURCE_CHARS: usize = 100;
/// With larger values, squares of differences could exceed the range of a 64-bit float.
const LARGEST: f64 = 1e100;

pub(super) fn check_new(mut input: SubmitSignal) -> Result<SubmitSignal, Violations> {
    let mut fields = Fields::default();
    let source = |source: &str| written::line(source, SOURCE_CHARS);
    fields.rule("source", &mut input.source, source);
    fields.check("value", check_value(input.value));
    fields.end()?;
    // Negative zero becomes zero.
    input.value += 0.0;
    Ok(input)
}

/// Refuses infinities and NaN, and values that are too large.
fn check_value(value: f64) -> Result<(), Flaw> {
    match (-LARGEST..=LARGEST).contains(&value) {
        true => Ok(()),
        false => Err(Flaw::new("range", "must be from -1e100 to 1e100")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated(source: &str, value: f64) -> Vec<String> {
        let input = SubmitSignal {
            source: source.to_owned(),
            value,
        };
        check_new(input).err().map_or(Vec::new(), Violations::codes)
    }

    #[test]
    fn every_wrong_field_is_listed() {
        assert!(violated(" boiler ", -1e100).is_empty());
        assert_eq!(violated(" ", 1e101), ["source:length", "value:range"]);
        assert_eq!(
            violated("a\u{7}b", f64::NAN),
            ["source:characters", "value:range"]
        );
        assert_eq!(violated("a", f64::NEG_INFINITY), ["value:range"]);
        assert_eq!(violated(&"é".repeat(100), 0.0), [""; 0]);
        assert_eq!(violated(&"é".repeat(101), 0.0), ["source:length"]);
    }

    #[test]
    fn minus_zero_is_zero() {
        let input = SubmitSignal {
            source: "a".to_owned(),
            value: -0.0,
        };
        let checked = check_new(input).expect("valid");
        assert!(checked.value.is_sign_positive());
    }
}
