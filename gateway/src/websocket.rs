//! GraphQL over WebSocket: the subprotocol graphql-transport-ws on `/graphql`, strictly. This file has the handshake: who may connect
//! from where. A socket is one task, which owns its connection.

mod close;
mod connection;
pub mod message;
pub(crate) mod running;
mod unfinished;
mod wire;

#[cfg(any(test, fuzzing))]
pub(crate) use wire::fuzz::frames as fuzz;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Version};
use axum::response::Response;
use entities::users::UserId;
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tungstenite::handshake::server::create_response_with_body;

use close::{Close, finish};
use connection::Connection;
use unfinished::Unfinished;
use wire::Wire;

use crate::access_log::{Who, tell_closed, tell_opened};
use crate::app::App;
use crate::budget::{Share, Spent};
use crate::connections::{Client, Hold, Upgraded};
use crate::credentials::Credentials;
use crate::errors::{Code, typed};
use crate::metrics::METRICS;
use crate::operation::Operations;
use crate::request_id::RequestId;
use crate::shutdown::OpenSocket;
use crate::{origin, response};

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The version of the WebSocket protocol (RFC 6455).
const VERSION: &str = "13";
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
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let (Some(mut response), Some(on_upgrade)) = (handshake(&parts), on_upgrade) else {
        return not_upgraded(&parts, id);
    };
    let is_ours = asks_for(&parts.headers, SUBPROTOCOL);
    if is_ours {
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let client = parts.extensions.get::<Client>();
    let opened = Box::new(Opened {
        id: id.clone(),
        at: Instant::now(),
        address: client.map(|client| client.address),
        credentials: app.credentials(&parts.headers, &parts.extensions),
        unfinished: Unfinished::new(app.share(&parts.extensions)),
        owed: Owed(app.share(&parts.extensions)),
        place: None,
        // A connection with a socket is not idle.
        _hold: client.map(|client| client.activity.hold()),
        _counted: app.shutdown.open_socket(),
    });
    tokio::spawn(async move {
        // It fails when the client has gone meanwhile.
        let Ok(upgraded) = on_upgrade.await else {
            return;
        };
        METRICS.sockets_opened.inc();
        tell_opened(opened.address, &opened.id);
        let (stream, arrived) = Upgraded::of(upgraded);
        let mut wire = Box::new(Wire::new(stream, &arrived, app.websocket.max_message_bytes));
        drop(arrived);
        match is_ours {
            true => Connection::new(app, wire, opened).run().await,
            false => {
                let close = Close::subprotocol();
                opened.note_closed(Some(close.code()), None);
                Box::pin(finish(&mut wire, close)).await;
            }
        }
    });
    response
}

/// Returns the answer to a handshake, if it is one.
fn handshake(parts: &Parts) -> Option<Response> {
    if parts.version == Version::HTTP_2 {
        let protocol = parts.extensions.get::<Protocol>();
        let is_valid = protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
            && is_version_known(&parts.headers);
        return is_valid.then(Response::default);
    }
    if !parts.headers.get(SEC_WEBSOCKET_KEY).is_some_and(is_key) {
        return None;
    }
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.version_mut() = parts.version;
    request.headers_mut().clone_from(&parts.headers);
    create_response_with_body(&request, Body::empty).ok()
}

fn is_version_known(headers: &HeaderMap) -> bool {
    let version = headers.get(SEC_WEBSOCKET_VERSION);
    version.is_some_and(|version| version == VERSION)
}

/// Returns whether this is what a client has drawn: 16 bytes in base64.
fn is_key(key: &HeaderValue) -> bool {
    let digits = key.as_bytes().strip_suffix(b"==");
    digits.is_some_and(|digits| {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
        digits.len() == 22 && digits.iter().all(is_digit)
    })
}

/// Refuses a handshake. A client that speaks another version is told which one is spoken here.
fn not_upgraded(parts: &Parts, id: &RequestId) -> Response {
    let is_version_known = is_version_known(&parts.headers);
    let asks_again = !is_version_known && parts.version == Version::HTTP_11;
    let (status, message) = match asks_again {
        true => (
            StatusCode::UPGRADE_REQUIRED,
            "Only version 13 of the WebSocket protocol is spoken here",
        ),
        false => (
            StatusCode::BAD_REQUEST,
            "The WebSocket handshake is not valid",
        ),
    };
    let mut response = response::plain_refusal(status, typed(Code::BadRequest, message), id);
    let headers = response.headers_mut();
    if !is_version_known {
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    }
    if asks_again {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    response
}

/// Returns whether the client offers this subprotocol.
fn asks_for(headers: &HeaderMap, protocol: &str) -> bool {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    offered.any(|offered| offered.trim_ascii() == protocol.as_bytes())
}

/// What is known of a socket when it opens.
struct Opened {
    /// The id of the handshake's request.
    id: RequestId,
    at: Instant,
    address: Option<IpAddr>,
    credentials: Credentials,
    unfinished: Unfinished,
    owed: Owed,
    /// Its place among the sockets of its user.
    place: Option<Share>,
    _hold: Option<Hold>,
    _counted: OpenSocket,
}

impl Opened {
    /// Counts the socket as ended, and says so.
    fn note_closed(&self, code: Option<u16>, user: Option<UserId>) {
        METRICS.note_closed(code);
        let who = Who {
            user,
            address: self.address,
        };
        tell_closed(code, self.at.elapsed(), who, &self.id);
    }
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
