//! One connection of HTTP/1.1 or HTTP/2, and how it ends when the process stops: politely, so that no request is lost that was
//! under way. HTTP/2 has GOAWAY. On HTTP/1.1 answers say `Connection: close` from the moment the process drains, so clients that
//! send requests open their next connection elsewhere; who has sent none until the stop gets a moment more to do so.
//! Connections on which nothing is being done, or on which a client is slow, do not hold the stop up. Called by `server`.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Version};
use axum::response::Response;
use axum::{Extension, Router};
use futures::StreamExt;
use futures::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tower::{Layer, Service};

use crate::credentials::PeerAddress;
use crate::shutdown::Shutdown;

/// Time for a client to send a request's headers, and so also the time an idle connection is kept. Longer than the
/// usual 60 s of proxies, which else would now and then send a request on a connection that is just being closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// After the stop has begun, a request that is under way to an idle connection is still taken for so long.
const LINGER: Duration = Duration::from_millis(250);
/// A client that has its answer may take so long to read the rest of it, and one that sends a request so long to go on.
const SLOW_CLIENT: Duration = Duration::from_millis(1_500);
/// How often it is looked whether a connection is quiet.
const LOOK: Duration = Duration::from_millis(50);

/// What is going on on a connection.
#[derive(Default)]
struct Activity {
    /// Requests that are executed, and event streams.
    running: AtomicUsize,
    is_http2: AtomicBool,
}

/// Held while a request is executed.
struct Running(Arc<Activity>);

impl Running {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.running.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: PeerAddress,
    router: Router,
    shutdown: Shutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let activity = Arc::<Activity>::default();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol();
    let service = TowerToHyperService::new(Watched {
        inner: Extension(peer).layer(router),
        activity: activity.clone(),
        shutdown: shutdown.clone(),
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = |result: Result<(), Box<dyn std::error::Error + Send + Sync>>| {
        if let Err(error) = result {
            tracing::debug!(error, "a connection ended early");
        }
    };
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = shutdown.wait_draining() => {}
    }
    if activity.is_http2.load(Ordering::Relaxed) {
        connection.as_mut().graceful_shutdown();
    }
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = shutdown.wait() => {}
    }
    if !activity.is_http2.load(Ordering::Relaxed) {
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

/// Resolves when nothing has been executed for so long.
async fn quiet(activity: &Activity, long: Duration) {
    let mut since = Instant::now();
    while since.elapsed() < long {
        sleep(LOOK).await;
        if activity.running.load(Ordering::Relaxed) > 0 {
            since = Instant::now();
        }
    }
}

/// The routes, with a note of what they are doing.
#[derive(Clone)]
struct Watched<S> {
    inner: S,
    activity: Arc<Activity>,
    shutdown: Shutdown,
}

impl<S, B> Service<axum::http::Request<B>> for Watched<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
    B: axum::body::HttpBody<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: axum::http::Request<B>) -> Self::Future {
        let version = request.version();
        if version == Version::HTTP_2 {
            self.activity.is_http2.store(true, Ordering::Relaxed);
        }
        let running = Running::new(&self.activity);
        let answering = self.inner.call(request.map(Body::new));
        let shutdown = self.shutdown.clone();
        Box::pin(async move {
            let mut response = answering.await?;
            let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if version < Version::HTTP_2 && !is_upgrade && shutdown.is_draining() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok(match is_event_stream(&response) {
                true => response.map(|body| held(body, running)),
                false => response,
            })
        })
    }
}

fn is_event_stream(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// The body; what it holds is let go at its end.
fn held(body: Body, running: Running) -> Body {
    Body::from_stream(body.into_data_stream().inspect(move |_| {
        let _ = &running;
    }))
}
