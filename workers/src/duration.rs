//! Durations on the command line: `500ms`, `3s`, `2m`, `1h`, `30d`. Used by the settings of both processes.

use std::time::Duration;

/// The longest that anything waits or is kept: times that far ahead can still be computed.
const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 3_600);

/// Reads one that is longer than nothing.
///
/// # Errors
/// What was expected.
pub fn positive(text: &str) -> Result<Duration, String> {
    let duration = parse(text)?;
    match duration.is_zero() {
        true => Err("it must be longer than nothing".into()),
        false => Ok(duration),
    }
}

/// Reads one, which may be no time at all.
///
/// # Errors
/// What was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let (digits, scale_ms) = if let Some(digits) = text.strip_suffix("ms") {
        (digits, 1)
    } else if let Some(digits) = text.strip_suffix('s') {
        (digits, 1_000)
    } else if let Some(digits) = text.strip_suffix('m') {
        (digits, 60_000)
    } else if let Some(digits) = text.strip_suffix('h') {
        (digits, 3_600_000)
    } else if let Some(digits) = text.strip_suffix('d') {
        (digits, 86_400_000)
    } else {
        return Err("expected a duration such as 500ms, 3s, 2m, 1h or 30d".into());
    };
    let count: u64 = digits
        .parse()
        .map_err(|error| format!("{digits:?}: {error}"))?;
    let millis = count
        .checked_mul(scale_ms)
        .ok_or("the duration is too long")?;
    let duration = Duration::from_millis(millis);
    match duration <= LONGEST {
        true => Ok(duration),
        false => Err("a duration is at most 36500d".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for refused in [
            "",
            "3",
            "s",
            "-1s",
            "1w",
            "99999999999999999999s",
            "36501d",
            "213503982334601d",
        ] {
            assert!(parse(refused).is_err(), "{refused}");
        }
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        assert!(positive("0ms").is_err());
        assert_eq!(positive("1ms"), Ok(Duration::from_millis(1)));
    }
}
