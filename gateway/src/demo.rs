//! Entering as a person of the demo data, without a password. The routes are there always, so that pages need not guess; without
//! `--demo-data` there is nobody to enter as. Only JSON is taken, so that pages of other sites cannot have it sent. Called by `server`.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use entities::CommandContext;
use entities::users::{Origin, SignedIn, UserError, Users};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;

use crate::connections::Client;
use crate::credentials::Credentials;
use crate::seed::PEOPLE;

/// An address is all that is sent.
const MOST_BYTES: usize = 1024;
const SLOWEST_BODY: Duration = Duration::from_secs(10);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    name: &'static str,
    email: &'static str,
    role: String,
}

#[derive(Deserialize)]
struct Entering {
    email: String,
}

/// Returns the routes; `users` are those of a gateway that shows demo data.
pub(crate) fn routes(users: Option<Users>) -> Router {
    Router::new()
        .route("/demo/people", get(people))
        .route("/demo/session", post(enter))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(users)
}

/// Lists whom a visitor may enter as.
async fn people(State(users): State<Option<Users>>) -> Response {
    let mut people = Vec::new();
    for (name, email, role) in users.is_some().then_some(PEOPLE).into_iter().flatten() {
        let Some(users) = &users else { break };
        match users.demo_user(email).await {
            Ok(Some(_)) => {
                let role = format!("{role:?}").to_uppercase();
                people.push(Person { name, email, role });
            }
            Ok(None) => {}
            Err(error) => return failed(&error),
        }
    }
    uncached(StatusCode::OK, &json!({ "people": people }))
}

/// Begins a session, in the shape of the mutation `signIn`.
async fn enter(State(users): State<Option<Users>>, request: Request) -> Response {
    let Some(users) = users else {
        return nobody();
    };
    let address = request
        .extensions()
        .get::<Client>()
        .map(|client| client.address);
    let client = Credentials::from_request(request.headers(), address);
    let reading = Json::<Entering>::from_request(request, &());
    let Json(Entering { email }) = match timeout(SLOWEST_BODY, reading).await {
        Ok(Ok(entering)) => entering,
        Ok(Err(refused)) => return refused.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    if !PEOPLE.iter().any(|(_, known, _)| *known == email) {
        return nobody();
    }
    let context = CommandContext {
        viewer: entities::access::Viewer::Anonymous,
        ..CommandContext::process("demo")
    };
    let origin = Origin {
        context,
        address: client.address,
        user_agent: client.user_agent,
    };
    match users.enter_demo(origin, &email).await {
        Ok(SignedIn {
            user,
            access_token,
            access_token_expires_at,
            refresh_token,
            refresh_token_expires_at,
        }) => {
            let session = json!({
                "accessToken": access_token.reveal(),
                "accessTokenExpiresAt": access_token_expires_at,
                "refreshToken": refresh_token.reveal(),
                "refreshTokenExpiresAt": refresh_token_expires_at,
            });
            uncached(
                StatusCode::OK,
                &json!({ "session": session, "user": { "id": user.id.to_string() } }),
            )
        }
        Err(error) => failed(&error),
    }
}

fn nobody() -> Response {
    let error = json!({ "error": "there is no such person" });
    uncached(StatusCode::NOT_FOUND, &error)
}

fn failed(error: &UserError) -> Response {
    tracing::warn!(%error, "a visitor could not enter as a person of the demo data");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    uncached(
        status,
        &json!({ "error": "entering is not possible now; try again later" }),
    )
}

fn uncached(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, Json(body)).into_response()
}
