//! The server: routes, the accept loop and the graceful stop. Connections are limited in what they may hold open
//! without sending anything; nothing here knows a schema.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use clap::Args;
use clap::builder::BoolishValueParser;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;

use crate::app::App;
use crate::config::{Config, DEFAULT_LISTEN};
use crate::credentials::PeerAddress;
use crate::document::Documents;
use crate::health::{self, Ready};
use crate::operation::Operations;
use crate::request_id::{self, RequestId};
use crate::shutdown::Shutdown;
use crate::{http, origin, pages};

/// Time for a client to send a request's headers, and so also the time an idle connection is kept. Longer than the
/// usual 60 s of proxies, which else would now and then send a request on a connection that is just being closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// After the drain time, requests in flight get this much more.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Accepting fails when the process is out of file descriptors; trying again at once would only burn CPU.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// Settings of the server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "MILLRACE_LISTEN", default_value_t = DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Run as in production: no introspection, no /schema.graphql, no administrator or data made up
    #[arg(long, env = "MILLRACE_PRODUCTION", value_parser = BoolishValueParser::new())]
    pub production: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            production: false,
        }
    }
}

/// What the server serves.
pub struct Service<O> {
    pub operations: O,
    /// The schema, as `/schema.graphql` shows it, if it does.
    pub sdl: Option<String>,
    pub config: Config,
    pub ready: Ready,
    pub shutdown: Shutdown,
}

/// Serves until the service's shutdown has begun and all connections are done, or their time is over.
///
/// # Errors
///
/// When the listener has no address.
pub async fn serve<O: Operations>(listener: TcpListener, service: Service<O>) -> io::Result<()> {
    let shutdown = service.shutdown.clone();
    let drain_time = service.config.websocket.drain_time;
    let address = listener.local_addr()?;
    let router = router(service);
    let graceful = GracefulShutdown::new();
    tracing::info!(%address, "listening on {address}");

    let mut stop = std::pin::pin!(shutdown.wait());
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                serve_connection(stream, PeerAddress(peer), router.clone(), &graceful);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }
    drop(listener);
    let sockets = shutdown.open_sockets();
    tracing::info!(sockets, "stopping; {sockets} sockets to close");
    let done = async {
        graceful.shutdown().await;
        shutdown.all_sockets_closed().await;
    };
    if tokio::time::timeout(drain_time + STOP_GRACE, done)
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
    Ok(())
}

fn serve_connection(
    stream: TcpStream,
    peer: PeerAddress,
    router: Router,
    graceful: &GracefulShutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .enable_connect_protocol();
        let service = TowerToHyperService::new(Extension(peer).layer(router));
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended early");
        }
    });
}

/// All routes. Public so that tests can serve them without a listener.
pub fn router<O: Operations>(service: Service<O>) -> Router {
    let Service {
        operations,
        sdl,
        config,
        ready,
        shutdown,
    } = service;
    let cors = origin::cors(&config.http.allowed_origins);
    let app = Arc::new(App {
        operations,
        documents: Documents::new(config.limits),
        http: config.http,
        websocket: config.websocket,
        forwarded_addresses: config.sign_in.forwarded_addresses,
        shutdown: shutdown.clone(),
    });
    let others = Router::new()
        .merge(pages::routes(sdl))
        .merge(health::routes(ready, shutdown))
        .fallback(any(http::not_found))
        .layer(from_fn(complete_headers));
    let graphql = Router::new()
        .route("/graphql", any(http::graphql::<O>))
        .with_state(app);
    let graphql = match cors {
        Some(cors) => graphql.layer(cors),
        None => graphql,
    };
    graphql.merge(others)
}

/// The headers every answer has; `/graphql` sets its own, to spare itself this layer.
async fn complete_headers(mut request: Request, next: Next) -> Response {
    let id = RequestId::from_headers(request.headers()).to_header();
    request.headers_mut().insert(request_id::HEADER, id.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}
