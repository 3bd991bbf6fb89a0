//! URLs of databases and of Redis: which are accepted, and which parts may be shown, as a URL may contain a password. Called by the
//! settings and by `effective`.

/// Checks the URL of a database: its port must be a number, and a password in it must have its special characters encoded.
///
/// Never fails: the value must not be shown, as it may contain a password, and the command line's parser shows values that it refuses. So
/// `refuse` ends the process itself.
pub(super) fn database_url(text: &str) -> Result<String, std::convert::Infallible> {
    let expected = "sqlite://path or postgres://user:password@host:5432/name, with special characters of the password encoded (# as %23)";
    let is_url = text.starts_with("sqlite:")
        || ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| has_server(text, scheme));
    if !is_url {
        refuse("DATABASE_URL", expected);
    }
    Ok(text.to_owned())
}

/// Checks the URL of Redis in the same way.
pub(super) fn redis_url(text: &str) -> Result<String, std::convert::Infallible> {
    let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
    let is_url = schemes.iter().any(|scheme| has_server(text, scheme))
        || ["redis+unix:", "unix:", "valkey+unix:"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
    if !is_url {
        let expected = "redis://user:password@host:6379/0, with special characters of the password encoded (# as %23)";
        refuse("REDIS_URL", expected);
    }
    Ok(text.to_owned())
}

/// Returns whether a host, and a valid port if any, follow the scheme.
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

fn refuse(name: &str, expected: &str) -> ! {
    use clap::error::ErrorKind;
    let message = format!("{name} cannot be read: expected {expected}");
    clap::Error::raw(ErrorKind::ValueValidation, message + "\n").exit()
}

/// Returns the URL without credentials, which may precede the server or be among the parameters.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((_, server)) => format!("{scheme}://***@{server}"),
        None => format!("{scheme}://{rest}"),
    }
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

    #[test]
    fn passwords_are_masked() {
        for (url, shown) in [
            ("sqlite://data/millrace.db", "sqlite://data/millrace.db"),
            (
                "postgres://u:pw@host:5432/db",
                "postgres://***@host:5432/db",
            ),
            (
                "postgres://host/db?user=u&password=pw",
                "postgres://host/db",
            ),
            ("postgres://u:1/p@w@host/db", "postgres://***@host/db"),
            ("redis://:pw@host", "redis://***@host"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }
}
