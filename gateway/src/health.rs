//! Liveness and readiness. Live means the process answers; ready means it should get traffic, which ends the moment a
//! stop begins. Neither tells outsiders what is wrong: that is logged.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;

use crate::shutdown::Shutdown;

/// Says whether everything that requests need is there, or what is missing.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Always ready.
#[must_use]
pub fn always_ready() -> Ready {
    Arc::new(|| Box::pin(async { Ok(()) }))
}

pub(crate) fn routes(ready: Ready, shutdown: Shutdown) -> Router {
    let live = || async { answer(StatusCode::OK, r#"{"status":"live"}"#) };
    let ready = move || {
        let (ready, shutdown) = (ready.clone(), shutdown.clone());
        async move { readiness(&ready, &shutdown).await }
    };
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

async fn readiness(ready: &Ready, shutdown: &Shutdown) -> Response {
    if shutdown.has_begun() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#);
    }
    match ready().await {
        Ok(()) => answer(StatusCode::OK, r#"{"status":"ready"}"#),
        Err(reason) => {
            tracing::warn!(reason, "not ready: {reason}");
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
        assert_eq!(readiness(&always_ready(), &shutdown).await.status(), 200);
        let missing: Ready = Arc::new(|| Box::pin(async { Err("no database".into()) }));
        assert_eq!(readiness(&missing, &shutdown).await.status(), 503);
        shutdown.begin();
        assert_eq!(readiness(&always_ready(), &shutdown).await.status(), 503);
    }
}
