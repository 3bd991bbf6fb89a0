//! What a Redis URL names: one address, the sentinels that watch a master, or seeds of a cluster. Also called by the settings, which
//! refuse a URL before anything is started. No message contains a part of the URL, which may be a password.

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError};

/// The port of a sentinel, where none is named.
const SENTINEL_PORT: u16 = 26_379;

/// Where the one Redis is that a process talks to, or whom to ask.
pub(super) enum Named {
    Address(ConnectionInfo),
    Sentinels(Sentinels),
    /// Nodes of a cluster, any of which knows the others.
    Cluster(Vec<ConnectionInfo>),
}

pub(super) struct Sentinels {
    pub(super) all: Vec<ConnectionInfo>,
    /// The name by which they know the master.
    pub(super) name: String,
    /// How to connect to the master, once its address is known.
    pub(super) master: ConnectionInfo,
}

impl Named {
    /// Returns how to connect to a Redis of this kind, wherever it is.
    pub(super) fn example(&self) -> &ConnectionInfo {
        match self {
            Self::Address(info) => info,
            Self::Sentinels(sentinels) => &sentinels.master,
            Self::Cluster(seeds) => &seeds[0],
        }
    }
}

/// Returns why this is no URL of a Redis, of sentinels, or of a cluster; `None` when it is one.
pub fn redis_url_error(url: &str) -> Option<String> {
    read(url).err()
}

/// Reads a URL. `redis+sentinel://user:password@host:26379,host:26379/master/0?sentinel_password=…` and
/// `redis+cluster://user:password@host:6379,host:6379` are ours, and `rediss+…` with TLS; others are read by the library.
pub(super) fn read(url: &str) -> Result<Named, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let Some((scheme, way)) = scheme.split_once('+').filter(|(_, way)| *way != "unix") else {
        return parsed(url).map(Named::Address);
    };
    if !matches!(scheme, "redis" | "rediss" | "valkey" | "valkeys") {
        return Err("its scheme is unknown".to_owned());
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may have unencoded slashes only behind its last `@`, as everywhere.
    let (credentials, place) = place.rsplit_once('@').unwrap_or(("", place));
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let connections = |credentials: &str, port, path: &str| {
        let connections = hosts.split(',').map(|host| {
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, it)| !it.ends_with(']'));
            let port = if has_port {
                String::new()
            } else {
                format!(":{port}")
            };
            parsed(&format!("{scheme}://{credentials}@{host}{port}/{path}"))
        });
        connections.collect::<Result<Vec<_>, _>>()
    };
    match way {
        "cluster" => match (query, path) {
            ("", "") => connections(credentials, 6_379, "").map(Named::Cluster),
            _ => Err("a cluster has neither databases nor parameters".to_owned()),
        },
        "sentinel" => {
            let (name, database) = path.split_once('/').unwrap_or((path, ""));
            if name.is_empty() {
                return Err("it does not name the master that the sentinels watch".to_owned());
            }
            let all = connections(&sentinel_credentials(query)?, SENTINEL_PORT, "")?;
            let masters = connections(credentials, 6_379, database)?;
            let master = masters.into_iter().next();
            Ok(Named::Sentinels(Sentinels {
                all,
                name: name.to_owned(),
                master: master.ok_or("it names no host")?,
            }))
        }
        _ => Err("its scheme is unknown".to_owned()),
    }
}

/// Returns the credentials for the sentinels themselves, in the form of a URL.
fn sentinel_credentials(query: &str) -> Result<String, String> {
    let (mut username, mut password) = (String::new(), String::new());
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        // These may stand in parameters, and not in credentials.
        let value = value
            .replace('/', "%2F")
            .replace('?', "%3F")
            .replace(':', "%3A");
        match name {
            "sentinel_username" => username = value,
            "sentinel_password" => password = value,
            _ => return Err("it has an unknown parameter".to_owned()),
        }
    }
    Ok(format!("{username}:{password}"))
}

fn parsed(url: &str) -> Result<ConnectionInfo, String> {
    let parsed = url.into_connection_info();
    parsed.map_err(|error: RedisError| match error.kind() {
        ErrorKind::InvalidClientConfig => error.to_string(),
        _ => "it cannot be read".to_owned(),
    })
}

/// Returns how to connect to another port in the same way, and to another host if one is given.
pub(super) fn moved(info: &ConnectionInfo, host: Option<&str>, port: u16) -> ConnectionInfo {
    let mut address = info.addr().clone();
    if let ConnectionAddr::Tcp(its_host, its_port)
    | ConnectionAddr::TcpTls {
        host: its_host,
        port: its_port,
        ..
    } = &mut address
    {
        if let Some(host) = host {
            host.clone_into(its_host);
        }
        *its_port = port;
    }
    info.clone().set_addr(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(infos: &[ConnectionInfo]) -> Vec<String> {
        let shown = infos.iter().map(|info| {
            let settings = info.redis_settings();
            let (user, password) = (settings.username(), settings.password());
            let (user, password) = (user.unwrap_or("-"), password.unwrap_or("-"));
            format!("{user} {password} {} {}", info.addr(), settings.db())
        });
        shown.collect()
    }

    #[test]
    fn sentinels_have_credentials_and_ports_of_their_own() {
        let url =
            "redis+sentinel://me:a%2Fb%40c@one:7,two,[::1]/main/3?sentinel_password=d/e%3Ff%26";
        let Ok(Named::Sentinels(read)) = read(url) else {
            panic!("they are not read");
        };
        assert_eq!(read.name, "main");
        assert_eq!(shown(&[read.master]), ["me a/b@c one:7 3"]);
        assert_eq!(
            shown(&read.all),
            [
                "- d/e?f& one:7 0",
                "- d/e?f& two:26379 0",
                "- d/e?f& ::1:26379 0"
            ]
        );
    }

    #[test]
    fn seeds_share_credentials() {
        let Ok(Named::Cluster(seeds)) = read("rediss+cluster://:pw@one:7000,two") else {
            panic!("they are not read");
        };
        assert_eq!(shown(&seeds), ["- pw one:7000 0", "- pw two:6379 0"]);
        assert!(matches!(seeds[0].addr(), ConnectionAddr::TcpTls { .. }));
        let moved = moved(&seeds[0], Some("other"), 7001);
        assert!(matches!(moved.addr(), ConnectionAddr::TcpTls { .. }));
        assert_eq!(shown(&[moved]), ["- pw other:7001 0"]);
    }

    #[test]
    fn what_is_no_url_is_refused_without_showing_it() {
        for url in [
            "redis+sentinel://secret@host:26379",
            "redis+sentinel://:secret@host:26379/",
            "redis+sentinel://:secret@host:26379/main/first",
            "redis+sentinel://:secret@host:99999/main",
            "redis+sentinel://:secret@one,,two/main",
            "redis+sentinel://:secret@one;two/main/0/1",
            "redis+sentinel://one/main?sentinel_pasword=secret",
            "redis+cluster://:secret@host/1",
            "redis+cluster://:secret@host?protocol=resp3",
            "redis+cluster://",
            "redis+clusters://:secret@host",
            "http+cluster://:secret@host",
            "http://:secret@host",
            "secret",
        ] {
            let error = redis_url_error(url).unwrap_or_else(|| panic!("{url} is read"));
            assert!(!error.contains("secret"), "{error}");
        }
        for url in ["redis://host", "unix:///run/redis.sock", "valkey://host/2"] {
            assert_eq!(redis_url_error(url), None);
        }
    }
}
