//! The admin listener, for operators and their machines: metrics, probes, and the levels of the log. It has an address and connections of its own, so clients that
//! take all of theirs do not keep operators out, and it is open to this machine only unless a setting says otherwise.

mod catalog;
mod samples;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use events::metrics::Catalog;
use tokio::net::TcpListener;

pub use catalog::{Observed, catalog};

use crate::health::{self, Ready};
use crate::logging;
use crate::shutdown::Shutdown;

/// Where it listens unless a setting says otherwise.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// Where to listen, if anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminListen {
    Nowhere,
    At(SocketAddr),
}

impl FromStr for AdminListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" | "off" => Ok(Self::Nowhere),
            address => address.parse().map(Self::At).map_err(|_| {
                format!("{text:?} is no address: expected one such as 127.0.0.1:9464, or off")
            }),
        }
    }
}

/// Opens the listener, if there is to be one. Who has asked for an address is told when it is taken; who has not gets none.
///
/// # Errors
/// The address that was asked for, and why it cannot be listened on.
pub async fn open(
    listen: Option<AdminListen>,
) -> Result<Option<TcpListener>, (SocketAddr, io::Error)> {
    let address = match listen {
        Some(AdminListen::Nowhere) => return Ok(None),
        Some(AdminListen::At(address)) => address,
        None => DEFAULT,
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if listen.is_some() => Err((address, error)),
        Err(error) => {
            tracing::warn!(
                %address,
                %error,
                "there is no admin listener, as {address} is taken; --admin-listen names another address"
            );
            Ok(None)
        }
    }
}

/// Returns what the listener answers.
pub fn routes(catalog: Arc<Catalog>, ready: Ready, shutdown: Shutdown) -> Router {
    let metrics = move |headers: HeaderMap| {
        let answer = metrics(&catalog, &headers);
        async { answer }
    };
    Router::new()
        .route("/metrics", get(metrics))
        .route(
            "/log",
            get(async || logging::levels() + "\n").put(set_levels),
        )
        .merge(health::routes(ready, shutdown))
}

/// Replaces the levels of the log by those in the body, as in the setting; an empty one means the default.
async fn set_levels(levels: String) -> (StatusCode, String) {
    match logging::set_levels(levels.trim()) {
        Ok(()) => (StatusCode::OK, logging::levels() + "\n"),
        Err(error) => (StatusCode::BAD_REQUEST, error + "\n"),
    }
}

fn metrics(catalog: &Catalog, headers: &HeaderMap) -> Response {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    let is_open_metrics = accepted.any(|value| value.contains("application/openmetrics-text"));
    let form = match is_open_metrics {
        true => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        false => "text/plain; version=0.0.4; charset=utf-8",
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(form)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    match catalog.encode(is_open_metrics) {
        Ok(text) => (headers, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_may_be_none() {
        let at: SocketAddr = "0.0.0.0:9464".parse().expect("an address");
        assert_eq!("0.0.0.0:9464".parse(), Ok(AdminListen::At(at)));
        for none in ["", " ", "off"] {
            assert_eq!(none.parse(), Ok(AdminListen::Nowhere));
        }
        for wrong in ["9464", "localhost", "no"] {
            assert!(wrong.parse::<AdminListen>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_taken_address_is_an_error_for_who_asked_for_it() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = taken.local_addr().expect("its address");
        let opened = open(Some(AdminListen::At(address))).await;
        assert_eq!(opened.expect_err("it is taken").0, address);
        assert!(
            open(Some(AdminListen::Nowhere))
                .await
                .is_ok_and(|it| it.is_none())
        );
    }
}
