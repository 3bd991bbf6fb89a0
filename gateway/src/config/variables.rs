//! The environment and the file `.env`. A variable that is named like a setting, but is none, is an error: a misspelled limit must not
//! silently mean the default. Called by `sources`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const PREFIX: &str = "MILLRACE_";
/// The end of a variable that names a file.
pub(super) const FILE: &str = "_FILE";
/// The most bytes of a secret.
const MOST_SECRET: usize = 64 * 1024;

/// Returns the names of the variables that are set.
pub(super) fn names() -> BTreeSet<String> {
    variables().map(|(name, _)| name).collect()
}

fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        (text(name), text(value))
    })
}

/// Reads `.env`, if there is one, into the environment of this process.
///
/// # Errors
/// The number of a line that cannot be parsed. Its content is not shown: it may be a secret.
pub(super) fn read_dotenv() -> Result<(), String> {
    let read = match dotenvy::dotenv() {
        Err(error) if error.not_found() => return Ok(()),
        read => read,
    };
    read.map(drop).map_err(|error| match error {
        dotenvy::Error::LineParse(..) => {
            let text = std::fs::read_to_string(".env").unwrap_or_default();
            let is_bad = |line: &&str| {
                let mut read = dotenvy::Iter::new(line.as_bytes());
                read.any(|it| it.is_err())
            };
            match text.lines().position(|line| is_bad(&line)) {
                Some(index) => format!(
                    ".env: line {} cannot be read: expected NAME=value",
                    index + 1
                ),
                None => ".env: a line cannot be read: expected NAME=value".to_owned(),
            }
        }
        dotenvy::Error::Io(error) => format!(".env: {error}"),
        _ => ".env: a value cannot be set".to_owned(),
    })
}

/// Returns the secrets that are in files, by the variables that they take the place of: a variable `DATABASE_URL_FILE` names a file with
/// the value of `DATABASE_URL`. A line break at its end is no part of it.
///
/// # Errors
/// When a file cannot be read, or both variables are set. The text has nothing of the file.
pub(super) fn secrets_in_files(names: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut secrets = BTreeMap::new();
    for name in names {
        let named = format!("{name}{FILE}");
        let Some(file) = std::env::var_os(&named).filter(|file| !file.is_empty()) else {
            continue;
        };
        if std::env::var_os(name).is_some() {
            return Err(format!("both {name} and {named} are set: set one of them"));
        }
        let read = read_secret(Path::new(&file));
        let secret = read.map_err(|problem| format!("{named}: {}: {problem}", file.display()))?;
        secrets.insert(name.clone(), secret);
    }
    Ok(secrets)
}

fn read_secret(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let text = text.trim_end_matches(['\r', '\n']);
    match text.len() {
        0 => Err("it is empty".to_owned()),
        length if length > MOST_SECRET => Err("it is too long for a secret".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Returns the variables of this process that look like settings, and are not in `known`.
pub(super) fn unknown(known: &[&str]) -> Vec<String> {
    let unknown = variables().filter(|(name, value)| is_unknown(name, value, known));
    unknown.map(|(name, _)| name).collect()
}

fn is_unknown(name: &str, value: &str, known: &[&str]) -> bool {
    name.starts_with(PREFIX) && !known.contains(&name) && !is_of_a_service(name, value)
}

/// Returns whether Kubernetes or Docker set this variable, to tell every container of a service or a link named `millrace`, or
/// `millrace-` and something; no user has set it. No setting has a name like these.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix("MILLRACE") else {
        return false;
    };
    let is_address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    rest.ends_with("_SERVICE_HOST")
        || rest.ends_with("_SERVICE_PORT")
        || rest.contains("_SERVICE_PORT_")
        || (rest.ends_with("_PORT") && is_address)
        || is_of_a_port(rest)
        // Docker's links, with the other container's environment.
        || rest.starts_with("_ENV_")
        || (rest.ends_with("_NAME") && value.starts_with('/'))
}

/// Returns whether it ends like `_PORT_8080_TCP`, `_PORT_8080_TCP_ADDR`, `…_PORT` or `…_PROTO`.
fn is_of_a_port(name: &str) -> bool {
    let part = ["_ADDR", "_PORT", "_PROTO"];
    let name = part
        .iter()
        .find_map(|part| name.strip_suffix(part))
        .unwrap_or(name);
    let protocol = ["_TCP", "_UDP", "_SCTP"];
    let Some(name) = protocol.iter().find_map(|part| name.strip_suffix(part)) else {
        return false;
    };
    let Some((before, number)) = name.rsplit_once('_') else {
        return false;
    };
    before.ends_with("_PORT") && number.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::CommandLine;

    #[test]
    fn what_is_told_of_services_is_no_setting() {
        for (name, value) in [
            // Kubernetes, for a service `millrace`.
            ("MILLRACE_SERVICE_HOST", "10.0.0.1"),
            ("MILLRACE_SERVICE_PORT", "80"),
            ("MILLRACE_SERVICE_PORT_HTTP", "80"),
            ("MILLRACE_PORT", "tcp://10.0.0.1:80"),
            ("MILLRACE_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("MILLRACE_PORT_80_TCP_PROTO", "tcp"),
            ("MILLRACE_PORT_80_TCP_PORT", "80"),
            ("MILLRACE_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("MILLRACE_PORT_53_UDP_ADDR", "10.0.0.1"),
            // Kubernetes, for services `millrace-redis` and `millrace-gateway`.
            ("MILLRACE_REDIS_SERVICE_HOST", "10.0.0.2"),
            ("MILLRACE_REDIS_PORT", "tcp://10.0.0.2:6379"),
            ("MILLRACE_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.3"),
            // Docker, for a link.
            ("MILLRACE_NAME", "/web/millrace"),
            ("MILLRACE_ENV_POSTGRES_PASSWORD", "of another container"),
            // A variable of something else.
            ("PATH", "/bin"),
        ] {
            assert!(!is_unknown(name, value, &[]), "{name}");
        }
        for name in CommandLine::command()
            .get_arguments()
            .filter_map(|arg| arg.get_env()?.to_str())
        {
            assert!(!is_of_a_service(name, "80"), "{name} is a setting");
        }
    }

    #[test]
    fn what_looks_like_a_setting_is_refused() {
        for (name, value) in [
            ("MILLRACE_MAX_DEPHT", "7"),
            ("MILLRACE_NO_SUCH_SETTING", "1"),
            ("MILLRACE_PORT", "8080"),
            ("MILLRACE_MAX_SERVICE", "8080"),
            ("MILLRACE_NAME", "mine"),
            ("MILLRACE_PORT_HTTP_TCP", "tcp://10.0.0.1:80"),
            ("MILLRACE_", ""),
        ] {
            assert!(is_unknown(name, value, &["MILLRACE_MAX_DEPTH"]), "{name}");
        }
    }
}
