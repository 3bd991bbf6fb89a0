//! GraphQL over WebSocket: the subprotocol graphql-transport-ws on `/graphql`, strictly. This file has the handshake: who may connect
//! from where, and with what buffers (small ones: a gateway holds many idle sockets).

mod close;
mod connection;
pub mod message;
pub(crate) mod running;
mod unfinished;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{HeaderMap, ORIGIN, UPGRADE};
use axum::http::{Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};

use close::Close;
use connection::Connection;
use unfinished::Unfinished;

use crate::app::App;
use crate::budget::{Share, Spent};
use crate::connections::Client;
use crate::credentials::Credentials;
use crate::errors::{Code, typed};
use crate::operation::Operations;
use crate::request_id::RequestId;
use crate::{origin, response};

const SUBPROTOCOL: &str = "graphql-transport-ws";
const READ_BUFFER: usize = 4096;
const WRITE_BUFFER: usize = 8192;
/// The most bytes in a message over HTTP/2, where it is unknown how much of one has arrived.
const HTTP2_MESSAGE: usize = 64 * 1024;
/// Unsent bytes of one client that are not counted.
const SMALL: usize = 4 * 1024;

/// Returns whether the request asks for a WebSocket, by HTTP/1.1 upgrade or HTTP/2 CONNECT.
pub(crate) fn is_upgrade(request: &Request) -> bool {
    let upgrade = |headers: &HeaderMap| {
        let value = headers.get(UPGRADE);
        value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
    };
    (request.method() == Method::GET && upgrade(request.headers()))
        || (request.version() == Version::HTTP_2 && request.method() == Method::CONNECT)
}

/// Answers the handshake. A client without the subprotocol is accepted and closed with 4406, as the protocol requires.
pub(crate) async fn upgrade<O: Operations>(
    app: Arc<App<O>>,
    request: Request<Body>,
    id: &RequestId,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let host = parts.uri.authority().map(ToString::to_string);
    if !origin::is_allowed(&parts.headers, host.as_deref(), &app.http.allowed_origins) {
        let origin = parts.headers.get(ORIGIN);
        tracing::warn!(?origin, "refused a socket from a foreign origin");
        let error = typed(Code::Forbidden, "Sockets are not accepted from this origin");
        return response::plain_refusal(StatusCode::FORBIDDEN, error, id);
    }
    if app.shutdown.has_begun() {
        let error = typed(Code::Unavailable, "The gateway is stopping");
        return response::plain_refusal(StatusCode::SERVICE_UNAVAILABLE, error, id);
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let status = rejection.into_response().status();
            let error = typed(Code::BadRequest, "The WebSocket handshake is not valid");
            return response::plain_refusal(status, error, id);
        }
    };
    let credentials = app.credentials(&parts.headers, &parts.extensions);
    let client = parts.extensions.get::<Client>();
    let is_http2 = parts.version == Version::HTTP_2;
    let maximum = match is_http2 {
        true => app.websocket.max_message_bytes.min(HTTP2_MESSAGE),
        false => app.websocket.max_message_bytes,
    };
    let counting = client.filter(|_| !is_http2);
    let counting = counting.map(|client| client.activity.clone());
    let opened = Opened {
        credentials,
        unfinished: Unfinished::new(counting, app.share(&parts.extensions)),
        owed: Owed(app.share(&parts.extensions)),
        most_bytes: maximum,
    };
    // A connection with a socket is not idle.
    let hold = client.map(|client| client.activity.hold());
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(maximum)
        .max_frame_size(maximum)
        .protocols([SUBPROTOCOL])
        .on_upgrade(move |socket| async move {
            serve(app, socket, opened).await;
            drop(hold);
        })
}

/// What is known of a socket when it opens.
struct Opened {
    credentials: Credentials,
    unfinished: Unfinished,
    owed: Owed,
    most_bytes: usize,
}

/// The bytes that the client has not taken yet.
struct Owed(Share);

impl Owed {
    fn check(&self) -> Result<(), Spent> {
        self.0.check()
    }

    fn set(&mut self, bytes: usize) {
        self.0.set(if bytes > SMALL { bytes } else { 0 });
    }
}

async fn serve<O: Operations>(app: Arc<App<O>>, socket: WebSocket, opened: Opened) {
    let _counted = app.shutdown.open_socket();
    if socket.protocol().is_none() {
        return close::finish(socket, Close::subprotocol()).await;
    }
    Connection::new(app, socket, opened).run().await;
}
