//! The pictures of users, at addresses that hold a hash: what is behind one never changes, so browsers keep it. Caches between must not, because
//! nobody could take an erased picture back from them. It is asked for without a token, and costs its network what a request costs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entities::users::Users;
use tokio::time::timeout;

use crate::app::App;
use crate::budget::Holder;
use crate::connections::Client;
use crate::errors::{self, Code, typed};
use crate::operation::Operations;
use crate::request_id::RequestId;
use crate::{http, response};

const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
/// A picture that is opened as a page can do nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Returns the route, if there are users.
pub(crate) fn routes<O: Operations>(app: Arc<App<O>>, users: Option<Users>) -> Router {
    let Some(users) = users else {
        return Router::new();
    };
    let answer = move |Path(hash): Path<String>, request: Request| async move {
        avatar(&app, &users, &hash, request).await
    };
    Router::new().route("/avatars/{hash}", get(answer))
}

async fn avatar<O: Operations>(
    app: &App<O>,
    users: &Users,
    hash: &str,
    request: Request,
) -> Response {
    let id = RequestId::from_headers(request.headers());
    let client = request.extensions().get::<Client>();
    let network = client.map(|client| Holder::network(client.address));
    let account = app.rates.account([None, network]);
    if let Err(limited) = app.rates.spend(&account, 0) {
        let error = app.rates.refuse(&limited).await;
        let status = errors::status_of(errors::code_of(&error));
        return response::plain_refusal(status, error, &id);
    }
    match timeout(app.http.request_timeout, users.find_avatar(hash)).await {
        Ok(Ok(Some(avatar))) => {
            let media_type = HeaderValue::from_str(&avatar.media_type);
            let media_type =
                media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let headers = [
                (CONTENT_TYPE, media_type),
                (CACHE_CONTROL, FOREVER),
                (CONTENT_SECURITY_POLICY, POLICY),
            ];
            (headers, avatar.picture).into_response()
        }
        Ok(Ok(None)) => http::not_found(request).await,
        failed => {
            if let Ok(Err(error)) = failed {
                tracing::warn!(%error, "an avatar could not be read");
            }
            let message = "The picture cannot be read now; try again later";
            let error = typed(Code::Unavailable, message);
            response::plain_refusal(StatusCode::SERVICE_UNAVAILABLE, error, &id)
        }
    }
}
