//! The received part of an unfinished message: it counts towards the transit budget, and has a time limit. Pings and pongs between its
//! pieces show that a client is alive, not that it will ever finish.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::close::Close;
use super::wire::Message;
use crate::budget::Share;

/// The bytes that every socket may hold uncounted.
const SMALL: usize = 16 * 1024;
/// The time limit of a message, from its first byte to its last.
const MESSAGE_TIME: Duration = Duration::from_secs(30);

pub(super) struct Unfinished {
    share: Share,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Unfinished {
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            deadline: None,
        }
    }

    /// Notes a message, behind which so many bytes are held. One that is no control frame completes what was under way.
    pub(super) fn note(&mut self, message: &Message, held: usize) -> Result<(), Close> {
        if matches!(message, Message::Text(_) | Message::Binary) {
            self.deadline = None;
        }
        // This is between pieces that arrive without a pause.
        self.count(held)
    }

    fn count(&mut self, held: usize) -> Result<(), Close> {
        let counted = if held > SMALL { held } else { 0 };
        self.share.try_set(counted).map_err(|_| Close::no_room())
    }

    /// To be called when there is nothing more to read for now, with the bytes held.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, held: usize) -> Result<(), Close> {
        self.count(held)?;
        if held == 0 {
            self.deadline = None;
            return Ok(());
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(MESSAGE_TIME)));
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Err(Close::unfinished()),
            Poll::Pending => Ok(()),
        }
    }
}
