//! The log of a process, on standard error. The setting `--log` (`RUST_LOG`) defines what is in it; one that cannot be parsed ends the
//! process, as its operator would wait for lines that never come. Called first by `main`.

use std::io::{self, IsTerminal};

use strsim::levenshtein;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The default levels.
pub const DEFAULT: &str = "info,sqlx=warn,sea_orm_migration=warn";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// At TRACE these crates log raw bytes, and with them tokens and passwords.
const LOUD: [&str; 12] = [
    "tungstenite",
    "tokio_tungstenite",
    "hyper",
    "hyper_util",
    "h2",
    "axum",
    "tower_http",
    "rustls",
    "reqwest",
    "redis",
    "sqlx",
    "async_graphql",
];

/// Starts the log with levels that were checked. Secrets are kept out of it, whatever the levels.
pub fn begin(levels: &str) {
    let filter = EnvFilter::builder().parse_lossy(levels);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        // A reader of standard error that goes away must not end the process.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    let harmless = filter_fn(|metadata| is_harmless(metadata.target(), *metadata.level()));
    // There is one layer, so both filters are for all: a filter for a layer keeps a record of its own of every span.
    tracing_subscriber::registry()
        .with(lines)
        .with(harmless)
        .with(filter)
        .init();
}

/// A directive for a module of a crate would override one for the crate, so this is a filter, not a directive.
fn is_harmless(target: &str, level: Level) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    level < Level::TRACE || !LOUD.contains(&name)
}

/// Parses levels like those of `RUST_LOG`; empty ones mean the default.
///
/// # Errors
/// What is wrong with them.
pub fn check(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(DEFAULT.to_owned());
    }
    let expected = "expected levels such as `info`, or `info,gateway=debug`";
    for directive in text.split(',').map(str::trim) {
        // A word alone is a level, or the name of a crate at all levels. A misspelled level is not the name of a crate.
        let word = directive.to_lowercase();
        let is_level =
            LEVELS.contains(&word.as_str()) || word.parse::<u8>().is_ok_and(|it| it <= 5);
        let nearest = LEVELS.iter().min_by_key(|level| levenshtein(&word, level));
        if let Some(nearest) = nearest
            && !is_level
            && (levenshtein(&word, nearest) <= 2 || word == "warning")
        {
            return Err(format!(
                "{directive:?} is no level; did you mean {nearest}? {expected}"
            ));
        }
    }
    let read = EnvFilter::builder().parse(text);
    let read = read.map_err(|error| format!("{error}; {expected}"));
    read.map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_bytes_is_kept_out() {
        for (target, level, expected) in [
            ("tungstenite::protocol", Level::TRACE, false),
            ("tungstenite::protocol::frame", Level::TRACE, false),
            ("tungstenite", Level::TRACE, false),
            ("h2::codec::framed_read", Level::TRACE, false),
            ("tungstenite::protocol", Level::DEBUG, true),
            ("gateway::http", Level::TRACE, true),
        ] {
            assert_eq!(is_harmless(target, level), expected, "{target} {level}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for read_well in [
            "info",
            "INFO",
            "warn,gateway=debug",
            "off",
            "3",
            "hyper",
            "info,sqlx=warn,sea_orm_migration=warn",
            "gateway[request]=trace",
        ] {
            assert!(check(read_well).is_ok(), "{read_well}");
        }
        for refused in [
            "inof",
            "debgu",
            "info,gateway=debgu",
            "info,=",
            "warning",
            "info,gateway=debug=trace",
            "gateway[",
        ] {
            assert!(check(refused).is_err(), "{refused:?}");
        }
    }
}
