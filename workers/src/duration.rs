//! Durations on the command line: `500ms`, `3s`, `2m`, `1h`, `30d`. Used by the settings of both processes.

use std::time::Duration;

/// Reads one.
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
    Ok(Duration::from_millis(millis))
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
        for refused in ["", "3", "s", "-1s", "1w", "99999999999999999999s"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
