//! Carries whispers between processes: one pub/sub channel for all of them, a connection that sends and one that receives. Messages
//! that cannot be sent now are dropped, including those that queued up meanwhile: nobody wants to read later who was typing.

use std::time::Duration;

use futures::StreamExt;
use redis::{
    ErrorKind, RedisError, RedisResult, Value,
    aio::{PubSubSink, PubSubStream},
};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    EventLog,
    backoff::Backoff,
    bus,
    connector::{ANSWER_TIME, Connection, Redis, within},
    log::WHISPERS_WITHIN,
};

/// The most messages sent in one call.
const BATCH_MESSAGES: usize = 64;
/// How often a silent Redis is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Returns the name of the channel. It contains the epoch, as those of streams do: a copy of the database must not be heard.
pub(crate) fn channel(log: &EventLog, epoch: u32) -> String {
    format!("{}:{epoch:08x}:whispers", bus::prefix(log))
}

pub(crate) async fn send(log: EventLog, redis: Redis, mut queue: mpsc::Receiver<String>) {
    let mut connection = None;
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    let mut batch = Vec::with_capacity(BATCH_MESSAGES);
    while queue.recv_many(&mut batch, BATCH_MESSAGES).await > 0 {
        let channel = channel(&log, log.tail().epoch());
        match publish(&redis, &mut connection, &channel, &batch).await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                let failures = backoff.fail();
                tracing::debug!(%error, failures, "whispers do not reach other processes");
                connection = None;
                sleep(backoff.pause()).await;
                while queue.try_recv().is_ok() {}
            }
        }
        batch.clear();
    }
}

async fn publish(
    redis: &Redis,
    connection: &mut Option<Connection>,
    channel: &str,
    batch: &[String],
) -> RedisResult<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(redis.connect(ANSWER_TIME).await?),
    };
    let mut pipeline = redis::pipe();
    for message in batch {
        pipeline.publish(channel, message).ignore();
    }
    pipeline.query_async(connection).await
}

pub(crate) async fn hear(log: EventLog, redis: Redis) {
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    loop {
        let epoch = log.tail().epoch();
        match redis.subscribe(&channel(&log, epoch)).await {
            Ok((sink, messages, mut hold)) => {
                backoff.reset();
                let error = tokio::select! {
                    error = watch(sink) => error,
                    error = receive(&log, messages) => error,
                    error = hold.end() => error,
                    () = log.tail().end_of(epoch) => continue,
                };
                tracing::info!(%error, "whispers of other processes are not received; trying again");
            }
            Err(error) => {
                let failures = backoff.fail();
                tracing::debug!(%error, failures, "whispers cannot be subscribed to");
            }
        }
        sleep(backoff.pause()).await;
    }
}

/// Ends when Redis no longer answers; silence of the channel is no reason.
async fn watch(mut sink: PubSubSink) -> RedisError {
    loop {
        sleep(PING_INTERVAL).await;
        if let Err(error) = within(ANSWER_TIME, sink.ping::<Value>()).await {
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
