//! The log of a process, on standard error: what is in it `RUST_LOG` says, and one that cannot be read ends the process, as
//! whoever set it would wait for lines that never come. Called first by both programs.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::settings::edits;

const VARIABLE: &str = "RUST_LOG";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What these crates say at TRACE are bytes that come and go, and with them tokens and passwords.
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

/// Begins the log with `default` unless `RUST_LOG` says something else. Secrets are kept out of it, whatever that says.
///
/// # Errors
/// What is wrong with `RUST_LOG`.
pub fn begin(default: &str) -> Result<(), String> {
    let asked = match std::env::var(VARIABLE) {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(text),
        Err(std::env::VarError::NotPresent) => None,
        Err(error) => return Err(format!("{VARIABLE}: {error}")),
    };
    let filter = read(asked.as_deref().unwrap_or(default))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        // A reader of standard error that went away ends nothing.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    let harmless = filter_fn(|metadata| is_harmless(metadata.target(), *metadata.level()));
    tracing_subscriber::registry()
        .with(lines.with_filter(harmless))
        .with(filter)
        .init();
    Ok(())
}

/// A directive for a module of a crate would win over one for the crate: so what is kept out is no directive.
fn is_harmless(target: &str, level: Level) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    level < Level::TRACE || !LOUD.contains(&name)
}

fn read(text: &str) -> Result<EnvFilter, String> {
    let expected = "expected levels such as `info`, or `info,gateway=debug`";
    for directive in text.split(',').map(str::trim) {
        // A word alone is a level, or the name of a crate of which everything is wanted. What is nearly a level is no crate.
        let word = directive.to_lowercase();
        let is_level =
            LEVELS.contains(&word.as_str()) || word.parse::<u8>().is_ok_and(|it| it <= 5);
        let nearest = LEVELS.iter().min_by_key(|level| edits(&word, level));
        if let Some(nearest) = nearest
            && !is_level
            && (edits(&word, nearest) <= 2 || word == "warning")
        {
            return Err(format!(
                "{VARIABLE}: {directive:?} is no level; did you mean {nearest}? {expected}"
            ));
        }
    }
    let filter = EnvFilter::builder().parse(text);
    filter.map_err(|error| format!("{VARIABLE}={text:?} cannot be read: {error}; {expected}"))
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
            assert!(read(read_well).is_ok(), "{read_well}");
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
            assert!(read(refused).is_err(), "{refused:?}");
        }
    }
}
