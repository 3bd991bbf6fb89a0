//! GraphQL over server-sent events, distinct connections mode: one operation a response, results as `next` events and
//! a `complete` event at its end. A stream that ends without `complete` (the server stops, or an
//! administrator disconnects the user) tells clients to retry.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use futures::stream::{Stream, StreamExt, once, unfold};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::accept::MediaType;
use crate::app::App;
use crate::errors;
use crate::operation::{Operations, Payload};
use crate::request_id::RequestId;
use crate::response;

const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// Answers an operation with one result, or a refused one.
pub(super) fn single(answer: &async_graphql::Response) -> Response {
    let mut event = next_event(&response::encode(answer));
    event.extend_from_slice(COMPLETE);
    respond(once(async move { Bytes::from(event) }))
}

/// Answers a subscription.
pub(super) fn streaming<O: Operations>(
    app: Arc<App<O>>,
    stream: O::Stream,
    disconnected: impl Future<Output = ()> + Send + 'static,
    request_id: RequestId,
) -> Response {
    let period = app.http.sse_keep_alive;
    let mut keep_alive = interval_at(Instant::now() + period, period);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stopped = app.shutdown.wait_jittered(app.websocket.drain_time);
    let events = Events {
        stream: Some(stream),
        stopped: Box::pin(stopped),
        disconnected: Box::pin(disconnected),
        keep_alive,
        request_id,
        app,
    };
    respond(unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((event, events))
    }))
}

struct Events<O: Operations> {
    /// `None` once the operation is over.
    stream: Option<O::Stream>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    disconnected: Pin<Box<dyn Future<Output = ()> + Send>>,
    keep_alive: Interval,
    request_id: RequestId,
    app: Arc<App<O>>,
}

impl<O: Operations> Events<O> {
    async fn next(&mut self) -> Option<Bytes> {
        let stream = self.stream.as_mut()?;
        let payload = tokio::select! {
            biased;
            () = &mut self.disconnected => return None,
            payload = stream.next() => payload,
            () = &mut self.stopped => return None,
            _ = self.keep_alive.tick() => return Some(Bytes::from_static(b":\n\n")),
        };
        let event = match payload {
            Some(Payload::Next(result)) => {
                self.keep_alive.reset();
                next_event(&result)
            }
            Some(Payload::Error(mut errors)) => {
                self.stream = None;
                errors::finish(&mut errors, &self.request_id, self.app.documents.limits());
                let refused = async_graphql::Response::from_errors(errors);
                let mut event = next_event(&response::encode(&refused));
                event.extend_from_slice(COMPLETE);
                event
            }
            None => {
                self.stream = None;
                COMPLETE.to_vec()
            }
        };
        Some(event.into())
    }
}

/// Formats a result, which is JSON on one line, as [`Payload::Next`] demands.
fn next_event(result: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(result.len() + 32);
    event.extend_from_slice(b"event: next\ndata: ");
    event.extend_from_slice(result);
    event.extend_from_slice(b"\n\n");
    event
}

fn respond(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, MediaType::EventStream.header());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
