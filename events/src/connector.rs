//! Opens all connections to Redis: over TCP, or TLS (`rediss:`), under the name of the product, and with time limits. The
//! operating system itself ends a connection whose peer is gone, even where nobody waits for an answer.

use std::{path::Path, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, RedisResult,
    TlsCertificates,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::time::timeout;

use crate::{Error, Result};

/// The time limit for connecting to Redis, and for its answer to a call that does not block.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Creates the client for the Redis at this URL. With TLS it trusts the authorities in the PEM file alone, if one is named.
pub(crate) fn client(url: &str, ca: Option<&Path>) -> Result<Client> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(Duration::from_secs(10));
    let certificates = ca.map(|file| {
        let read = std::fs::read(file);
        read.map_err(|error| Error::Task(format!("{}: {error}", file.display())))
    });
    let certificates = certificates.transpose()?;
    let opened = url.into_connection_info().and_then(|info| {
        let settings = info.redis_settings().clone();
        let settings = settings.set_lib_name("millrace", env!("CARGO_PKG_VERSION"));
        let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
        match certificates {
            Some(root_cert) => Client::build_with_tls(
                info,
                TlsCertificates {
                    client_tls: None,
                    root_cert: Some(root_cert),
                },
            ),
            None => Client::open(info),
        }
    });
    opened.map_err(|error| Error::Task(format!("the Redis URL is not valid: {error}")))
}

/// Opens a connection that waits at most this long for each answer, and to connect. The limit is always finite, so that a Redis that
/// hangs is noticed.
pub(crate) async fn connect(
    client: &Client,
    answer_time: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIME.min(answer_time)))
        .set_response_timeout(Some(answer_time));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Opens a connection that receives from a channel. It has no time limits of its own; its callers wrap it in `within`.
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

/// Returns Redis's answer, or an error when it does not answer in time.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let silent = |_| Err(RedisError::from((ErrorKind::Io, "Redis does not answer")));
    timeout(limit, answer).await.unwrap_or_else(silent)
}
