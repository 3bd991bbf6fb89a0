//! The log of a process, on standard error: what is in it `RUST_LOG` says, and one that cannot be read ends the process, as
//! whoever set it would wait for lines that never come. Called first by both programs.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::settings::edits;

const VARIABLE: &str = "RUST_LOG";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Begins the log with `default` unless `RUST_LOG` says something else, and with `always` in any case.
///
/// # Errors
/// What is wrong with `RUST_LOG`.
pub fn begin(default: &str, always: &[&str]) -> Result<(), String> {
    let asked = match std::env::var(VARIABLE) {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(text),
        Err(std::env::VarError::NotPresent) => None,
        Err(error) => return Err(format!("{VARIABLE}: {error}")),
    };
    let mut filter = read(asked.as_deref().unwrap_or(default))?;
    for directive in always {
        let directive = directive.parse();
        filter = filter.add_directive(directive.map_err(|error| format!("{error}"))?);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        // A reader of standard error that went away ends nothing.
        .log_internal_errors(false)
        .with_writer(io::stderr)
        .init();
    Ok(())
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
