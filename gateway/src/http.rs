//! GraphQL over HTTP: POST and GET on `/graphql`, per the specification (media types, statuses, UTF-8), with bounded bodies, time and
//! batches; and subscriptions as streams. Every answer is a typed execution result and carries `x-request-id`.

mod accept;
mod answering;
mod batch;
mod body;
pub(crate) mod compression;
pub(crate) mod get;
mod multipart;
pub(crate) mod refusal;
mod single;
mod sse;
mod streaming;
mod upload;

use std::sync::Arc;

use async_graphql::ServerError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, HeaderMap, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderValue, Method, StatusCode};
use axum::response::Response;

use futures::future::BoxFuture;
use tokio::time::Instant;

use accept::MediaType;
use answering::{Executed, refuse};
use refusal::{Refusal, subscription_refused};
use single::Streams;
use streaming::Framing;

use crate::access_log::Who;
use crate::app::{App, Asked};
use crate::connections::{Client, Endpoint};
use crate::errors::{Code, typed};
use crate::operation::{OperationType, Operations};
use crate::params::{IdempotencyKey, Params, ResumeAfter, parse_idempotency_key};
use crate::rates::Account;
use crate::request_id::{self, RequestId};
use crate::{origin, response, trace_context, websocket};

/// The header with the token of a mutation whose effects a query's answer must show.
const READ_AFTER: &str = "read-after";
/// The header with the id of the last event of a stream that broke off.
const LAST_EVENT_ID: &str = "last-event-id";
const METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";

/// What `/graphql` is answered with.
pub(crate) struct Graphql<O: Operations> {
    app: Arc<App<O>>,
    streams: Streams<O>,
}

impl<O: Operations> Graphql<O> {
    pub(crate) fn new(app: Arc<App<O>>) -> Self {
        Self {
            app,
            streams: Streams::default(),
        }
    }
}

impl<O: Operations> Endpoint for Graphql<O> {
    fn answer(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(graphql(State(self), request))
    }
}

/// The one endpoint: answers HTTP requests, and hands upgrades to the WebSocket transport.
pub(crate) async fn graphql<O: Operations>(
    State(endpoint): State<Arc<Graphql<O>>>,
    request: Request,
) -> Response {
    let request_id = RequestId::from_headers(request.headers());
    let mut response = if websocket::is_upgrade(&request) {
        // It is large, and seldom: otherwise every request would have the size of it.
        Box::pin(websocket::upgrade(
            endpoint.app.clone(),
            request,
            &request_id,
        ))
        .await
    } else {
        let span = trace_context::of_http(request.method(), request.headers());
        let response = span.scope(answer(&endpoint, request, &request_id)).await;
        trace_context::end_http(span, response.status());
        response
    };
    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, request_id.to_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn answer<O: Operations>(
    endpoint: &Graphql<O>,
    request: Request,
    id: &RequestId,
) -> Response {
    let method = request.method().clone();
    if method == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(METHODS));
        return response;
    }
    // The answer to a reservation is a text, whatever is accepted.
    let reserves = (method == Method::PUT).then_some(MediaType::Json);
    let accepted = accept::negotiate(request.headers()).or(reserves);
    let refused_as = match accepted {
        Some(MediaType::Multipart) => Some(accept::beside_multipart(request.headers())),
        accepted => accepted,
    };
    let who = who_of(request.extensions());
    let result = match accepted {
        Some(media_type) => take(endpoint, request, media_type, id).await,
        None => Err(Refusal::not_acceptable()),
    };
    let mut response = result.unwrap_or_else(|refusal| {
        endpoint.app.note_refused(Instant::now(), who, id);
        refuse(refusal, refused_as, id, &endpoint.app, &method)
    });
    // Answers may contain tokens, so nobody else may read them, and nobody may store them.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns what is known of a client that is not admitted yet.
fn who_of(extensions: &Extensions) -> Who {
    Who {
        user: None,
        address: extensions.get::<Client>().map(|client| client.address),
    }
}

/// A request whose caller is admitted.
struct Call<'a, O: Operations> {
    app: &'a Arc<App<O>>,
    caller: &'a O::Caller,
    account: &'a Account,
    headers: &'a HeaderMap,
    media_type: MediaType,
    by_get: bool,
    id: &'a RequestId,
}

impl<O: Operations> Call<'_, O> {
    fn refused(&self, errors: Vec<ServerError>) -> Executed {
        Executed::refused(self.app.refused(errors, self.id))
    }

    /// Has a body of so many bytes that cannot be read paid for; who has nothing left is told that instead of what is wrong with it.
    async fn paid<T>(&self, bytes: usize, read: Result<T, ServerError>) -> Result<T, Refusal> {
        let error = match read {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        self.app.rates.charge_refused(self.account, bytes);
        let left = self
            .app
            .unless_limited(self.caller, self.app.rates.check(self.account));
        match left.await {
            Ok(()) => Err(error.into()),
            Err(limited) => Err(Refusal::of_caller(limited)),
        }
    }

    /// Runs a query or a mutation.
    async fn execute(&self, asked: Asked) -> Executed {
        let kind = asked.prepared.kind;
        let answer = self.app.execute(asked, self.caller, self.id).await;
        Executed::new(answer, kind, &self.app.http)
    }
}

async fn take<O: Operations>(
    endpoint: &Graphql<O>,
    request: Request,
    media_type: MediaType,
    id: &RequestId,
) -> Result<Response, Refusal> {
    let Graphql { app, streams } = endpoint;
    let (parts, body) = request.into_parts();
    let by_get = parts.method == Method::GET;
    if by_get && !is_expected(app, &parts) {
        return Err(Refusal::cross_site());
    }
    let headers = &parts.headers;
    let token = single::token(&parts);
    let is_single = token.is_some() || parts.method == Method::PUT;
    let began = Instant::now();
    let admitted = app
        .admit(app.credentials(headers, &parts.extensions), id)
        .await;
    let caller = match admitted {
        Ok(caller) => caller,
        Err(error) if is_single => return Err(Refusal::of_caller(error)),
        Err(error) => {
            app.note_refused(began, who_of(&parts.extensions), id);
            let refused = Executed::refused(app.refused(vec![error], id));
            return Ok(refused.respond(media_type, headers).await);
        }
    };
    let account = app.account(&caller);
    let call = Call {
        app,
        caller: &caller,
        account: &account,
        headers,
        media_type,
        by_get,
        id,
    };
    let mut result = match (&parts.method, token) {
        (&Method::PUT, _) => streams.reserve(app, caller, parts.extensions.get::<Client>()),
        (&Method::DELETE, Some(token)) => streams.stop(app, &token, &caller, &parts.uri),
        (&Method::DELETE, None) => Err(Refusal::bad_request("The token of a stream is missing")),
        (&Method::GET, Some(_)) if media_type != MediaType::EventStream => {
            Err(Refusal::not_acceptable())
        }
        (&Method::GET, Some(token)) => streams.open(app, token, &caller),
        (&Method::GET, None) => run(&call, get::params(&parts.uri)?).await,
        (&Method::POST, None) if upload::is_multipart(headers) => {
            upload::answer(&call, body, app.share(&parts.extensions)).await
        }
        (&Method::POST, token) => {
            body::check_type(headers)?;
            let share = app.share(&parts.extensions);
            // The body's share is held until the request has been examined.
            let limit = app.http.max_body_bytes;
            let (body, _share) = body::arrive(&call, body, limit, share).await?;
            let text = body::text(&body)?;
            let is_batch = text.trim_start().starts_with('[');
            match token {
                Some(token) => {
                    let mut params = call.paid(text.len(), Params::from_json(text)).await?;
                    set_headers(&mut params, headers);
                    if let Some(key) = idempotency_key(headers)? {
                        params.set_idempotency_key(key)?;
                    }
                    streams.start(app, &token, &caller, params)
                }
                None if is_batch => batch::answer(&call, text).await,
                None => {
                    let params = call.paid(text.len(), Params::from_json(text)).await?;
                    run(&call, params).await
                }
            }
        }
        (method, _) => {
            let message = format!("{method} is not allowed here: use GET or POST");
            Err(Refusal::method_not_allowed(message))
        }
    };
    if let Ok(response) = &mut result {
        app.rates.tell(&account, response.headers_mut());
    }
    result
}

/// Adds to a request what its headers say.
fn set_headers(params: &mut Params, headers: &HeaderMap) {
    params.trace = trace_context::of_headers(headers);
    if let Some(token) = headers.get(READ_AFTER) {
        params.set_read_after(String::from_utf8_lossy(token.as_bytes()).into_owned());
    }
}

/// Runs one request, and answers it in the form that the client accepts.
async fn run<O: Operations>(call: &Call<'_, O>, mut params: Params) -> Result<Response, Refusal> {
    set_headers(&mut params, call.headers);
    let key = idempotency_key(call.headers)?;
    let span = trace_context::of_request(params.trace, &params.extensions);
    let running = async {
        if let Some(framing) = Framing::of(call.media_type) {
            return stream(call, framing, params, key).await;
        }
        let executed = execute(call, params, key).await?;
        Ok(executed.respond(call.media_type, call.headers).await)
    };
    span.scope(running).await
}

/// Returns whether a GET request comes from a permitted page.
fn is_expected<O: Operations>(app: &App<O>, parts: &Parts) -> bool {
    let authority = parts.uri.authority().map(Authority::as_str);
    origin::may_get(&parts.headers, authority, &app.http.allowed_origins)
}

/// Runs a query or a mutation. Its errors are completed.
async fn execute<O: Operations>(
    call: &Call<'_, O>,
    params: Params,
    key: Option<IdempotencyKey>,
) -> Result<Executed, Refusal> {
    let payer = (call.caller, call.account);
    let asked = match call.app.prepare(params, key, payer, call.id).await {
        Ok(asked) => asked,
        Err(errors) => return Ok(call.refused(errors)),
    };
    let kind = asked.prepared.kind;
    check_method(kind, call.by_get)?;
    if kind == OperationType::Subscription {
        let who = call.app.who(call.caller);
        call.app.note_refused(Instant::now(), who, call.id);
        return Ok(call.refused(vec![subscription_refused()]));
    }
    Ok(call.execute(asked).await)
}

/// Runs an operation for a client that accepts a stream. What is no subscription is answered with one result.
async fn stream<O: Operations>(
    call: &Call<'_, O>,
    framing: Framing,
    mut params: Params,
    key: Option<IdempotencyKey>,
) -> Result<Response, Refusal> {
    let Call { app, id, .. } = call;
    params.resume_after = last_event_id(call.headers);
    let payer = (call.caller, call.account);
    let executed = match app.prepare(params, key, payer, id).await {
        Err(errors) => call.refused(errors),
        Ok(asked) => {
            check_method(asked.prepared.kind, call.by_get)?;
            if asked.prepared.is_streamed() {
                let disconnected = app.operations.disconnected(call.caller);
                let beginning = app.operations.beginning(&asked.prepared.request);
                match app.subscribe(asked, call.caller, id).await {
                    Ok(stream) => {
                        let (app, id) = (Arc::clone(app), (*id).clone());
                        let begun = (stream, beginning);
                        return Ok(streaming::streaming(app, framing, begun, disconnected, id));
                    }
                    Err(errors) => call.refused(errors),
                }
            } else {
                call.execute(asked).await
            }
        }
    };
    Ok(executed.respond(call.media_type, call.headers).await)
}

/// Returns the cursor at which a stream broke off. A browser shows an empty one when it has none.
fn last_event_id(headers: &HeaderMap) -> Option<ResumeAfter> {
    let id = headers.get(LAST_EVENT_ID)?;
    let id = String::from_utf8_lossy(id.as_bytes());
    (!id.is_empty()).then(|| ResumeAfter(id.into_owned()))
}

fn check_method(kind: OperationType, by_get: bool) -> Result<(), Refusal> {
    if by_get && kind == OperationType::Mutation {
        return Err(Refusal::method_not_allowed(
            "Mutations are not allowed by GET: use POST",
        ));
    }
    Ok(())
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

/// Answers a request for a path that does not exist.
pub(crate) async fn not_found(request: Request) -> Response {
    let id = RequestId::from_headers(request.headers());
    let message = format!("There is nothing at {}", request.uri().path());
    response::plain_refusal(StatusCode::NOT_FOUND, typed(Code::NotFound, message), &id)
}
