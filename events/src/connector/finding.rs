//! Finds the one Redis that all processes of an installation talk to, and connects to it. It is asked itself before it is used.
//!
//! **One address.** It may lead to another server from one connection to the next: that of a service, of a proxy, or a name. So the server
//! is asked for the id of its run, which is its place, and must not say that it is a replica. One that does not tell is believed.
//!
//! **Sentinels.** All are asked at once, until more than half of them have answered: so a silent one costs nothing, and one that is cut off
//! is outvoted. Of different answers that with the highest epoch of the configuration holds, by which sentinels themselves settle it.
//! The server must then say that it is a master.
//!
//! **Cluster.** All seeds are asked at once for a key of the installation. Whoever does not serve its slot answers who does; whoever does
//! answers the question, unless it has lost touch with most of the cluster. So the first node that answers the question is taken.
//! While a slot is on its way to another node there is none, and an error.

use std::{collections::HashMap, time::Duration};

use futures::{FutureExt, StreamExt, future::select_ok, stream::FuturesUnordered};
use redis::{
    AsyncTypedCommands, Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Role,
    ServerErrorKind, aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::{
    named::{Named, Sentinels, moved},
    opening::{ANSWER_TIME, client, open, within},
};

/// How long sentinels may take to answer.
const SENTINEL_TIME: Duration = Duration::from_secs(1);
/// How long the nodes of a cluster may take to name the right one and it to answer.
const CLUSTER_TIME: Duration = Duration::from_secs(5);
/// How often one node may name another.
const MOST_MOVES: usize = 3;

/// A Redis that was found.
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) connection: MultiplexedConnection,
    /// What tells it apart from others: with sentinels its address, in a cluster its id, and otherwise the id of its run.
    pub(super) place: String,
}

/// Finds and connects. `known` is the place of the last one found.
pub(super) async fn find(
    named: &Named,
    ca: Option<&[u8]>,
    key: &str,
    known: &str,
    answer_time: Duration,
) -> RedisResult<Found> {
    match named {
        Named::Address(info) => {
            let mut found = connect(info.clone(), ca, answer_time).await?;
            let told = ask_itself(&mut found.connection).await?;
            if told.as_deref().and_then(|told| fact(told, "role")) == Some("slave") {
                let whose = "REDIS_URL has to lead to its master";
                return Err(failed("the Redis at the address is a replica", whose));
            }
            let run = told.as_deref().and_then(|told| fact(told, "run_id"));
            let place = run.unwrap_or(known).to_owned();
            Ok(Found { place, ..found })
        }
        Named::Sentinels(sentinels) => {
            let (host, port) = ask_all(sentinels, ca, known).await?;
            let place = shown(&host, port);
            let info = moved(&sentinels.master, Some(&host), port);
            let mut found = connect(info, ca, answer_time).await?;
            let asking = redis::cmd("ROLE");
            let asking = asking.query_async(&mut found.connection);
            match within(ANSWER_TIME, asking).await? {
                Role::Primary { .. } => Ok(Found { place, ..found }),
                _ => Err(failed("the Redis that sentinels name is no master", &place)),
            }
        }
        Named::Cluster(seeds) => {
            let seeds = seeds.iter();
            let seeds = seeds.map(|seed| follow(seed.clone(), ca, key, answer_time).boxed());
            let (found, _) = within(CLUSTER_TIME, select_ok(seeds)).await?;
            Ok(found)
        }
    }
}

async fn connect(
    info: ConnectionInfo,
    ca: Option<&[u8]>,
    answer_time: Duration,
) -> RedisResult<Found> {
    let client = client(info, ca)?;
    Ok(Found {
        connection: open(&client, answer_time).await?,
        client,
        place: String::new(),
    })
}

/// Returns what a server says of itself, if its user may ask and it knows the question.
async fn ask_itself(connection: &mut MultiplexedConnection) -> RedisResult<Option<String>> {
    let mut asking = redis::cmd("INFO");
    asking.arg("server").arg("replication");
    match within(ANSWER_TIME, asking.query_async(connection)).await {
        Ok(told) => Ok(Some(told)),
        Err(error) if error.is_io_error() || error.is_unrecoverable_error() => Err(error),
        Err(_) => Ok(None),
    }
}

fn fact<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    let facts = told.lines().filter_map(|line| line.split_once(':'));
    let mut values = facts
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.trim());
    values.next()
}

fn shown(host: &str, port: u16) -> String {
    format!("{host}:{port}")
}

fn failed(what: &'static str, detail: &str) -> RedisError {
    RedisError::from((ErrorKind::Io, what, detail.to_owned()))
}

/// Returns the address of the master.
async fn ask_all(
    sentinels: &Sentinels,
    ca: Option<&[u8]>,
    known: &str,
) -> RedisResult<(String, u16)> {
    let asking = sentinels.all.iter();
    let mut asking: FuturesUnordered<_> = asking
        .map(|sentinel| ask(sentinel, ca, &sentinels.name))
        .collect();
    let (mut answers, mut failure) = (Vec::new(), None);
    let hearing = async {
        while answers.len() * 2 <= sentinels.all.len() {
            match asking.next().await {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(error)) => {
                    failure.get_or_insert(error);
                }
                None => break,
            }
        }
    };
    // Those that have answered by then have to do.
    let _ = timeout(SENTINEL_TIME, hearing).await;
    let best = answers.into_iter().max_by_key(|(epoch, host, port)| {
        // Sentinels may write one address differently.
        (*epoch, shown(host, *port) == known)
    });
    let none = || failed("no sentinel answers", &sentinels.name);
    match best {
        Some((_, host, port)) => Ok((host, port)),
        None => Err(failure.unwrap_or_else(none)),
    }
}

/// Returns what one sentinel says: the epoch of its configuration, and the host and port of the master.
async fn ask(
    sentinel: &ConnectionInfo,
    ca: Option<&[u8]>,
    name: &str,
) -> RedisResult<(u64, String, u16)> {
    let mut connection = open(&client(sentinel.clone(), ca)?, SENTINEL_TIME).await?;
    let mut questions = redis::pipe();
    // During a failover only the first answer has the new address, as soon as it is valid.
    let question = questions.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME");
    let question = question.arg(name).cmd("SENTINEL").arg("MASTER");
    question.arg(name);
    let ((host, port), facts): ((String, u16), HashMap<String, String>) =
        questions.query_async(&mut connection).await?;
    let epoch = facts
        .get("config-epoch")
        .and_then(|epoch| epoch.parse().ok());
    Ok((epoch.unwrap_or(0), host, port))
}

/// Connects to the node that serves the slot of `key`, as this one and those that it names know.
async fn follow(
    mut info: ConnectionInfo,
    ca: Option<&[u8]>,
    key: &str,
    answer_time: Duration,
) -> RedisResult<Found> {
    for _ in 0..=MOST_MOVES {
        let mut found = connect(info.clone(), ca, answer_time).await?;
        let asked = found.connection.exists(key).await;
        let error = match asked {
            Ok(_) => {
                let mut asking = redis::cmd("CLUSTER");
                let asking = asking.arg("MYID").query_async(&mut found.connection);
                return Ok(Found {
                    place: asking.await?,
                    ..found
                });
            }
            Err(error) => error,
        };
        let is_moved = error.kind() == ErrorKind::Server(ServerErrorKind::Moved);
        let named = error.redirect_node().filter(|_| is_moved);
        let Some((host, port)) = named.and_then(|(address, _)| address.rsplit_once(':')) else {
            return Err(error);
        };
        let port = port
            .parse()
            .map_err(|_| failed("a node names no port", port))?;
        // Without a host, the node means the one by which it was asked.
        let host = Some(host).filter(|host| !matches!(*host, "" | "?"));
        info = moved(&info, host, port);
    }
    Err(failed("the nodes of the cluster name each other for", key))
}
