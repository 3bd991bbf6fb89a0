//! Settings in the environment that nobody knows are errors: a misspelled limit must not silently be the default. Gateways
//! and workers may be started in the same environment, so each knows the names of both; tests hold the lists to be
//! those of the command lines. Called by the configurations of both processes.

const PREFIX: &str = "MILLRACE_";

/// The settings of the gateway.
pub const OF_GATEWAY: &[&str] = &[
    "MILLRACE_ACCESS_TOKEN_LIFETIME",
    "MILLRACE_ADMIN_PASSWORD",
    "MILLRACE_ALLOWED_HOSTS",
    "MILLRACE_ALLOWED_ORIGINS",
    "MILLRACE_ARCHIVE",
    "MILLRACE_BATCHING",
    "MILLRACE_CACHE_HARD_TIMEOUT",
    "MILLRACE_CACHE_LIFETIME",
    "MILLRACE_CACHE_SOFT_TIMEOUT",
    "MILLRACE_CACHE_STALE_LIFETIME",
    "MILLRACE_CUSTOMER_CACHE_CAPACITY",
    "MILLRACE_DEMO_DATA",
    "MILLRACE_DRAIN_DELAY",
    "MILLRACE_DRAIN_TIME",
    "MILLRACE_ERASURE_SETTLE",
    "MILLRACE_FAULTS",
    "MILLRACE_FORWARDED_ADDRESSES",
    "MILLRACE_INIT_TIMEOUT",
    "MILLRACE_LEASE_MS",
    "MILLRACE_LISTEN",
    "MILLRACE_MAX_ALIASES",
    "MILLRACE_MAX_BATCH",
    "MILLRACE_MAX_BODY_BYTES",
    "MILLRACE_MAX_CLIENTS",
    "MILLRACE_MAX_CLIENTS_PER_ADDRESS",
    "MILLRACE_MAX_COMPLEXITY",
    "MILLRACE_MAX_CONNECTIONS",
    "MILLRACE_MAX_DEPTH",
    "MILLRACE_MAX_DIRECTIVES",
    "MILLRACE_MAX_EXPANDED_FIELDS",
    "MILLRACE_MAX_MESSAGE_BYTES",
    "MILLRACE_MAX_OPERATIONS",
    "MILLRACE_MAX_ROOT_FIELDS",
    "MILLRACE_MAX_SUBSCRIPTIONS",
    "MILLRACE_MAX_SUBSCRIPTIONS_PER_ADDRESS",
    "MILLRACE_MAX_SUBSCRIPTIONS_PER_USER",
    "MILLRACE_MAX_SUBSCRIPTION_BYTES",
    "MILLRACE_MAX_TOKENS",
    "MILLRACE_MAX_TRANSIT_BYTES",
    "MILLRACE_MIGRATE",
    "MILLRACE_PASSWORD_ITERATIONS",
    "MILLRACE_PASSWORD_MEMORY_KIB",
    "MILLRACE_PING_INTERVAL",
    "MILLRACE_POLL_INTERVAL_MS",
    "MILLRACE_PONG_TIMEOUT",
    "MILLRACE_PRESENCE_GRACE",
    "MILLRACE_PRESENCE_LEASE",
    "MILLRACE_PRODUCTION",
    "MILLRACE_READ_AFTER_TIMEOUT",
    "MILLRACE_REBUILD_BATCH_EVENTS",
    "MILLRACE_REDIS_PREFIX",
    "MILLRACE_REFRESH_GRACE",
    "MILLRACE_REFRESH_TOKEN_LIFETIME",
    "MILLRACE_REQUEST_TIMEOUT",
    "MILLRACE_RETENTION",
    "MILLRACE_SEND_TIMEOUT",
    "MILLRACE_SIGNAL_DEADLINE",
    "MILLRACE_SIGNAL_LEVELS",
    "MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT",
    "MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS",
    "MILLRACE_SSE_KEEP_ALIVE",
    "MILLRACE_STUDENT_CACHE_CAPACITY",
    "MILLRACE_TOKEN_KEYS",
    "MILLRACE_WAIT_FOR_DATABASE",
    "MILLRACE_WEBHOOK_ALLOW_PRIVATE",
    "MILLRACE_WEBHOOK_SECRET",
    "MILLRACE_WEBHOOK_TIMEOUT",
    "MILLRACE_WEBHOOK_URL",
    "MILLRACE_WITH_WORKERS",
];

/// The settings of the workers.
pub const OF_WORKERS: &[&str] = &[
    "MILLRACE_ARCHIVE",
    "MILLRACE_BATCH_EVENTS",
    "MILLRACE_ERASURE_SETTLE",
    "MILLRACE_FAULTS",
    "MILLRACE_HEALTH_LISTEN",
    "MILLRACE_LEASE_MS",
    "MILLRACE_POLL_INTERVAL_MS",
    "MILLRACE_REBUILD_BATCH_EVENTS",
    "MILLRACE_REDIS_PREFIX",
    "MILLRACE_RETENTION",
    "MILLRACE_SIGNAL_DEADLINE",
    "MILLRACE_SIGNAL_LEVELS",
    "MILLRACE_WAIT_FOR_DATABASE",
    "MILLRACE_WEBHOOK_ALLOW_PRIVATE",
    "MILLRACE_WEBHOOK_SECRET",
    "MILLRACE_WEBHOOK_TIMEOUT",
    "MILLRACE_WEBHOOK_URL",
    "MILLRACE_WORKERS_CONNECTIONS",
];

/// The names of the settings that `command` and its subcommands have, sorted.
pub fn names_of(command: &clap::Command) -> Vec<String> {
    let of_subcommands = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let mut names: Vec<String> = command
        .get_arguments()
        .chain(of_subcommands)
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The environment of this process.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        (text(name), text(value))
    })
}

/// Reads `.env`, if there is one, into the environment of this process.
///
/// # Errors
/// Which line of it cannot be read. What is in it is not said: it may be a secret.
pub fn read_dotenv() -> Result<(), String> {
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

/// A URL of a database that can be used, with a port that is a number; a password in it has its special characters encoded.
///
/// # Errors
/// What is expected. What was given is not said: there is a password in it. The command line's parser shows values, so `refuse_url` ends
/// the process itself.
pub fn database_url(text: &str) -> Result<String, std::convert::Infallible> {
    let expected = "sqlite://path or postgres://user:password@host:5432/name, with special characters of the password encoded (# as %23)";
    let is_url = text.starts_with("sqlite:")
        || ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| has_server(text, scheme));
    if !is_url {
        refuse_url("DATABASE_URL", expected);
    }
    Ok(text.to_owned())
}

/// The same of Redis.
///
/// # Errors
/// As above.
pub fn redis_url(text: &str) -> Result<String, std::convert::Infallible> {
    let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
    let is_url = schemes.iter().any(|scheme| has_server(text, scheme))
        || ["redis+unix:", "unix:", "valkey+unix:"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
    if !is_url {
        let expected = "redis://user:password@host:6379/0, with special characters of the password encoded (# as %23)";
        refuse_url("REDIS_URL", expected);
    }
    Ok(text.to_owned())
}

/// Whether there is a host, and a port that is one, behind the scheme.
fn has_server(url: &str, scheme: &str) -> bool {
    let Some(rest) = url.strip_prefix(scheme) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority
        .rsplit_once('@')
        .map_or(authority, |(_, server)| server);
    let port = match server.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port,
        _ => return true,
    };
    port.is_empty() || port.parse::<u16>().is_ok()
}

fn refuse_url(name: &str, expected: &str) -> ! {
    use clap::error::ErrorKind;
    let message = format!("{name} cannot be read: expected {expected}");
    clap::Error::raw(ErrorKind::ValueValidation, message + "\n").exit()
}

/// Refuses variables that are nobody's.
///
/// # Errors
/// A line for each of them, with the nearest known one.
pub fn check_variables(variables: impl Iterator<Item = (String, String)>) -> Result<(), String> {
    let known: Vec<&str> = OF_GATEWAY.iter().chain(OF_WORKERS).copied().collect();
    let mut unknown: Vec<String> = variables
        .filter(|(name, value)| {
            name.starts_with(PREFIX)
                && !known.contains(&name.as_str())
                && !is_of_a_service(name, value)
        })
        .map(|(name, _)| {
            let nearest = known.iter().min_by_key(|known| edits(&name, known));
            let nearest = nearest.copied().unwrap_or_default();
            format!("unknown setting {name} in the environment; did you mean {nearest}?")
        })
        .collect();
    unknown.sort();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(unknown.join("\n"))
    }
}

/// Whether it is one of the variables by which Kubernetes and Docker tell every container of a service or a link that is named
/// `millrace`, or `millrace-` and something: nobody has set them. No setting has a name like these.
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
        // Links of Docker, with what the other container was told.
        || rest.starts_with("_ENV_")
        || (rest.ends_with("_NAME") && value.starts_with('/'))
}

/// Whether it ends like `_PORT_8080_TCP`, `_PORT_8080_TCP_ADDR`, `…_PORT` or `…_PROTO`.
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

/// The Levenshtein distance of two names, by bytes.
pub(crate) fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, right) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_server() {
        let has = |url| has_server(url, "postgres://");
        for read_well in [
            "postgres://u:Ab%2F12%23x@host/db",
            "postgres://u:pw@host:5432/db?sslmode=require",
            "postgres://u@[::1]:5432/db",
            "postgres://[::1]/db",
            "postgres:///db?host=/var/run",
        ] {
            assert!(has(read_well), "{read_well}");
        }
        for refused in [
            "postgres://u:Ab/12#x@host/db",
            "postgress://u:pw@host/db",
            "postgres://u:pw@host:99999/db",
            "postgres://u:p#w@host/db",
            "mysql://u:pw@host/db",
            "",
        ] {
            assert!(!has(refused), "{refused}");
        }
    }

    fn check(name: &str, value: &str) -> Result<(), String> {
        check_variables([(name.to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn what_is_told_of_services_is_no_setting() {
        for (name, value) in [
            // Kubernetes, of a service `millrace`.
            ("MILLRACE_SERVICE_HOST", "10.0.0.1"),
            ("MILLRACE_SERVICE_PORT", "80"),
            ("MILLRACE_SERVICE_PORT_HTTP", "80"),
            ("MILLRACE_PORT", "tcp://10.0.0.1:80"),
            ("MILLRACE_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("MILLRACE_PORT_80_TCP_PROTO", "tcp"),
            ("MILLRACE_PORT_80_TCP_PORT", "80"),
            ("MILLRACE_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("MILLRACE_PORT_53_UDP_ADDR", "10.0.0.1"),
            // Of services `millrace-redis` and `millrace-gateway`.
            ("MILLRACE_REDIS_SERVICE_HOST", "10.0.0.2"),
            ("MILLRACE_REDIS_PORT", "tcp://10.0.0.2:6379"),
            ("MILLRACE_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.3"),
            // Docker, of a link.
            ("MILLRACE_NAME", "/web/millrace"),
            ("MILLRACE_ENV_POSTGRES_PASSWORD", "of another container"),
            // Not ours at all.
            ("PATH", "/bin"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
        for name in OF_GATEWAY.iter().chain(OF_WORKERS) {
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
            let message = check(name, value).expect_err(name);
            assert!(message.contains(name), "{message}");
        }
    }
}
