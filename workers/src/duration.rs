//! Durations in settings: `500ms`, `10s`, `30d`. A number alone is refused, because its unit would be unclear. Used by the settings
//! of `workers` and `gateway`.

use std::time::Duration;

/// Returns a parser of durations from `least` to `most`, which have the same form.
pub fn within(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let read = |text| humantime::parse_duration(text).ok();
        // Zero is the only number accepted without a unit.
        let duration = read(text).filter(|_| text.trim() != "0");
        duration
            .filter(|duration| (read(least)..=read(most)).contains(&Some(*duration)))
            .ok_or_else(|| {
                format!("expected a duration with its unit, such as 500ms, 10s, 2m, 1h or 30d, from {least} to {most}")
            })
    }
}

/// Parses a duration longer than zero. Times as far ahead as the longest can still be computed.
///
/// # Errors
/// What was expected.
pub fn positive(text: &str) -> Result<Duration, String> {
    within("1ms", "36500d")(text)
}

/// Parses a duration, which may be zero.
///
/// # Errors
/// What was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    within("0s", "36500d")(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        assert_eq!(positive("1ms"), Ok(Duration::from_millis(1)));
        for refused in [
            "",
            "0",
            "3",
            "s",
            "-1s",
            "1.5.s",
            "99999999999999999999s",
            "36501d",
            "213503982334601d",
        ] {
            let message = parse(refused).expect_err(refused);
            assert!(message.contains("such as 500ms, 10s"), "{message}");
        }
        assert!(positive("0ms").is_err());
        let message = within("10ms", "365d")("366d").expect_err("too long");
        assert!(message.ends_with("from 10ms to 365d"), "{message}");
    }
}
