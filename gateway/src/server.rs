//! The server: routes, the accept loop and the graceful stop, both for clients and for the probes of a worker process. `connections` has
//! the life of each connection. Nothing here knows a schema.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use entities::users::Users;
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::budget::{Budget, Most};
use crate::config::Config;
use crate::connections::{ConnectionSettings, Door, Endpoint, Patience, Places};
use crate::document::{Documents, Typing};
use crate::forwarding::Forwarding;
use crate::health::{self, Ready};
use crate::hosts::AllowedHost;
use crate::operation::Operations;
use crate::overdue::Overdue;
use crate::persisted::Persisted;
use crate::rates::Rates;
use crate::request_id::{self, RequestId};
use crate::shutdown::Shutdown;
use crate::tls::Tls;
use crate::{avatars, connections, demo, http, origin, pages};

/// How much longer than the drain time requests in flight may take.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Accepting fails when the process is out of file descriptors; retrying at once would only burn CPU.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// The most connections of probes at once.
const MOST_PROBES: usize = 128;
/// The limits on bytes in transit beside clients: metrics may have some hundred kilobytes.
const PROBE_BYTES: Most = Most {
    in_all: 16 * 1024 * 1024,
    by_user: 16 * 1024 * 1024,
    by_network: 16 * 1024 * 1024,
};

/// What the server needs.
pub struct Service<O> {
    pub operations: O,
    /// The schema's text for `/schema.graphql`, if it is served.
    pub sdl: Option<String>,
    /// The users, where visitors may enter as people of the demo data.
    pub demo: Option<Users>,
    /// The users whose pictures are served.
    pub avatars: Option<Users>,
    /// The same schema, against which documents are checked.
    pub typing: Typing,
    /// The documents that requests may name.
    pub persisted: Persisted,
    /// What operations may cost.
    pub rates: Rates,
    pub config: Config,
    pub ready: Ready,
    pub shutdown: Shutdown,
    /// How clients speak with it, where that is not plain.
    pub tls: Option<Tls>,
    /// Who says where clients are.
    pub forwarding: Forwarding,
    /// The process's limit on file descriptors, if there is one.
    pub descriptors: Option<u64>,
}

/// Serves until the service's shutdown has begun and all connections are done, or have run out of time.
///
/// # Errors
///
/// When the listener has no address.
pub async fn serve<O: Operations>(listener: TcpListener, service: Service<O>) -> io::Result<()> {
    // Requests that have begun may take as long as ever.
    let Config {
        websocket, http, ..
    } = &service.config;
    let patience = websocket.drain_time.max(http.request_timeout);
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening on {address}");
    accept(listener, door(service), patience).await;
    Ok(())
}

/// Answers these routes until the process ends, for operators and their machines. Their connections are bounded like those of clients, and
/// are not those of clients.
pub async fn serve_beside(listener: TcpListener, routes: Router, hosts: Arc<[AllowedHost]>) {
    // Whether the process stops is a matter of the routes: they answer until its end.
    let shutdown = Shutdown::default();
    let settings = ConnectionSettings {
        max_clients: Some(MOST_PROBES),
        max_clients_per_address: Some(MOST_PROBES),
        ..ConnectionSettings::default()
    };
    let door = Door {
        shutdown,
        places: Places::new(&settings, None, false),
        forwarded: Forwarding::default(),
        hosts,
        patience: Patience::default(),
        transit: Budget::new("bytes on their way", PROBE_BYTES),
        router: routes.layer(from_fn(complete_headers)),
        endpoint: None,
        tls: None,
    };
    accept(listener, door, Duration::ZERO).await;
}

/// Accepts connections until the stop has begun, and waits until they are done, or have run out of time.
async fn accept(listener: TcpListener, door: Door, patience: Duration) {
    let shutdown = door.shutdown.clone();
    // Each open connection holds a receiver.
    let open = watch::Sender::new(());
    let serve_connection = |stream, peer| {
        let (counted, door) = (open.subscribe(), door.clone());
        // A connection without a place is turned away without a task.
        if let Some(entrant) = door.admit(stream, peer) {
            tokio::spawn(async move {
                connections::serve(entrant, door).await;
                drop(counted);
            });
        }
    };
    let mut failures = 0_u32;
    let mut stop = std::pin::pin!(shutdown.wait());
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures = 0;
                serve_connection(stream, peer);
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures.is_power_of_two() {
                    tracing::warn!(%error, failures, "could not accept a connection");
                }
                tokio::time::sleep(ACCEPT_BACK_OFF).await;
            }
        }
    }
    // Clients that have already connected are served; closing the listener would cut them off.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        serve_connection(stream, peer);
    }
    drop(listener);
    let sockets = shutdown.open_sockets();
    tracing::info!(sockets, "stopping; {sockets} sockets to close");
    let done = async {
        open.closed().await;
        shutdown.all_sockets_closed().await;
    };
    if tokio::time::timeout(patience + STOP_GRACE, done)
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
}

/// Converts the service to what connections need.
fn door<O: Operations>(service: Service<O>) -> Door {
    let Config {
        connections, http, ..
    } = &service.config;
    let forwarded = service.forwarding.clone();
    let is_direct = forwarded.is_direct();
    let transit = Budget::new("bytes on their way", http.transit());
    let (shutdown, tls) = (service.shutdown.clone(), service.tls.clone());
    let places = Places::new(connections, service.descriptors, !is_direct);
    let hosts = http.hosts().into();
    let patience = Patience {
        stall: connections.send_timeout,
        ..Patience::default()
    };
    let (router, endpoint) = router(service, transit.clone());
    Door {
        shutdown,
        places,
        forwarded,
        hosts,
        patience,
        transit,
        router,
        endpoint,
        tls,
    }
}

/// Builds all routes, and what answers POST requests for `/graphql` without them, unless pages of other origins need their layers.
fn router<O: Operations>(
    service: Service<O>,
    transit: Budget,
) -> (Router, Option<Arc<dyn Endpoint>>) {
    let Service {
        operations,
        sdl,
        demo,
        avatars,
        typing,
        persisted,
        rates,
        config,
        ready,
        shutdown,
        ..
    } = service;
    let cors = origin::cors(&config.http.allowed_origins);
    let compress_above = config.http.compress_above;
    let sockets = Budget::new("sockets", config.websocket.sockets());
    let app = Arc::new(App {
        operations,
        documents: Documents::new(config.limits, typing, !config.server.production),
        persisted,
        rates,
        http: config.http,
        websocket: config.websocket,
        transit,
        sockets,
        shutdown: shutdown.clone(),
        overdue: Overdue::default(),
        shares: Arc::default(),
    });
    let others = Router::new()
        .merge(pages::routes(sdl, compress_above))
        .merge(health::routes(ready, shutdown))
        .merge(demo::routes(demo))
        .merge(avatars::routes(app.clone(), avatars))
        .fallback(any(pages::elsewhere))
        .layer(from_fn(complete_headers));
    let endpoint = Arc::new(http::Graphql::new(app));
    let graphql = Router::new()
        .route("/graphql", any(http::graphql::<O>))
        .route("/graphql/", any(http::graphql::<O>))
        .with_state(endpoint.clone());
    match cors {
        Some(cors) => (graphql.layer(cors).merge(others), None),
        None => (graphql.merge(others), Some(endpoint)),
    }
}

/// Adds the headers that every answer has; `/graphql` sets its own, to avoid this layer.
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
