//! Takes a URL with several hosts apart, as libpq has them (`postgres://user:password@h1:5432,h2:5433/name`), into one for each.

use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;

const ATTRIBUTES: &str = "target_session_attrs";

/// Returns what is wrong with a URL that names standbys, without any part of the URL; `None` if it can be read.
pub fn replica_url_error(url: &str) -> Option<String> {
    each_standby(url).err()
}

/// Returns each host of a URL that names standbys, with the URL of it alone.
///
/// # Errors
/// What is wrong, without any part of the URL.
pub(in crate::database) fn each_standby(url: &str) -> Result<Vec<(String, String)>, String> {
    if url.contains(ATTRIBUTES) {
        return Err(format!(
            "each host is a standby, so {ATTRIBUTES} has no place in it"
        ));
    }
    let options = |url: &str| PgConnectOptions::from_str(url).map_err(|error| error.to_string());
    let hosts = split(url)?;
    for (_, url) in &hosts {
        options(url)?;
    }
    if hosts.is_empty() {
        let options = options(url)?;
        let name = format!("{}:{}", options.get_host(), options.get_port());
        return Ok(vec![(name, url.to_owned())]);
    }
    Ok(hosts)
}

/// Returns each host with the URL of it alone. A URL with one host and without `target_session_attrs` has none: it is used as it is.
///
/// # Errors
/// What is wrong, without any part of the URL.
pub(super) fn split(url: &str) -> Result<Vec<(String, String)>, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Ok(Vec::new());
    };
    if !["postgres", "postgresql"].contains(&scheme) {
        return Ok(Vec::new());
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let end = before.find(['/', '#']).unwrap_or(before.len());
    let (authority, path) = before.split_at(end);
    let (user, servers) = match authority.rsplit_once('@') {
        Some((user, servers)) => (format!("{user}@"), servers),
        None => (String::new(), authority),
    };
    let parameters = || {
        query
            .split('&')
            .map(|it| it.split_once('=').unwrap_or((it, "")))
    };
    let mut is_asked_for = false;
    for (name, value) in parameters() {
        match name {
            ATTRIBUTES if ["read-write", "primary"].contains(&value) => is_asked_for = true,
            ATTRIBUTES => {
                return Err(format!(
                    "{ATTRIBUTES} may be read-write or primary, which both mean a primary that accepts writes; Millrace can use no other"
                ));
            }
            "host" | "hostaddr" | "port" if value.contains(',') || servers.contains(',') => {
                return Err(format!(
                    "several hosts are named before the name of the database, as in postgres://user:password@h1:5432,h2:5433/name, \
                     and not by the parameter {name}"
                ));
            }
            _ => {}
        }
    }
    if !servers.contains(',') && !is_asked_for {
        return Ok(Vec::new());
    }
    if user.contains(',') && user.trim_end_matches('@').contains('@') {
        return Err("the user and the password are named once, before the first host".to_owned());
    }
    if path.contains('@') {
        return Err("special characters of the password have to be encoded (/ as %2F)".to_owned());
    }
    let kept: Vec<_> = query
        .split('&')
        .filter(|it| !it.is_empty() && it.split('=').next() != Some(ATTRIBUTES))
        .collect();
    let query = match kept.is_empty() {
        true => String::new(),
        false => format!("?{}", kept.join("&")),
    };
    let each = servers.split(',').enumerate().map(|(index, server)| {
        let number = index + 1;
        let port = match server.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port,
            _ => "",
        };
        if server.is_empty() || server.starts_with(':') {
            return Err(format!("host {number} has no name"));
        }
        if !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(format!(
                "the port of host {number} is not a number up to 65535"
            ));
        }
        Ok((
            server.to_owned(),
            format!("{scheme}://{user}{server}{path}{query}"),
        ))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(url: &str) -> Vec<String> {
        let split = split(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        split.into_iter().map(|(_, url)| url).collect()
    }

    #[test]
    fn each_host_has_a_url() {
        assert_eq!(
            urls(
                "postgres://u:p%2Cw@h1,[::1]:5433,%2Frun%2Fpg/db?sslmode=verify-full&target_session_attrs=primary"
            ),
            [
                "postgres://u:p%2Cw@h1/db?sslmode=verify-full",
                "postgres://u:p%2Cw@[::1]:5433/db?sslmode=verify-full",
                "postgres://u:p%2Cw@%2Frun%2Fpg/db?sslmode=verify-full",
            ]
        );
        assert_eq!(
            urls("postgresql://h1:1,h2"),
            ["postgresql://h1:1", "postgresql://h2"]
        );
        assert_eq!(
            urls("postgres://u@h1/db?target_session_attrs=read-write"),
            ["postgres://u@h1/db"]
        );
        let names = split("postgres://u:pw@h1:1,h2/db").map(|each| each.into_iter().map(|it| it.0));
        assert_eq!(names.expect("hosts").collect::<Vec<_>>(), ["h1:1", "h2"]);
    }

    #[test]
    fn one_host_is_left_alone() {
        for url in [
            "postgres://u:p,w@h1:5432/db?sslmode=require",
            "postgres:///db?host=/var/run&port=5433",
            "sqlite://a,b.db",
            "postgres://u@h/a,b",
        ] {
            assert!(urls(url).is_empty(), "{url}");
        }
    }

    #[test]
    fn standbys_are_named_alike() {
        let names = |url| {
            let each = each_standby(url).expect(url).into_iter();
            each.map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("postgres://u:pw@h1/db"), ["h1:5432"]);
        assert_eq!(names("postgres://u:pw@h1:7,h2:8/db"), ["h1:7", "h2:8"]);
        for url in [
            "postgres://u:secret@h1/db?target_session_attrs=standby",
            "postgres://u:secret@h1,h2:x/db",
            "postgres://u:secret@h1,h2/db?sslmode=x",
        ] {
            let wrong = each_standby(url).expect_err(url);
            assert!(!wrong.contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        for (url, told) in [
            (
                "postgres://u:secret@h1,h2/db?target_session_attrs=any",
                "read-write or primary",
            ),
            (
                "postgres://u:secret@h1/db?target_session_attrs=standby",
                "read-write or primary",
            ),
            (
                "postgres://u:secret@h1,h2/db?target_session_attrs",
                "read-write or primary",
            ),
            ("postgres://u:secret@h1,h2/db?port=1", "the parameter port"),
            ("postgres://u:secret@/db?host=h1,h2", "the parameter host"),
            ("postgres://u:secret@h1,,h2/db", "host 2 has no name"),
            ("postgres://u:secret@h1,:5432/db", "host 2 has no name"),
            ("postgres://u:secret@h1:x,h2/db", "the port of host 1"),
            ("postgres://u:secret@h1,h2:70000/db", "the port of host 2"),
            ("postgres://u:secret@h1,u:secret@h2,h3/db", "named once"),
            ("postgres://u:12,secret/x@h1,h2/db", "have to be encoded"),
        ] {
            let error = split(url).expect_err(url);
            assert!(error.contains(told), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
