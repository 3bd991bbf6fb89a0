//! The log of a process, on standard error. The setting `--log` (`RUST_LOG`) defines what is in it, and may be changed while the process
//! runs; one that cannot be parsed ends the process, as its operator would wait for lines that never come. Called first by `main`.

mod repeats;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::ValueEnum;
use parking_lot::Mutex;
use strsim::levenshtein;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, layer::SubscriberExt, reload,
    util::SubscriberInitExt,
};

use repeats::Repeats;
pub use repeats::keep_telling;

/// The default levels. A line for each request costs a tenth of a small query, so it is asked for.
pub const DEFAULT: &str = "info,access=warn,sqlx=warn,sea_orm_migration=warn";
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

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line each, for people and machines.
    #[default]
    Text,
    /// One JSON object each.
    Json,
    /// Several lines each, for people.
    Pretty,
}

/// The present levels, and how they are replaced.
struct Levels {
    handle: reload::Handle<EnvFilter, Registry>,
    text: Mutex<String>,
}

static LEVELS_NOW: OnceLock<Levels> = OnceLock::new();

/// Starts the log with levels that were checked. Secrets are kept out of it, whatever the levels.
pub fn begin(levels: &str, format: LogFormat) {
    let (filter, handle) = reload::Layer::new(EnvFilter::builder().parse_lossy(levels));
    let text = Mutex::new(levels.to_owned());
    let _ = LEVELS_NOW.set(Levels { handle, text });
    let harmless = filter_fn(|metadata| is_harmless(metadata.target(), *metadata.level()));
    // There is one layer of lines, so the filters are for all: a filter for a layer keeps a record of its own of every span.
    tracing_subscriber::registry()
        .with(filter)
        .with(harmless)
        .with(Repeats)
        .with(lines(format))
        .init();
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        // A reader of standard error that goes away must not end the process.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
        LogFormat::Pretty => lines.pretty().with_file(false).boxed(),
    }
}

/// Returns the present levels.
#[must_use]
pub fn levels() -> String {
    let levels = LEVELS_NOW.get().map(|levels| levels.text.lock().clone());
    levels.unwrap_or_default()
}

/// Replaces the levels.
///
/// # Errors
/// What is wrong with them.
pub fn set_levels(text: &str) -> Result<(), String> {
    let text = check(text)?;
    let Some(levels) = LEVELS_NOW.get() else {
        return Err("there is no log".to_owned());
    };
    let mut known = levels.text.lock();
    let reloaded = levels
        .handle
        .reload(EnvFilter::builder().parse_lossy(&text));
    reloaded.map_err(|error| error.to_string())?;
    tracing::info!(levels = text, "the log has other levels now: {text}");
    *known = text;
    Ok(())
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
            DEFAULT,
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
