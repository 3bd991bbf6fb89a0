//! Whispers: messages that matter only at this moment, such as that somebody is typing. They are not in the log, have no
//! position, and are lost to a client that does not listen, listens too slowly, or is cut off from Redis. Listeners of this
//! process get them at once; `carrier` carries them to other processes, and drops those that come back to their origin. Nothing
//! here waits: the queue to Redis and the channels of listeners are bounded, and drop messages instead.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use crate::StreamKey;

/// The longest message, in bytes; longer ones are dropped.
const MAX_MESSAGE_BYTES: usize = 16 << 10;
/// The number of messages by which a listener may fall behind before it loses the oldest.
const LISTENER_MESSAGES: usize = 64;
/// The most messages that wait to be sent to Redis.
pub(crate) const QUEUED_MESSAGES: usize = 1024;
/// The number of channels below which a sweep for those without listeners is not worthwhile.
const UNSWEPT: usize = 64;

type Sender = broadcast::Sender<Arc<str>>;

/// The form of a whisper in Redis.
#[derive(Serialize, Deserialize)]
struct Sent<'a> {
    /// The process it comes from, whose listeners already have it.
    origin: Uuid,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    stream_id: Uuid,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// The whispers of one process.
pub(crate) struct Whispers {
    origin: Uuid,
    channels: Mutex<Channels>,
    /// The queue to Redis, if there is one.
    queue: Option<mpsc::Sender<String>>,
}

#[derive(Default)]
struct Channels {
    by_stream: HashMap<(&'static str, Uuid), Sender>,
    /// The number of channels that the last sweep left.
    left: usize,
}

impl Whispers {
    pub(crate) fn new(queue: Option<mpsc::Sender<String>>) -> Self {
        Self {
            origin: Uuid::now_v7(),
            channels: Mutex::default(),
            queue,
        }
    }

    pub(crate) fn whisper(&self, topic: StreamKey, message: &str) {
        if message.len() > MAX_MESSAGE_BYTES {
            let (stream, bytes) = (topic.kind, message.len());
            tracing::warn!(stream, bytes, "a whisper is too long, and was dropped");
            return;
        }
        self.deliver(topic.kind, topic.id, message);
        let Some(queue) = &self.queue else {
            return;
        };
        let sent = Sent {
            origin: self.origin,
            stream: topic.kind.into(),
            stream_id: topic.id,
            message: message.into(),
        };
        match serde_json::to_string(&sent) {
            // A full queue drops the message: Redis is slow, or gone.
            Ok(text) => drop(queue.try_send(text)),
            Err(error) => tracing::warn!(%error, "a whisper cannot be written as JSON"),
        }
    }

    pub(crate) fn listen(&self, topic: StreamKey) -> broadcast::Receiver<Arc<str>> {
        self.with_channels(|channels| {
            // As many were added as were left: the sweep costs no more than the additions did.
            if channels.by_stream.len() >= UNSWEPT.max(2 * channels.left) {
                channels
                    .by_stream
                    .retain(|_, sender| sender.receiver_count() > 0);
                channels.left = channels.by_stream.len();
            }
            let sender = channels.by_stream.entry((topic.kind, topic.id));
            sender
                .or_insert_with(|| Sender::new(LISTENER_MESSAGES))
                .subscribe()
        })
    }

    /// Hands on a message of another process.
    pub(crate) fn receive(&self, text: &[u8]) {
        match serde_json::from_slice::<Sent<'_>>(text) {
            Ok(sent) if sent.origin == self.origin => {}
            Ok(sent) => self.deliver(&sent.stream, sent.stream_id, &sent.message),
            Err(error) => tracing::warn!(%error, "a message in Redis is not a whisper"),
        }
    }

    fn deliver(&self, kind: &str, id: Uuid, message: &str) {
        self.with_channels(|channels| {
            if let Some(sender) = channels.by_stream.get(&(kind, id)) {
                // An error means that nobody is listening any more.
                let _ = sender.send(message.into());
            }
        });
    }

    fn with_channels<T>(&self, work: impl FnOnce(&mut Channels) -> T) -> T {
        work(&mut self.channels.lock())
    }
}

#[cfg(test)]
mod tests;
