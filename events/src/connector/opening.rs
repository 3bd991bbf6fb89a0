//! Opens a connection to one Redis at one address: over TCP, or TLS (`rediss:`), under the name of the product, and with time limits. The
//! operating system itself ends a connection whose peer is gone, even where nobody waits for an answer.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisError, RedisResult,
    TlsCertificates,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::time::timeout;

/// The time limit for connecting to Redis, and for its answer to a call that does not block.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Creates the client for this address. With TLS it trusts these authorities alone, if there are any.
pub(super) fn client(info: ConnectionInfo, ca: Option<&[u8]>) -> RedisResult<Client> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(Duration::from_secs(10));
    let settings = info.redis_settings().clone();
    let settings = settings.set_lib_name("millrace", env!("CARGO_PKG_VERSION"));
    let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
    match ca {
        Some(authorities) => Client::build_with_tls(
            info,
            TlsCertificates {
                client_tls: None,
                root_cert: Some(authorities.to_owned()),
            },
        ),
        None => Client::open(info),
    }
}

/// Opens a connection that waits at most this long for each answer, and to connect. The limit is always finite, so that a Redis that
/// hangs is noticed.
pub(super) async fn open(
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

/// Returns Redis's answer, or an error when it does not answer in time.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let silent = |_| Err(RedisError::from((ErrorKind::Io, "Redis does not answer")));
    timeout(limit, answer).await.unwrap_or_else(silent)
}
