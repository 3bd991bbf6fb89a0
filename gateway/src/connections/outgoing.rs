//! An answer on its way to its client: the connection is not idle until the answer has been handed over, and its bytes are counted until
//! they are sent, wherever they are buffered.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::activity::{Hold, Running, Waiting};
use crate::budget::{Budget, Holder, Share};

/// Smaller pieces are not counted: a connection has few of them.
const SMALL: usize = 4 * 1024;

pub(super) struct Outgoing {
    pub(super) body: Body,
    pub(super) transit: Budget,
    pub(super) holders: [Option<Holder>; 2],
    /// What counts the whole of an answer before the first of it is wanted: a stream of HTTP/2 may be given no room at all.
    pub(super) whole: Option<Share>,
    /// Set on HTTP/2, where a stream may stand still while its connection does not.
    pub(super) waiting: Option<Waiting>,
    pub(super) _held: (Option<Running>, Hold),
}

/// Counts the whole of an answer, if it is known, and not small.
pub(super) fn count_whole(body: &Body, mut share: Share) -> Option<Share> {
    let bytes = usize::try_from(body.size_hint().exact()?).ok()?;
    (bytes > SMALL).then(|| {
        share.set(bytes);
        share
    })
}

impl Outgoing {
    fn count(&mut self, bytes: Bytes) -> Bytes {
        if bytes.len() <= SMALL {
            return bytes;
        }
        let share = self.whole.take();
        let share = share.unwrap_or_else(|| self.transit.share(self.holders));
        share.count(bytes)
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Some(waiting) = &self.waiting {
            match &polled {
                Poll::Ready(Some(Ok(_))) => waiting.for_client(),
                _ => waiting.for_us(),
            }
        }
        polled.map(|frame| {
            let frame = frame?;
            Some(frame.map(|frame| frame.map_data(|bytes| self.count(bytes))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
