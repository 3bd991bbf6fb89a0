//! Whispers between processes: one pub/sub channel for all of them, a connection that sends and one that hears. What
//! cannot be sent now is dropped, also what waited meanwhile: nobody wants to read later who was typing.

use std::time::Duration;

use futures::StreamExt;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, Value,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{EventLog, log::WHISPERS_WITHIN};

/// Messages sent in one call.
const BATCH_MESSAGES: usize = 64;
/// How long Redis may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How often a silent Redis is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Of an epoch, as streams are: a copy of the database is not to be heard.
pub(crate) fn channel(log: &EventLog, epoch: u32) -> String {
    format!("{}:{epoch:08x}:whispers", log.shared.config.redis_prefix)
}

pub(crate) async fn send(log: EventLog, client: Client, mut queue: mpsc::Receiver<String>) {
    let mut connection = None;
    let mut failures = 0_u32;
    let mut batch = Vec::with_capacity(BATCH_MESSAGES);
    while queue.recv_many(&mut batch, BATCH_MESSAGES).await > 0 {
        let channel = channel(&log, log.tail().epoch());
        match publish(&client, &mut connection, &channel, &batch).await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, failures, "whispers do not reach other processes");
                connection = None;
                sleep(pause(failures)).await;
                while queue.try_recv().is_ok() {}
            }
        }
        batch.clear();
    }
}

async fn publish(
    client: &Client,
    connection: &mut Option<MultiplexedConnection>,
    channel: &str,
    batch: &[String],
) -> RedisResult<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(ANSWER_TIME))
                .set_response_timeout(Some(ANSWER_TIME));
            let fresh = client.get_multiplexed_async_connection_with_config(&config);
            connection.insert(fresh.await?)
        }
    };
    let mut pipeline = redis::pipe();
    for message in batch {
        pipeline.publish(channel, message).ignore();
    }
    pipeline.query_async(connection).await
}

pub(crate) async fn hear(log: EventLog, client: Client) {
    let mut failures = 0_u32;
    loop {
        let epoch = log.tail().epoch();
        match subscribe(&client, &channel(&log, epoch)).await {
            Ok((sink, messages)) => {
                failures = 0;
                let error = tokio::select! {
                    error = watch(sink) => error,
                    error = receive(&log, messages) => error,
                    () = log.tail().end_of(epoch) => continue,
                };
                tracing::info!(%error, "whispers of other processes are not heard; trying again");
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, failures, "whispers cannot be subscribed to");
            }
        }
        sleep(pause(failures)).await;
    }
}

async fn subscribe(client: &Client, channel: &str) -> RedisResult<(PubSubSink, PubSubStream)> {
    // This kind of connection knows no time limits of its own.
    let subscribing = async {
        let (mut sink, messages) = client.get_async_pubsub().await?.split();
        sink.subscribe(channel).await?;
        Ok((sink, messages))
    };
    timeout(ANSWER_TIME, subscribing)
        .await
        .unwrap_or_else(|_| Err(silent()))
}

/// Ends when Redis no longer answers; that nobody whispers is no reason.
async fn watch(mut sink: PubSubSink) -> RedisError {
    loop {
        sleep(PING_INTERVAL).await;
        let answer = timeout(ANSWER_TIME, sink.ping::<Value>()).await;
        if let Err(error) = answer.unwrap_or_else(|_| Err(silent())) {
            return error;
        }
    }
}

async fn receive(log: &EventLog, mut messages: PubSubStream) -> RedisError {
    while let Some(message) = messages.next().await {
        if log.is_current(WHISPERS_WITHIN) {
            log.shared.whispers.receive(message.get_payload_bytes());
        }
    }
    RedisError::from((ErrorKind::Io, "the connection ended"))
}

fn silent() -> RedisError {
    RedisError::from((ErrorKind::Io, "Redis does not answer"))
}

fn pause(failures: u32) -> Duration {
    MAX_PAUSE.min(Duration::from_millis(20 << failures.min(6)))
}
