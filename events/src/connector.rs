//! Opens all connections to Redis, and keeps them to the one that all processes talk to, where there are several. Nothing is decided by
//! what is in it, so two of them at once cost time alone.
//!
//! Each new connection looks again for the right Redis: among sentinels, in a cluster, or where the one address leads now. One that is found
//! in another place ends all connections to the place before, in the middle of a call: those to a master that was demoted, whose streams can
//! be read for ever, and those to one that is cut off and does not know it. A process that has no reason to connect looks every
//! `LOOK_INTERVAL`.
//!
//! So for that long, and for as long as sentinels do not agree, some processes may relay to one Redis while others read another. What
//! does not arrive is then read from the log, at the next poll, which is at most a second away, and is relayed to the other Redis by whom
//! has read it.

mod finding;
mod named;
mod opening;

use std::{path::Path, sync::Arc, time::Duration};

use futures::FutureExt;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSubSink, PubSubStream},
};
use tokio::{sync::watch, time::sleep};

use crate::{Error, Result};
use finding::{Found, find};
use named::Named;
pub use named::redis_url_error;
pub(crate) use opening::{ANSWER_TIME, within};

/// How often a process looks whether the Redis that it uses is still the right one.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The Redis of this process, wherever it is at the moment.
#[derive(Clone)]
pub(crate) struct Redis(Arc<Inner>);

struct Inner {
    named: Named,
    ca: Option<Vec<u8>>,
    prefix: String,
    /// The place of the Redis that was found last.
    place: watch::Sender<String>,
}

impl Redis {
    /// Returns the Redis that this URL names. With TLS it trusts the authorities in the PEM file alone, if one is named. `prefix` is that
    /// of every key.
    pub(crate) fn new(url: &str, ca: Option<&Path>, prefix: &str) -> Result<Self> {
        let ca = ca.map(|file| {
            let read = std::fs::read(file);
            read.map_err(|error| Error::Task(format!("{}: {error}", file.display())))
        });
        let invalid = |reason| Error::Task(format!("the Redis URL is not valid: {reason}"));
        let named = named::read(url).map_err(invalid)?;
        let has_tag = prefix
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'))
            .is_some_and(|(tag, _)| !tag.is_empty());
        let prefix = match named {
            // What is in braces decides about the slot, so one node has all keys, and scripts may touch any of them.
            Named::Cluster(_) if !has_tag => format!("{{{prefix}}}"),
            _ => prefix.to_owned(),
        };
        let ca = ca.transpose()?;
        // Certificates that cannot be read are told at once, and not whenever it connects.
        let example = opening::client(named.example().clone(), ca.as_deref());
        example.map_err(|error| invalid(error.to_string()))?;
        let redis = Inner {
            ca,
            named,
            prefix,
            place: watch::Sender::default(),
        };
        Ok(Self(Arc::new(redis)))
    }

    /// Returns the prefix of every key. In a cluster it is in braces.
    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Opens a connection that waits at most this long for each answer. It fails in the end, whatever is silent.
    pub(crate) async fn connect(&self, answer_time: Duration) -> RedisResult<Connection> {
        let (found, hold) = self.find(answer_time).await?;
        Ok(Connection {
            connection: found.connection,
            hold,
        })
    }

    /// Opens a connection that receives from a channel. It has no time limits of its own; its callers wrap it in `within`, and give it
    /// up when the hold ends.
    pub(crate) async fn subscribe(
        &self,
        channel: &str,
    ) -> RedisResult<(PubSubSink, PubSubStream, Hold)> {
        let (found, hold) = self.find(ANSWER_TIME).await?;
        let subscribing = async {
            let (mut sink, messages) = found.client.get_async_pubsub().await?.split();
            sink.subscribe(channel).await?;
            Ok((sink, messages, hold))
        };
        within(ANSWER_TIME, subscribing).await
    }

    /// Looks again and again where the right Redis is.
    pub(crate) async fn keep_looking(self) {
        loop {
            sleep(LOOK_INTERVAL).await;
            // Those who use it notice by themselves when it is away.
            let _ = self.find(ANSWER_TIME).await;
        }
    }

    async fn find(&self, answer_time: Duration) -> RedisResult<(Found, Hold)> {
        let Inner {
            named,
            ca,
            prefix,
            place,
        } = &*self.0;
        let (key, known) = (format!("{prefix}:place"), place.borrow().clone());
        let found = find(named, ca.as_deref(), &key, &known, answer_time).await?;
        let has_moved = place.send_if_modified(|place| {
            let is_other = *place != found.place;
            if is_other {
                place.clone_from(&found.place);
            }
            is_other
        });
        if has_moved && !known.is_empty() {
            let (from, to) = (&known, &found.place);
            tracing::warn!(from, to, "Redis is in another place");
        }
        let hold = Hold {
            place: found.place.clone(),
            current: place.subscribe(),
        };
        Ok((found, hold))
    }
}

/// The place that a connection leads to. It ends when the right Redis is in another one.
#[derive(Clone)]
pub(crate) struct Hold {
    place: String,
    current: watch::Receiver<String>,
}

impl Hold {
    /// Waits until it has ended.
    pub(crate) async fn end(&mut self) -> RedisError {
        let is_other = |current: &String| *current != self.place;
        if self.current.wait_for(is_other).await.is_err() {
            // Nobody looks any more.
            return std::future::pending().await;
        }
        RedisError::from((ErrorKind::Io, "another Redis has taken over"))
    }

    /// Returns the answer, or an error as soon as the hold has ended.
    async fn during<T>(&mut self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        tokio::select! {
            biased;
            error = self.end() => Err(error),
            answer = answer => answer,
        }
    }
}

/// A connection that fails when another Redis has taken over.
#[derive(Clone)]
pub(crate) struct Connection {
    connection: MultiplexedConnection,
    hold: Hold,
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let answer = self.connection.req_packed_command(command);
        self.hold.during(answer).boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let answers = self.connection.req_packed_commands(commands, offset, count);
        self.hold.during(answers).boxed()
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
