//! The received part of an unfinished message: it counts towards the transit budget, and has a time limit. Pings and pongs between its
//! pieces show that a client is alive, not that it will ever finish. The connection knows how much was received; on HTTP/2, where others
//! share the connection, messages are short instead.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::Message;
use tokio::time::{Sleep, sleep};

use super::close::Close;
use crate::budget::Share;
use crate::connections::Activity;

/// The bytes that every socket may hold uncounted.
const SMALL: u64 = 16 * 1024;
/// The time limit of a message, from its first byte to its last.
const MESSAGE_TIME: Duration = Duration::from_secs(30);
/// The header of a short frame, and its mask.
const FRAME_HEADER: u64 = 6;

pub(super) struct Unfinished {
    /// Counts the bytes received.
    activity: Option<Arc<Activity>>,
    share: Share,
    /// The bytes that belong to complete messages.
    complete: u64,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Unfinished {
    pub(super) fn new(activity: Option<Arc<Activity>>, share: Share) -> Self {
        let complete = activity
            .as_ref()
            .map_or(0, |activity| activity.bytes_read());
        Self {
            activity,
            share,
            complete,
            deadline: None,
        }
    }

    /// Notes a message. One that is no control frame completes what was under way.
    pub(super) fn note(&mut self, message: &Message) -> Result<(), Close> {
        let Some(activity) = &self.activity else {
            return Ok(());
        };
        let read = activity.bytes_read();
        match message {
            Message::Ping(payload) | Message::Pong(payload) => {
                let length = payload.len() as u64 + FRAME_HEADER;
                self.complete = (self.complete + length).min(read);
                // This is between pieces that arrive without a pause.
                return self.count(read - self.complete);
            }
            _ => {
                self.complete = read;
                self.deadline = None;
                self.share.set(0);
            }
        }
        Ok(())
    }

    fn count(&mut self, unfinished: u64) -> Result<(), Close> {
        if unfinished <= SMALL {
            return Ok(());
        }
        let unfinished = usize::try_from(unfinished).unwrap_or(usize::MAX);
        let counted = self.share.try_set(unfinished);
        counted.map_err(|_| Close::no_room())
    }

    /// To be called when there is nothing more to read for now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), Close> {
        let Some(activity) = &self.activity else {
            return Ok(());
        };
        let unfinished = activity.bytes_read().saturating_sub(self.complete);
        if unfinished == 0 {
            self.deadline = None;
            return Ok(());
        }
        self.count(unfinished)?;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(MESSAGE_TIME)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Err(Close::unfinished()),
            Poll::Pending => Ok(()),
        }
    }
}
