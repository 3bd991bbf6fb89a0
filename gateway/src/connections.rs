//! One connection of HTTP/1.1 or HTTP/2, and its graceful end when the process stops, which loses no request under way. HTTP/2 has GOAWAY. On
//! HTTP/1.1 answers say `Connection: close` from the moment the process drains, so clients that send requests open their next connection
//! elsewhere; a client that has sent none until the stop gets a moment longer. Idle connections, and those with a slow client, do not hold up
//! the stop; and no connection is kept forever whose client sends nothing, or takes nothing (`activity`, `stream`). Called by `server`.

mod activity;
mod incoming;
mod options;
mod outgoing;
mod places;
mod proxied;
mod stream;
#[cfg(test)]
mod tests;
mod transport;
mod upgraded;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Version};
use axum::response::Response;
use futures::future::{BoxFuture, Either, ready};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tower::Service as _;

pub(crate) use activity::{Activity, Hold, Patience};
use incoming::{Incoming, Rest};
use options::set_options;
use outgoing::{Outgoing, count_whole};
use places::Place;
pub(crate) use places::Places;
pub use places::{ConnectionSettings, raise_descriptor_limit};
use stream::Stream;
use transport::Transport;
pub(crate) use upgraded::Upgraded;

use crate::budget::{Budget, Holder, Spent};
use crate::errors::{Code, typed};
use crate::forwarding::Forwarding;
use crate::hosts::{self, AllowedHost};
use crate::request_id::RequestId;
use crate::response;
use crate::shutdown::Shutdown;
use crate::tls::Tls;

/// How long after the beginning of the stop a request on its way to an idle connection is still accepted.
const LINGER: Duration = Duration::from_millis(250);
/// How long a client may take to read the rest of its answer, or to continue sending a request.
const SLOW_CLIENT: Duration = Duration::from_millis(1_500);
/// How often a connection is checked for being quiet.
const LOOK: Duration = Duration::from_millis(50);
/// How long it may take to tell a client of HTTP/2 that its connection ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a client of HTTP/2 with an open stream is pinged, and how long it has to answer.
const ASK: Duration = Duration::from_secs(30);
const REPLY: Duration = Duration::from_secs(20);
/// Buffer sizes of one connection: that for the head of a request and unsent bytes, and on HTTP/2 that of a stream.
const BUFFER: usize = 128 * 1024;
const STREAM_BUFFER: u32 = 64 * 1024;
const MOST_STREAMS: u32 = 100;
/// The answer to a client for whom there is no place. Its request is not read.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-type: application/json\r\ncontent-length: 117\r\n\r\n\
    {\"errors\":[{\"message\":\"The gateway has too many connections; try again later\",\
    \"extensions\":{\"code\":\"UNAVAILABLE\"}}]}\n";

/// The origin of a request; the server adds it to every one.
#[derive(Clone)]
pub(crate) struct Client {
    /// The client's address: that of the peer, or the one that a proxy reports.
    pub(crate) address: IpAddr,
    pub(crate) activity: Arc<Activity>,
}

/// Answers requests for one path.
pub(crate) trait Endpoint: Send + Sync {
    fn answer(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response>;
}

/// The state that all connections share.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) router: Router,
    /// What answers POST requests for `/graphql` without going through the routes.
    pub(crate) endpoint: Option<Arc<dyn Endpoint>>,
    pub(crate) shutdown: Shutdown,
    /// The bytes in transit to and from clients.
    pub(crate) transit: Budget,
    pub(crate) forwarded: Forwarding,
    pub(crate) places: Arc<Places>,
    /// The names by which the gateway may be called.
    pub(crate) hosts: Arc<[AllowedHost]>,
    pub(crate) patience: Patience,
    /// How clients speak with it, where that is not plain.
    pub(crate) tls: Option<Tls>,
}

impl Door {
    /// Takes a place for a connection that was just accepted. A client that gets none is told, if that is possible without waiting.
    pub(crate) fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Entrant> {
        let activity = Arc::new(Activity::new(self.patience));
        let Some(place) = self.places.take(peer.ip(), &activity) else {
            if self.tls.is_none() {
                let _ = stream.try_write(NO_PLACE);
            }
            return None;
        };
        Some(Entrant {
            stream,
            peer: peer.ip(),
            activity,
            place,
        })
    }
}

/// A connection that has a place.
pub(crate) struct Entrant {
    stream: TcpStream,
    peer: IpAddr,
    activity: Arc<Activity>,
    place: Place,
}

fn builder(patience: Patience) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.next_request)
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(ASK)
        .keep_alive_timeout(REPLY)
        .max_concurrent_streams(MOST_STREAMS)
        .initial_stream_window_size(STREAM_BUFFER)
        .initial_connection_window_size(STREAM_BUFFER * 4)
        .max_send_buf_size(STREAM_BUFFER as usize)
        .enable_connect_protocol();
    builder
}

/// Serves one connection to its end.
pub(crate) async fn serve(entrant: Entrant, door: Door) {
    let Entrant {
        mut stream,
        peer,
        activity,
        place,
    } = entrant;
    set_options(&stream);
    let told = (&door.forwarded, &door.shutdown);
    let Some(peer) = proxied::client_of(&mut stream, peer, &activity, told).await else {
        return;
    };
    let stream = Stream::new(stream, activity.clone(), place, door.patience.stall);
    let shutdown = door.shutdown.clone();
    let opening = Transport::open(stream, door.tls.as_ref(), &activity, &shutdown);
    let Some(transport) = opening.await else {
        return;
    };
    let builder = builder(door.patience);
    let service = Watched {
        door,
        peer,
        activity: activity.clone(),
        host: Mutex::default(),
    };
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(transport), service);
    let mut connection = pin!(connection);
    let mut overdue = pin!(activity.overdue());
    let ended = |result: Result<(), Box<dyn std::error::Error + Send + Sync>>| {
        if let Err(error) = result {
            tracing::debug!(error, "a connection ended early");
        }
    };
    let mut is_overdue = false;
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        why = overdue.as_mut() => {
            tracing::debug!("a connection is closed: {why}");
            is_overdue = true;
        }
        () = shutdown.wait_draining() => {}
    }
    if activity.is_http2() {
        connection.as_mut().graceful_shutdown();
    }
    if is_overdue {
        if activity.is_http2() {
            // The peer learns of it if it listens.
            let _ = timeout(FAREWELL, connection).await;
        }
        return;
    }
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        why = overdue.as_mut() => return tracing::debug!("a connection is closed: {why}"),
        () = shutdown.wait() => {}
    }
    if !activity.is_http2() {
        tokio::select! {
            result = connection.as_mut() => return ended(result),
            () = quiet(&activity, LINGER) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        result = connection => ended(result),
        () = quiet(&activity, SLOW_CLIENT) => tracing::debug!("a connection was closed on a slow client"),
    }
}

/// Resolves when nothing has been executed for this long.
async fn quiet(activity: &Activity, long: Duration) {
    let mut since = Instant::now();
    while since.elapsed() < long {
        sleep(LOOK).await;
        if activity.is_running() {
            since = Instant::now();
        }
    }
}

/// The routes, with a record of what they are doing.
struct Watched {
    door: Door,
    peer: IpAddr,
    activity: Arc<Activity>,
    /// The name by which this client has called the gateway before, which was allowed.
    host: Mutex<Option<HeaderValue>>,
}

impl Watched {
    /// Returns the answer to a request that is refused unread.
    fn refusal<B>(
        &self,
        request: &axum::http::Request<B>,
        holders: &[Option<Holder>; 2],
    ) -> Option<Response> {
        let headers = request.headers();
        let id = || RequestId::from_headers(headers);
        let path = request.uri().path();
        let is_probe = path.starts_with("/health/") || path == "/metrics";
        if !is_probe && let Some((status, code, message)) = self.host_refusal(request) {
            let error = typed(code, message);
            return Some(response::plain_refusal(status, error, &id()));
        }
        let spent = self.door.transit.check(holders).err()?;
        Some(refuse(spent, &id()))
    }

    /// Returns why a request is not answered under its name. A name that is allowed is remembered, as a connection usually calls by one.
    fn host_refusal<B>(
        &self,
        request: &axum::http::Request<B>,
    ) -> Option<(StatusCode, Code, &'static str)> {
        let (uri, headers) = (request.uri(), request.headers());
        let named = headers.get(HOST).filter(|_| uri.authority().is_none());
        let mut known = self.host.lock();
        let is_one = headers.get_all(HOST).iter().nth(1).is_none();
        if named.is_some() && is_one && known.as_ref() == named {
            return None;
        }
        if !hosts::is_named(request.version(), headers) {
            let message = "A request needs one header Host, with the name of a host";
            return Some((StatusCode::BAD_REQUEST, Code::BadRequest, message));
        }
        if !hosts::is_allowed(uri, headers, &self.door.hosts) {
            let message = "The gateway is not to be called by this name (MILLRACE_ALLOWED_HOSTS)";
            return Some((StatusCode::FORBIDDEN, Code::Forbidden, message));
        }
        if named.is_some() {
            *known = named.cloned();
        }
        None
    }

    /// Returns what answers the request.
    fn answering(&self, request: Request) -> BoxFuture<'static, Response> {
        match &self.door.endpoint {
            Some(endpoint) if is_plain_post(&request) => endpoint.clone().answer(request),
            _ => {
                let mut router = self.door.router.clone();
                Box::pin(async move {
                    let Ok(response) = router.call(request).await;
                    response
                })
            }
        }
    }
}

impl Service<axum::http::Request<hyper::body::Incoming>> for Watched {
    type Response = axum::http::Response<Outgoing>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: axum::http::Request<hyper::body::Incoming>) -> Self::Future {
        let version = request.version();
        let activity = self.activity.clone();
        activity.note_request(version == Version::HTTP_2);
        let (running, hold) = (activity.run(), activity.hold());
        let address = self.door.forwarded.address(request.headers(), self.peer);
        let client = Client {
            address,
            activity: activity.clone(),
        };
        request.extensions_mut().insert(client);
        let holders = [None, Some(Holder::network(address))];
        // On HTTP/2 an answer may come before the end of a body, and a client that waits for permission to send one does not get it.
        let may_discard = version < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
        let rest = Rest::default();
        // A client that does not take its answers gets no more.
        let answering = match self.refusal(&request, &holders) {
            Some(refused) => Either::Left(ready(refused)),
            None => {
                let incoming = |body| Body::new(Incoming::new(body, rest.clone()));
                Either::Right(self.answering(request.map(incoming)))
            }
        };
        let (shutdown, transit) = (self.door.shutdown.clone(), self.door.transit.clone());
        Box::pin(async move {
            let mut response = answering.await;
            if may_discard && rest.is_some() && !shutdown.has_begun() {
                // Reading takes up budget, too: a client that has none left is not spared the failure.
                let mut room = transit.share(holders);
                if room.grow(BUFFER).is_ok() {
                    rest.discard().await;
                }
            }
            let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if version < Version::HTTP_2 && !is_upgrade && shutdown.is_draining() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            let running = is_stream(&response).then_some(running);
            let waiting = (version == Version::HTTP_2).then(|| activity.answer());
            Ok(response.map(|body| Outgoing {
                whole: count_whole(&body, transit.share(holders)),
                body,
                transit,
                holders,
                waiting,
                _held: (running, hold),
            }))
        })
    }
}

/// Returns whether this is what almost all requests are.
fn is_plain_post(request: &Request) -> bool {
    request.method() == Method::POST && matches!(request.uri().path(), "/graphql" | "/graphql/")
}

/// Returns the answer to a client that holds too much already.
fn refuse(spent: Spent, id: &RequestId) -> Response {
    let status = spent.status();
    let mut response = response::plain_refusal(status, spent.into_error(), id);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn is_stream(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map_or(&b""[..], HeaderValue::as_bytes);
    content_type.starts_with(b"text/event-stream") || content_type.starts_with(b"multipart/mixed")
}
