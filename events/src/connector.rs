//! Connections to Redis are opened here, whatever they are for: over TCP, or TLS (`rediss:`), under the name of the product, with
//! time limits, and so that the system itself ends one whose other end is gone, also where nobody waits for an answer.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::time::timeout;

use crate::{Error, Result};

/// How long Redis may take to be connected to, and to answer whatever does not block.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(2);

/// What connects to the Redis of this URL.
pub(crate) fn client(url: &str) -> Result<Client> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(Duration::from_secs(10));
    let opened = url.into_connection_info().and_then(|info| {
        let settings = info.redis_settings().clone();
        let settings = settings.set_lib_name("millrace", env!("CARGO_PKG_VERSION"));
        Client::open(info.set_tcp_settings(tcp).set_redis_settings(settings))
    });
    opened.map_err(|error| Error::Task(format!("the Redis URL is not valid: {error}")))
}

/// A connection on which each answer is waited for so long. Always finite, so that a Redis that hangs is noticed.
pub(crate) async fn connect(
    client: &Client,
    answer_time: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIME))
        .set_response_timeout(Some(answer_time));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// A connection that hears a channel. It knows no time limits of its own: see `within`.
pub(crate) async fn subscribe(
    client: &Client,
    channel: &str,
) -> RedisResult<(PubSubSink, PubSubStream)> {
    let subscribing = async {
        let (mut sink, messages) = client.get_async_pubsub().await?.split();
        sink.subscribe(channel).await?;
        Ok((sink, messages))
    };
    within(ANSWER_TIME, subscribing).await
}

/// What Redis answers, or that it does not.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let silent = |_| Err(RedisError::from((ErrorKind::Io, "Redis does not answer")));
    timeout(limit, answer).await.unwrap_or_else(silent)
}
