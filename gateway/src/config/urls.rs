//! URLs of databases and of Redis: which are accepted, and which parts may be shown, as a URL may contain a password. Called by the
//! settings and by `effective`.

use events::{PostgresHosts, replica_url_error, sqlite_file};

/// The forms of URLs that name several Redis.
const SEVERAL: &str = "redis+sentinel://user:password@host:26379,host:26379/master/0?sentinel_password=password or \
    redis+cluster://user:password@host:6379,host:6379, with special characters of passwords encoded (# as %23)";

const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

/// Checks the URLs of the database and of Redis: ports must be numbers, and passwords must have their special characters encoded. They
/// are no parsers of the command line, as that shows the values it refuses, which may contain passwords.
///
/// # Errors
/// Which one cannot be read, and what was expected; never the value.
pub(super) fn check(database: &str, redis: Option<&str>) -> Result<(), String> {
    let hosts = PostgresHosts::of(database);
    let hosts = hosts.map_err(|wrong| format!("DATABASE_URL cannot be read: {wrong}"))?;
    if hosts.is_none() && !is_database(database) {
        return refuse(
            "DATABASE_URL",
            "sqlite://path or postgres://user:password@host:5432/name",
        );
    }
    let way = redis.and_then(|url| url.split_once("://")?.0.split_once('+'));
    match (redis, way) {
        (Some(url), Some((_, "sentinel" | "cluster"))) => match events::redis_url_error(url) {
            Some(error) => Err(format!(
                "REDIS_URL cannot be read: {error}; expected {SEVERAL}"
            )),
            None => Ok(()),
        },
        (Some(url), _) if !is_redis(url) => {
            refuse("REDIS_URL", "redis://user:password@host:6379/0")
        }
        _ => Ok(()),
    }
}

/// Checks the URL of replicas in the same way.
///
/// # Errors
/// That it cannot be read, or that there are none of this database; never the value.
pub(super) fn check_replica(database: &str, replica: Option<&str>) -> Result<(), String> {
    let Some(replica) = replica else {
        return Ok(());
    };
    if sqlite_file(database).is_some() {
        return Err(
            "MILLRACE_REPLICA_URL names standbys of a Postgres, and DATABASE_URL is SQLite"
                .to_owned(),
        );
    }
    if !POSTGRES.iter().any(|scheme| replica.starts_with(scheme)) {
        let expected = "postgres://user:password@host:5432,host:5432/name";
        return refuse("MILLRACE_REPLICA_URL", expected);
    }
    match replica_url_error(replica) {
        Some(wrong) => Err(format!("MILLRACE_REPLICA_URL cannot be read: {wrong}")),
        None => Ok(()),
    }
}

fn is_database(url: &str) -> bool {
    url.starts_with("sqlite:") || POSTGRES.iter().any(|scheme| has_server(url, scheme))
}

fn is_redis(url: &str) -> bool {
    let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
    let of_files = ["redis+unix:", "unix:", "valkey+unix:"];
    schemes.iter().any(|scheme| has_server(url, scheme))
        || of_files.iter().any(|scheme| url.starts_with(scheme))
}

fn refuse(name: &str, expected: &str) -> Result<(), String> {
    Err(format!(
        "{name} cannot be read: expected {expected}, with special characters of the password encoded (# as %23)"
    ))
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
    fn several_hosts_are_checked() {
        assert_eq!(check("postgres://u:pw@h1,h2:5433/db", None), Ok(()));
        for url in [
            "postgres://u:pw@h1,h2:x/db",
            "postgres://u:pw@h1,h2/db?sslmode=x",
        ] {
            let wrong = check(url, None).expect_err(url);
            assert!(wrong.starts_with("DATABASE_URL cannot be read"), "{wrong}");
            assert!(!wrong.contains("pw"), "{wrong}");
        }
    }

    #[test]
    fn urls_of_replicas_are_checked() {
        let check = |url| check_replica("postgres://h/db", Some(url));
        assert_eq!(
            check("postgres://u:pw@h1:5432,h2/db?sslmode=require"),
            Ok(())
        );
        assert_eq!(check("postgres://u:pw@h1/db"), Ok(()));
        assert_eq!(check_replica("sqlite://data", None), Ok(()));
        for url in [
            "postgres://u:pw@h1,h2:x/db",
            "postgres://u:pw@h1/db?target_session_attrs=standby",
            "sqlite://pw.db",
            "mysql://u:pw@h1/db",
            "mysql://u:pw@h1,h2/db",
            "pw",
        ] {
            let wrong = check(url).expect_err(url);
            assert!(wrong.starts_with("MILLRACE_REPLICA_URL "), "{wrong}");
            assert!(!wrong.contains("pw"), "{wrong}");
        }
        let wrong = check_replica("sqlite://data", Some("postgres://u:pw@h1/db"));
        assert!(wrong.is_err_and(|wrong| wrong.contains("SQLite")));
    }

    #[test]
    fn urls_of_redis_are_checked() {
        let check = |url| check("sqlite:data", Some(url));
        for read_well in [
            "redis://:pw@host:7/0",
            "rediss+sentinel://u:pw@one,two:7/main/0?sentinel_password=pw",
            "redis+cluster://u:pw@one,two:7",
            "redis+unix:///run/redis.sock",
        ] {
            assert_eq!(check(read_well), Ok(()), "{read_well}");
        }
        for (url, told) in [
            ("redis+sentinel://:pw/x@one", "does not name the master"),
            (
                "redis+sentinel://:pw/x@one/main?password=pw/x",
                "unknown parameter",
            ),
            ("redis+cluster://:pw/x@one:99999", "cannot be read"),
            ("redis+sentinels://:pw/x@one/main", "redis://user"),
        ] {
            let error = check(url).expect_err(url);
            assert!(error.contains(told) && !error.contains("pw/x"), "{error}");
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
            (
                "postgres://u:pw@h1:5432,h2/db?target_session_attrs=primary",
                "postgres://***@h1:5432,h2/db",
            ),
            ("redis://:pw@host", "redis://***@host"),
            (
                "redis+sentinel://u:pw@one,two:7/main/0?sentinel_password=pw",
                "redis+sentinel://***@one,two:7/main/0",
            ),
            (
                "redis+cluster://u:pw@one,two:7",
                "redis+cluster://***@one,two:7",
            ),
        ] {
            assert_eq!(masked(url), shown);
        }
    }
}
