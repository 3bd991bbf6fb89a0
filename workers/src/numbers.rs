//! Numbers on the command line, each with a sensible minimum and maximum: a limit of 0 that stops everything, or a number that
//! makes a computation overflow, is refused when the process starts. Used by the settings of `workers` and `gateway`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Returns a parser of numbers within `range`.
pub fn within<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse::<T>().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                format!(
                    "expected a number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
    }
}

/// The range of limits that count documents, bytes or rows, of any size that fits into memory.
pub const COUNT: RangeInclusive<usize> = 1..=1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_are_refused() {
        let parse = within(1..=16_u32);
        assert_eq!(parse("1"), Ok(1));
        assert_eq!(parse("16"), Ok(16));
        for refused in ["0", "17", "-1", "", "1.5", "99999999999999999999"] {
            let message = parse(refused).expect_err(refused);
            assert_eq!(message, "expected a number from 1 to 16");
        }
    }
}
