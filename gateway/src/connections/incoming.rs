//! The rest of a request's body when its answer is ready early. A browser that is still sending does not show an answer whose connection
//! is closed meanwhile, and reports a failed fetch. So a small rest is read before the answer is sent: code that refuses a request, for
//! whatever reason, need not think of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::timeout;

/// The most bytes read of an unwanted body.
const MOST_BYTES: usize = 2 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(5);

/// A body that is handed back when its reader has had enough.
pub(super) struct Incoming<B: Whole> {
    body: Option<B>,
    rest: Rest,
}

/// A body of which the rest can be kept.
pub(super) trait Whole:
    HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static
{
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Whole for B {}

/// Receives the rest of a body.
#[derive(Clone, Default)]
pub(super) struct Rest(Arc<Mutex<Option<Body>>>);

impl<B: Whole> Incoming<B> {
    pub(super) fn new(body: B, rest: Rest) -> Self {
        Self {
            body: Some(body),
            rest,
        }
    }
}

impl<B: Whole> Drop for Incoming<B> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.rest.0.lock() = Some(Body::new(body));
        }
    }
}

impl Rest {
    /// Returns whether there is any.
    pub(super) fn is_some(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Reads and discards the rest.
    pub(super) async fn discard(self) {
        let rest = self.0.lock().take();
        let Some(body) = rest.filter(|body| body.size_hint().lower() <= MOST_BYTES as u64) else {
            return;
        };
        let reading = async {
            let (mut pieces, mut read) = (body.into_data_stream(), 0);
            while read <= MOST_BYTES
                && let Some(Ok(piece)) = pieces.next().await
            {
                read += piece.len();
            }
        };
        let _ = timeout(LONGEST, reading).await;
    }
}

impl<B: Whole> HttpBody for Incoming<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_read_is_read_and_what_is_too_much_is_not() {
        let pieces = |count: usize| {
            let taken = Arc::new(Mutex::new(0));
            let counted = taken.clone();
            let pieces = (0..count).map(move |_| {
                *counted.lock() += 1;
                Ok::<_, BoxError>(Bytes::from(vec![0; 100_000]))
            });
            (Body::from_stream(futures::stream::iter(pieces)), taken)
        };
        for (count, expected) in [(4, 4), (1_000, 22)] {
            let (body, taken) = pieces(count);
            let rest = Rest::default();
            let mut reader = Body::new(Incoming::new(body, rest.clone())).into_data_stream();
            assert!(reader.next().await.is_some());
            drop(reader);
            rest.discard().await;
            assert_eq!(*taken.lock(), expected);
        }
        let rest = Rest::default();
        let known = Body::from(vec![0; MOST_BYTES * 2]);
        drop(Incoming::new(known, rest.clone()));
        rest.clone().discard().await;
        assert!(rest.0.lock().is_none());
    }
}
