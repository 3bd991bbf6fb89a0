//! The single connection mode of graphql-sse, for browsers on HTTP/1.1, which have few connections: `PUT` reserves a stream and answers
//! with its token, `GET` opens it, `POST` starts operations whose results come over it, `DELETE` stops one. Streams are known to the
//! gateway that reserved them, and to no other.
//!
//! Why results reach nobody else. A token cannot be guessed, opens one stream once, and ends with it. Operations are started and stopped
//! by the user who has reserved the stream only, under the rights of the request that starts them. To open it the token is enough, because
//! a browser's `EventSource` cannot send headers; but a request that shows who it is has to be of that user.
//!
//! Why it stays within bounds: a stream that is not opened in time is forgotten, with its operations. Reserved and open ones count towards
//! a budget, as do the operations of each. Results are made only as fast as the client takes them (see `Running`), one at a time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::Response;
use entities::users::{Secret, UserId};
use futures::future::{BoxFuture, poll_fn};
use futures::stream::unfold;
use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::time::Interval;

use super::accept::MediaType;
use super::refusal::Refusal;
use super::sse;
use super::streaming::{keep_alive, respond};
use crate::app::App;
use crate::budget::{Budget, Holder, Most, Share};
use crate::connections::Client;
use crate::errors::limit_exceeded;
use crate::operation::Operations;
use crate::params::Params;
use crate::response;
use crate::websocket::message::{MAX_ID_BYTES, encode_id};
use crate::websocket::running::{Running, Step, Stepped};

const TOKEN_HEADER: &str = "x-graphql-event-stream-token";
const TOKEN_PARAMETER: &str = "token";
const OPERATION_ID: &str = "operationId";
/// How long a stream may be reserved before it is opened.
const RESERVED: Duration = Duration::from_secs(30);
/// The most operations of a stream that is not open yet. It has no connection, by which its client would be bounded.
const EARLY: usize = 4;
/// As many as there may be connections.
const MOST: Most = Most {
    in_all: 20_000,
    by_user: 1_000,
    by_network: 10_000,
};

/// The streams of this gateway.
pub(super) struct Streams<O: Operations>(Arc<Table<O>>);

struct Table<O: Operations> {
    known: Mutex<HashMap<String, Arc<Single<O>>>>,
    budget: Budget,
}

/// A stream, from its reservation to its end.
struct Single<O: Operations> {
    user: Option<UserId>,
    caller: O::Caller,
    inner: Mutex<Inner<O>>,
    /// Wakes the response when an operation is added.
    waker: AtomicWaker,
    _place: Share,
}

struct Inner<O: Operations> {
    is_open: bool,
    running: Running<O>,
}

/// Returns the token that a request presents.
pub(super) fn token(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(TOKEN_HEADER);
    let of_header = header.and_then(|token| Some(token.to_str().ok()?.to_owned()));
    of_header.or_else(|| parameter(&parts.uri, TOKEN_PARAMETER))
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    uri.query().filter(|query| query.contains(name))?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let found = pairs.into_iter().find(|(known, _)| known == name);
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

impl<O: Operations> Default for Streams<O> {
    fn default() -> Self {
        Self(Arc::new(Table {
            known: Mutex::default(),
            budget: Budget::new("event streams", MOST),
        }))
    }
}

impl<O: Operations> Streams<O> {
    /// Reserves a stream, and answers with its token.
    pub(super) fn reserve(
        &self,
        app: &App<O>,
        caller: O::Caller,
        client: Option<&Client>,
    ) -> Result<Response, Refusal> {
        let user = app.operations.user(&caller);
        let network = client.map(|client| Holder::network(client.address));
        let mut place = self.0.budget.share([user.map(Holder::User), network]);
        place.grow(1).map_err(Refusal::spent)?;
        let token = Secret::generate().map_err(Refusal::internal)?;
        let token = token.reveal().to_owned();
        let single = Arc::new(Single {
            user,
            caller,
            inner: Mutex::new(Inner {
                is_open: false,
                running: Running::new(),
            }),
            waker: AtomicWaker::new(),
            _place: place,
        });
        self.0.known.lock().insert(token.clone(), single);
        let table = Arc::downgrade(&self.0);
        tokio::spawn(forget_unopened(table, token.clone(), RESERVED));
        let mut response = Response::new(Body::from(token));
        *response.status_mut() = StatusCode::CREATED;
        let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        Ok(response)
    }

    /// Opens a reserved stream.
    pub(super) fn open(
        &self,
        app: &Arc<App<O>>,
        token: String,
        caller: &O::Caller,
    ) -> Result<Response, Refusal> {
        let single = self.0.get(&token)?;
        let user = app.operations.user(caller);
        if user.is_some() && user != single.user {
            return Err(not_yours());
        }
        if std::mem::replace(&mut single.inner.lock().is_open, true) {
            return Err(Refusal::conflict("The stream is open already"));
        }
        let opened = Opened {
            is_new: true,
            disconnected: Box::pin(app.operations.disconnected(&single.caller)),
            stopped: Box::pin(app.shutdown.wait_jittered(app.websocket.drain_time)),
            keep_alive: keep_alive(app),
            table: self.0.clone(),
            token,
            single,
        };
        let events = unfold(opened, |mut opened| async move {
            let event = opened.next().await?;
            Some((event, opened))
        });
        Ok(respond(MediaType::EventStream, events))
    }

    /// Starts an operation, whose results come over the stream.
    pub(super) fn start(
        &self,
        app: &Arc<App<O>>,
        token: &str,
        caller: &O::Caller,
        params: Params,
    ) -> Result<Response, Refusal> {
        let single = self.of(app, token, caller)?;
        let id = match params.extensions.0.get(OPERATION_ID) {
            Some(async_graphql::Value::String(id)) if !id.is_empty() => id.clone(),
            _ => return Err(Refusal::bad_request("extensions.operationId is missing")),
        };
        if id.len() > MAX_ID_BYTES {
            let message = format!("extensions.operationId is longer than {MAX_ID_BYTES} bytes");
            return Err(Refusal::bad_request(message));
        }
        let mut inner = single.inner.lock();
        if inner.running.contains(&id) {
            return Err(Refusal::conflict("There is an operation with this id"));
        }
        let maximum = app.websocket.max_operations;
        let maximum = match inner.is_open {
            true => maximum,
            false => maximum.min(EARLY),
        };
        // Who stops operations and starts others before the stream is read holds both for a while.
        if inner.running.len() >= maximum || inner.running.held() >= 2 * maximum {
            let message = format!("The stream may have {maximum} operations now");
            return Err(limit_exceeded("operations", maximum, message).into());
        }
        inner.running.start(app, caller, &id, params);
        drop(inner);
        single.waker.wake();
        Ok(empty(StatusCode::ACCEPTED))
    }

    /// Stops an operation. One that has just ended by itself is stopped as well.
    pub(super) fn stop(
        &self,
        app: &App<O>,
        token: &str,
        caller: &O::Caller,
        uri: &Uri,
    ) -> Result<Response, Refusal> {
        let single = self.of(app, token, caller)?;
        let id = parameter(uri, OPERATION_ID)
            .ok_or_else(|| Refusal::bad_request("The parameter `operationId` is missing"))?;
        single.inner.lock().running.cancel(&id);
        // The operation is dropped when it is next polled.
        single.waker.wake();
        Ok(empty(StatusCode::OK))
    }

    /// Returns the caller's stream.
    fn of(&self, app: &App<O>, token: &str, caller: &O::Caller) -> Result<Arc<Single<O>>, Refusal> {
        let single = self.0.get(token)?;
        match app.operations.user(caller) == single.user {
            true => Ok(single),
            false => Err(not_yours()),
        }
    }
}

impl<O: Operations> Table<O> {
    fn get(&self, token: &str) -> Result<Arc<Single<O>>, Refusal> {
        let known = self.known.lock().get(token).cloned();
        known.ok_or_else(|| {
            Refusal::not_found(
                "There is no such event stream on this gateway: reserve one with PUT",
            )
        })
    }

    fn remove(&self, token: &str) -> Option<Arc<Single<O>>> {
        self.known.lock().remove(token)
    }
}

async fn forget_unopened<O: Operations>(table: Weak<Table<O>>, token: String, reserved: Duration) {
    tokio::time::sleep(reserved).await;
    let Some(table) = table.upgrade() else { return };
    let single = table.known.lock().get(&token).cloned();
    if let Some(single) = single {
        // Who has found it before, and opens it from here on, is refused.
        let is_open = std::mem::replace(&mut single.inner.lock().is_open, true);
        if !is_open {
            table.remove(&token);
        }
    }
}

fn not_yours() -> Refusal {
    Refusal::forbidden("The event stream was reserved by somebody else")
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An open stream. It is forgotten when its response is dropped.
struct Opened<O: Operations> {
    is_new: bool,
    disconnected: BoxFuture<'static, ()>,
    stopped: BoxFuture<'static, ()>,
    keep_alive: Interval,
    table: Arc<Table<O>>,
    token: String,
    single: Arc<Single<O>>,
}

impl<O: Operations> Drop for Opened<O> {
    fn drop(&mut self) {
        self.table.remove(&self.token);
    }
}

impl<O: Operations> Opened<O> {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.is_new) {
            return Some(Bytes::from_static(sse::KEEP_ALIVE));
        }
        let single = &self.single;
        let stepped = tokio::select! {
            biased;
            () = &mut self.disconnected => return None,
            stepped = poll_fn(|cx| single.poll_step(cx)) => stepped,
            () = &mut self.stopped => return None,
            _ = self.keep_alive.tick() => return Some(Bytes::from_static(sse::KEEP_ALIVE)),
        };
        self.keep_alive.reset();
        Some(events_of(stepped).into())
    }
}

impl<O: Operations> Single<O> {
    fn poll_step(&self, cx: &mut Context<'_>) -> Poll<Stepped> {
        // An operation that is added from here on wakes this task.
        self.waker.register(cx.waker());
        match self.inner.lock().running.poll_step(cx) {
            Poll::Ready(Some(stepped)) => Poll::Ready(stepped),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Formats a step of an operation.
fn events_of(stepped: Stepped) -> Vec<u8> {
    let id = encode_id(&stepped.operation);
    let next = |result: &[u8]| {
        let begin = b"event: next\ndata: {\"id\":";
        [begin, id.as_bytes(), b",\"payload\":", result, b"}\n\n"].concat()
    };
    let complete = || format!("event: complete\ndata: {{\"id\":{id}}}\n\n").into_bytes();
    match stepped.step {
        Step::Next(result) => next(&result),
        Step::Only(result) => [next(&result), complete()].concat(),
        Step::Error(errors) => {
            let refused = async_graphql::Response::from_errors(errors);
            [next(&response::encode(&refused)), complete()].concat()
        }
        Step::Complete => complete(),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;
    use crate::operation::Direct;

    struct Query;

    #[Object]
    impl Query {
        async fn nothing(&self) -> bool {
            true
        }
    }

    type Nothing = Direct<Schema<Query, EmptyMutation, EmptySubscription>>;

    #[tokio::test]
    async fn what_is_not_opened_in_time_is_forgotten() {
        let streams = Streams::<Nothing>::default();
        for (token, is_open) in [("opened", true), ("reserved", false)] {
            let inner = Inner {
                is_open,
                running: Running::new(),
            };
            let mut place = streams.0.budget.share([None, None]);
            place.grow(1).expect("room");
            let single = Single {
                user: None,
                caller: (),
                inner: Mutex::new(inner),
                waker: AtomicWaker::new(),
                _place: place,
            };
            let known = &streams.0.known;
            known.lock().insert(token.to_owned(), Arc::new(single));
            let table = Arc::downgrade(&streams.0);
            forget_unopened(table, token.to_owned(), Duration::ZERO).await;
        }
        assert!(streams.0.get("opened").is_ok());
        assert!(streams.0.get("reserved").is_err());
    }
}
