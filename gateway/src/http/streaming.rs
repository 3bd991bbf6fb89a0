//! A subscription as the body of one response, in the form that the client accepts. It ends with the operation; without a last word that
//! says so when the gateway stops or the user is disconnected, and then the client is to come back.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures::stream::{Stream, StreamExt, unfold};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::accept::MediaType;
use super::{multipart, sse};
use crate::app::App;
use crate::errors::{self, Code, typed};
use crate::operation::{Operations, Payload};
use crate::request_id::RequestId;
use crate::response;

/// The form of a stream.
#[derive(Clone, Copy)]
pub(super) enum Framing {
    EventStream,
    Multipart,
}

impl Framing {
    /// Returns the form of a media type of streams.
    pub(super) const fn of(media_type: MediaType) -> Option<Self> {
        match media_type {
            MediaType::EventStream => Some(Self::EventStream),
            MediaType::Multipart => Some(Self::Multipart),
            MediaType::GraphqlResponse | MediaType::Json => None,
        }
    }

    const fn media_type(self) -> MediaType {
        match self {
            Self::EventStream => MediaType::EventStream,
            Self::Multipart => MediaType::Multipart,
        }
    }

    fn opening(self, cursor: Option<&str>) -> Vec<u8> {
        match self {
            Self::EventStream => sse::opening(cursor),
            Self::Multipart => [multipart::OPENING, multipart::KEEP_ALIVE].concat(),
        }
    }

    fn next(self, result: &[u8]) -> Vec<u8> {
        match self {
            Self::EventStream => sse::next(result),
            Self::Multipart => multipart::next(result),
        }
    }

    const fn complete(self) -> &'static [u8] {
        match self {
            Self::EventStream => sse::COMPLETE,
            Self::Multipart => multipart::COMPLETE,
        }
    }

    const fn keep_alive(self) -> &'static [u8] {
        match self {
            Self::EventStream => sse::KEEP_ALIVE,
            Self::Multipart => multipart::KEEP_ALIVE,
        }
    }
}

/// Answers a subscription. `beginning` is the cursor from which it can be begun again.
pub(super) fn streaming<O: Operations>(
    app: Arc<App<O>>,
    framing: Framing,
    (stream, beginning): (O::Stream, Option<String>),
    disconnected: impl Future<Output = ()> + Send + 'static,
    request_id: RequestId,
) -> Response {
    let stopped = app.shutdown.wait_jittered(app.websocket.drain_time);
    let events = Events {
        framing,
        opening: Some(framing.opening(beginning.as_deref())),
        stream: Some(stream),
        stopped: Box::pin(stopped),
        disconnected: Box::pin(disconnected),
        keep_alive: keep_alive(&app),
        request_id,
        app,
    };
    let events = unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((event, events))
    });
    respond(framing.media_type(), events)
}

struct Events<O: Operations> {
    framing: Framing,
    /// What the stream begins with, until it is sent.
    opening: Option<Vec<u8>>,
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
        if let Some(opening) = self.opening.take() {
            return Some(opening.into());
        }
        let stream = self.stream.as_mut()?;
        let payload = tokio::select! {
            biased;
            () = &mut self.disconnected => return self.interrupted("An administrator has ended this stream"),
            payload = stream.next() => payload,
            () = &mut self.stopped => return self.interrupted("The gateway stops; subscribe again"),
            _ = self.keep_alive.tick() => return Some(Bytes::from_static(self.framing.keep_alive())),
        };
        let event = match payload {
            Some(Payload::Next(result)) => {
                self.keep_alive.reset();
                self.framing.next(&result)
            }
            Some(Payload::Error(errors)) => {
                self.stream = None;
                let refused = self.app.refused(errors, &self.request_id);
                let mut event = self.framing.next(&response::encode(&refused));
                event.extend_from_slice(self.framing.complete());
                event
            }
            None => {
                self.stream = None;
                self.framing.complete().to_vec()
            }
        };
        Some(event.into())
    }

    /// Ends the stream before the operation has ended.
    fn interrupted(&mut self, why: &str) -> Option<Bytes> {
        self.stream = None;
        match self.framing {
            Framing::EventStream => None,
            Framing::Multipart => {
                let error = typed(Code::Unavailable, why);
                let error = errors::with(error, "requestId", self.request_id.as_str());
                Some(multipart::interrupted(&error).into())
            }
        }
    }
}

/// Returns what ticks when an idle stream has to show that it is open.
pub(super) fn keep_alive<O: Operations>(app: &App<O>) -> Interval {
    let period = app.http.sse_keep_alive;
    let mut keep_alive = interval_at(Instant::now() + period, period);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    keep_alive
}

/// Answers with a stream.
pub(super) fn respond(
    media_type: MediaType,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> Response {
    let events = events.map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type.header());
    // Proxies that buffer answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
