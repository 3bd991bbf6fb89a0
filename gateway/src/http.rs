//! GraphQL over HTTP: POST and GET on `/graphql`, per the specification (media types, statuses, UTF-8), with bounded bodies, time and
//! batches. Every answer is a typed execution result and carries `x-request-id`.

mod accept;
mod body;
mod get;
pub(crate) mod refusal;
mod sse;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Response as Answer, ServerError};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use futures::future::BoxFuture;

use accept::MediaType;
use refusal::Refusal;

use crate::app::App;
use crate::connections::Endpoint;
use crate::errors::{self, Code, typed};
use crate::operation::{OperationType, Operations};
use crate::params::{IdempotencyKey, Params, parse_idempotency_key};
use crate::request_id::{self, RequestId};
use crate::shutdown::Shutdown;
use crate::{origin, response, websocket};

/// How long a stopping process waits for the rest of a body.
const STOPPING_BODY: Duration = Duration::from_secs(1);
/// The header with the token of a mutation whose effects a query's answer must show.
const READ_AFTER: &str = "read-after";

impl<O: Operations> Endpoint for App<O> {
    fn answer(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(graphql(State(self), request))
    }
}

/// The one endpoint: answers HTTP requests, and hands upgrades to the WebSocket transport.
pub(crate) async fn graphql<O: Operations>(
    State(app): State<Arc<App<O>>>,
    request: Request,
) -> Response {
    let request_id = RequestId::from_headers(request.headers());
    let mut response = if websocket::is_upgrade(&request) {
        websocket::upgrade(app, request, &request_id).await
    } else {
        answer(app, request, &request_id).await
    };
    tracing::debug!(%request_id, status = response.status().as_u16(), "answered request {request_id}");
    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, request_id.to_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn answer<O: Operations>(app: Arc<App<O>>, request: Request, id: &RequestId) -> Response {
    let method = request.method().clone();
    if method == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, POST, OPTIONS"));
        return response;
    }
    let accepted = accept::negotiate(request.headers());
    let result = match accepted {
        Some(media_type) => take(app.clone(), request, media_type, id).await,
        None => Err(Refusal::not_acceptable()),
    };
    let mut response =
        result.unwrap_or_else(|refusal| refuse(refusal, accepted, id, &app, &method));
    // Answers may contain tokens, so nobody else may read them, and nobody may store them.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn take<O: Operations>(
    app: Arc<App<O>>,
    request: Request,
    media_type: MediaType,
    id: &RequestId,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let by_get = parts.method == Method::GET;
    if by_get && !is_expected(&app, &parts) {
        return Err(Refusal::cross_site());
    }
    let caller = match app.admit(app.credentials(headers, &parts.extensions)).await {
        Ok(caller) => caller,
        Err(error) => return Ok(refuse_caller(&app, error, media_type, id)),
    };
    let mut params = if by_get {
        get::params(&parts.uri)?
    } else if parts.method == Method::POST {
        body::check_type(headers)?;
        let share = app.share(&parts.extensions);
        let reading = body::read(headers, body, app.http.max_body_bytes, share);
        // The body's share is held until the request has been examined.
        let (body, _share) = tokio::select! {
            biased;
            read = tokio::time::timeout(app.http.request_timeout, reading) => {
                read.map_err(|_| Refusal::slow_body())??
            }
            () = stopped(&app.shutdown) => return Err(Refusal::stopping()),
        };
        let text = body::text(&body)?;
        if text.trim_start().starts_with('[') {
            return batch(&app, text, &caller, media_type, headers, id).await;
        }
        Params::from_json(text)?
    } else {
        let message = format!("{} is not allowed here: use GET or POST", parts.method);
        return Err(Refusal::method_not_allowed(message));
    };
    if let Some(token) = headers.get(READ_AFTER) {
        params.set_read_after(String::from_utf8_lossy(token.as_bytes()).into_owned());
    }
    let key = idempotency_key(headers)?;
    if media_type == MediaType::EventStream {
        return stream(app, params, key, &caller, by_get, id).await;
    }
    let answer = execute(&app, params, key, &caller, by_get, id).await?;
    Ok(respond(&answer, media_type))
}

/// Returns whether a GET request comes from a permitted page.
fn is_expected<O: Operations>(app: &App<O>, parts: &Parts) -> bool {
    let authority = parts.uri.authority().map(Authority::as_str);
    origin::may_get(&parts.headers, authority, &app.http.allowed_origins)
}

/// Resolves when the sender of a body has had enough time, as the process stops.
async fn stopped(shutdown: &Shutdown) {
    shutdown.wait().await;
    tokio::time::sleep(STOPPING_BODY).await;
}

/// Runs a query or a mutation. Its errors are completed.
async fn execute<O: Operations>(
    app: &App<O>,
    params: Params,
    key: Option<IdempotencyKey>,
    caller: &O::Caller,
    by_get: bool,
    id: &RequestId,
) -> Result<Answer, Refusal> {
    let prepared = match app.documents.prepare(params, key, id) {
        Ok(prepared) => prepared,
        Err(errors) => return Ok(app.refused(errors, id)),
    };
    check_method(prepared.kind, by_get)?;
    if prepared.kind == OperationType::Subscription {
        return Ok(app.refused(vec![subscription_refused()], id));
    }
    Ok(app.execute(prepared.request, caller, id).await)
}

async fn stream<O: Operations>(
    app: Arc<App<O>>,
    params: Params,
    key: Option<IdempotencyKey>,
    caller: &O::Caller,
    by_get: bool,
    id: &RequestId,
) -> Result<Response, Refusal> {
    let prepared = match app.documents.prepare(params, key, id) {
        Ok(prepared) => prepared,
        Err(errors) => return Ok(sse::single(&app.refused(errors, id))),
    };
    check_method(prepared.kind, by_get)?;
    if !prepared.is_streamed() {
        return Ok(sse::single(
            &app.execute(prepared.request, caller, id).await,
        ));
    }
    let disconnected = app.operations.disconnected(caller);
    Ok(match app.subscribe(prepared.request, caller, id).await {
        Ok(stream) => sse::streaming(app, stream, disconnected, id.clone()),
        Err(errors) => sse::single(&app.refused(errors, id)),
    })
}

async fn batch<O: Operations>(
    app: &App<O>,
    text: &str,
    caller: &O::Caller,
    media_type: MediaType,
    headers: &HeaderMap,
    id: &RequestId,
) -> Result<Response, Refusal> {
    if !app.http.batching {
        return Err(Refusal::batching_disabled());
    }
    if idempotency_key(headers)?.is_some() {
        let message =
            "An Idempotency-Key header cannot cover a batch: use extensions.idempotencyKey";
        return Err(Refusal::bad_request(message));
    }
    if media_type == MediaType::EventStream {
        return Err(Refusal::bad_request(
            "A batch cannot be answered as an event stream",
        ));
    }
    let requests = Params::batch_from_json(text)?;
    if requests.is_empty() {
        return Err(Refusal::bad_request("The batch is empty"));
    }
    if requests.len() > app.http.max_batch {
        return Err(Refusal::batch_too_long(app.http.max_batch));
    }
    let running = requests
        .into_iter()
        .map(|params| execute(app, params, None, caller, false, id));
    let answers = futures::future::try_join_all(running).await?;
    let mut bytes = vec![b'['];
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(&response::encode(answer));
    }
    bytes.push(b']');
    Ok(json(StatusCode::OK, media_type, bytes.into()))
}

/// Answers a client that is not admitted, whatever it asks for.
fn refuse_caller<O: Operations>(
    app: &App<O>,
    error: ServerError,
    media_type: MediaType,
    id: &RequestId,
) -> Response {
    let answer = app.refused(vec![error], id);
    match media_type {
        MediaType::EventStream => sse::single(&answer),
        _ => respond(&answer, media_type),
    }
}

fn check_method(kind: OperationType, by_get: bool) -> Result<(), Refusal> {
    if by_get && kind == OperationType::Mutation {
        return Err(Refusal::method_not_allowed(
            "Mutations are not allowed by GET: use POST",
        ));
    }
    Ok(())
}

fn subscription_refused() -> ServerError {
    let message = "Subscriptions are served over WebSocket (graphql-transport-ws on this path) or as an event stream \
         (accept: text/event-stream)";
    typed(Code::BadRequest, message)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Refusal> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    if keys.next().is_some() {
        return Err(Refusal::bad_request(
            "The Idempotency-Key header is repeated",
        ));
    }
    Ok(Some(parse_idempotency_key(key.as_bytes())?))
}

/// Writes the answer. Only clients that accept `application/graphql-response+json` get a status for request errors.
fn respond(answer: &Answer, media_type: MediaType) -> Response {
    let status = match media_type {
        MediaType::GraphqlResponse if errors::is_request_error(answer) => {
            errors::status_of(answer.errors.first().and_then(errors::code_of))
        }
        _ => StatusCode::OK,
    };
    json(status, media_type, response::encode(answer).into())
}

fn refuse<O: Operations>(
    refusal: Refusal,
    accepted: Option<MediaType>,
    id: &RequestId,
    app: &App<O>,
    method: &Method,
) -> Response {
    let answer = app.refused(vec![*refusal.error], id);
    let media_type = match accepted {
        Some(MediaType::GraphqlResponse) => MediaType::GraphqlResponse,
        _ => MediaType::Json,
    };
    let mut response = json(refusal.status, media_type, response::encode(&answer).into());
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if method == Method::GET {
            "POST"
        } else {
            "GET, POST, OPTIONS"
        };
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

fn json(status: StatusCode, media_type: MediaType, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, media_type.header());
    response
}

/// Answers a request for a path that does not exist.
pub(crate) async fn not_found(request: Request) -> Response {
    let id = RequestId::from_headers(request.headers());
    let message = format!("There is nothing at {}", request.uri().path());
    response::plain_refusal(StatusCode::NOT_FOUND, typed(Code::NotFound, message), &id)
}
