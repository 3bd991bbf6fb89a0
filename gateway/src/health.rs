//! Liveness and readiness. Live means that the process answers. Ready means that it should get traffic, which ends the moment the process
//! is told to stop, while it still serves. Neither tells outsiders what is wrong: that is logged, more rarely the longer it lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use events::EventLog;
use futures::future::BoxFuture;

use crate::shutdown::Shutdown;

/// Checks that all dependencies of the process are there; the error says what is missing.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Returns a check of what the log of this process needs: the database, and a view of the present.
#[must_use]
pub fn readiness_of(log: &EventLog) -> Ready {
    let log = log.clone();
    Arc::new(move || {
        let log = log.clone();
        Box::pin(async move { log.readiness().await })
    })
}

/// Returns a check that always succeeds.
#[must_use]
pub fn always_ready() -> Ready {
    Arc::new(|| Box::pin(async { Ok(()) }))
}

/// Returns the routes of probes.
pub fn routes(ready: Ready, shutdown: Shutdown) -> Router {
    let live = || async { answer(StatusCode::OK, r#"{"status":"live"}"#) };
    let refusals = Arc::new(AtomicU32::new(0));
    let ready = move || {
        let (ready, shutdown, refusals) = (ready.clone(), shutdown.clone(), refusals.clone());
        async move { readiness(&ready, &shutdown, &refusals).await }
    };
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// Answers the readiness probe. `refusals` counts how often the process was not ready since it last was.
async fn readiness(ready: &Ready, shutdown: &Shutdown, refusals: &AtomicU32) -> Response {
    if shutdown.is_draining() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#);
    }
    match ready().await {
        Ok(()) => {
            if refusals.swap(0, Ordering::Relaxed) > 0 {
                tracing::info!("ready again");
            }
            answer(StatusCode::OK, r#"{"status":"ready"}"#)
        }
        Err(reason) => {
            let refusals = refusals.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            if refusals.is_power_of_two() {
                tracing::warn!(reason, refusals, "not ready: {reason}");
            }
            answer(
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"status":"unavailable"}"#,
            )
        }
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readiness_follows_its_parts_and_ends_with_a_stop() {
        let shutdown = Shutdown::default();
        let refusals = AtomicU32::new(0);
        let status = async |ready: &Ready| readiness(ready, &shutdown, &refusals).await.status();
        assert_eq!(status(&always_ready()).await, 200);
        let missing: Ready = Arc::new(|| Box::pin(async { Err("no database".into()) }));
        assert_eq!(status(&missing).await, 503);
        assert_eq!(status(&always_ready()).await, 200);
        shutdown.drain();
        assert_eq!(status(&always_ready()).await, 503);
        shutdown.begin();
        assert_eq!(status(&always_ready()).await, 503);
    }
}
