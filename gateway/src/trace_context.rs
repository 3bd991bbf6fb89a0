//! The trace that a request belongs to: what its client says of it, in the W3C header `traceparent` or in `extensions.traceparent`, and the
//! spans of the request here. A context that cannot be read is left out, never refused. Without a collector the gateway makes no spans, and
//! passes on what it got, as the specification allows: into the events that a request causes, and with them to webhooks.

use std::sync::Arc;

use async_graphql::{Extensions, ServerError, Value};
use axum::http::{HeaderMap, Method, StatusCode};
pub use events::trace::Context as TraceContext;
use events::trace::{self, Kind, Span};

use crate::errors::code_to_be;

/// Longer names of operations are cut.
const LONGEST_NAME: usize = 64;
/// The header, and the name in a request's extensions.
const TRACEPARENT: &str = "traceparent";
/// The name in a request's extensions that asks for the id of its trace, and that of the id in those of the answer.
const TRACE: &str = "trace";
pub(crate) const TRACE_ID: &str = "traceId";

/// A request whose answer is to have the id of its trace.
pub(crate) struct AsksForTrace;

pub(crate) fn of_headers(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next()?;
    // Of several none is known to be right.
    values.next().is_none().then_some(())?;
    TraceContext::parse(value.to_str().ok()?)
}

pub(crate) fn of_extensions(extensions: &Extensions) -> Option<TraceContext> {
    match extensions.0.get(TRACEPARENT)? {
        Value::String(text) => TraceContext::parse(text),
        _ => None,
    }
}

/// Returns whether the answer is to have the id of the trace.
pub(crate) fn asks_for_trace(extensions: &Extensions) -> bool {
    extensions.0.get(TRACE) == Some(&Value::Boolean(true))
}

/// Begins the span of an HTTP request.
pub(crate) fn of_http(method: &Method, headers: &HeaderMap) -> Span {
    if !trace::is_on() {
        return Span::default();
    }
    // The names of methods are those of HTTP: a client may send any word.
    let (name, method) = match method.as_str() {
        "POST" => ("POST /graphql", "POST"),
        "GET" => ("GET /graphql", "GET"),
        "PUT" => ("PUT /graphql", "PUT"),
        "DELETE" => ("DELETE /graphql", "DELETE"),
        "OPTIONS" => ("OPTIONS /graphql", "OPTIONS"),
        _ => ("HTTP /graphql", "_OTHER"),
    };
    let mut span = trace::received(name, Kind::Server, of_headers(headers));
    span.set("http.request.method", method);
    span.set("http.route", "/graphql");
    span
}

/// Ends the span of an HTTP request.
pub(crate) fn end_http(mut span: Span, status: StatusCode) {
    span.set("http.response.status_code", u64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(status.as_str().to_owned());
    }
}

/// Begins the span of a request that names another trace than the HTTP request that it is in. Else that of the HTTP request is its own,
/// and this is empty. `named` is what the HTTP request has named.
pub(crate) fn of_request(named: Option<TraceContext>, extensions: &Extensions) -> Span {
    if !trace::is_on() {
        return Span::default();
    }
    let own = of_extensions(extensions);
    // What the HTTP request names is not its present trace if the sampler does not heed clients.
    let is_of_http = |own: TraceContext| named.is_some_and(|named| named.trace == own.trace);
    if trace::is_recording() && own.is_none_or(is_of_http) {
        return Span::default();
    }
    begin_request(own)
}

/// Begins the span of a request whose results come over a connection of their own. It outlives the HTTP request that asks for it, so it is
/// no part of that.
pub(crate) fn of_streamed(named: Option<TraceContext>, extensions: &Extensions) -> Span {
    if !trace::is_on() {
        return Span::default();
    }
    begin_request(of_extensions(extensions).or(named))
}

fn begin_request(parent: Option<TraceContext>) -> Span {
    let mut span = trace::received("graphql request", Kind::Server, parent);
    if let Some(present) = trace::current() {
        span.link(present);
    }
    span
}

/// Begins the span of an operation's execution. The document is no part of it: it may hold anything that a client wrote.
pub(crate) fn of_operation(kind: &'static str, name: Option<&Arc<str>>) -> Span {
    if !trace::is_recording() {
        return Span::default();
    }
    let mut span = trace::child(kind, Kind::Internal);
    span.set("graphql.operation.type", kind);
    set_name(&mut span, name);
    span
}

/// Tells the name of an operation, if it has one.
pub(crate) fn set_name(span: &mut Span, name: Option<&Arc<str>>) {
    const NAME: &str = "graphql.operation.name";
    let Some(name) = name else {
        return;
    };
    match shortened(name) {
        whole if whole.len() == name.len() => span.set(NAME, name.clone()),
        part => span.set(NAME, part.to_owned()),
    }
}

/// Returns the name of an operation as it is told.
pub(crate) fn shortened(name: &str) -> &str {
    name.get(..LONGEST_NAME).unwrap_or(name)
}

/// Notes errors of an operation. Those that the gateway is to blame for keep the trace; else a client could have every trace of its own
/// kept. They do so where the operation has no span of its own, too: what is not sampled has none before it is executed.
pub(crate) fn note_errors(span: &mut Span, errors: &[ServerError]) {
    if errors.is_empty() || !(span.is_recorded() || trace::is_recording()) {
        return;
    }
    let codes = || errors.iter().filter_map(code_to_be);
    match codes().find(|code| matches!(*code, "INTERNAL" | "UNAVAILABLE" | "TIMEOUT")) {
        Some(code) => {
            span.fail(code.to_owned());
            trace::fail_present();
        }
        None => {
            if let Some(code) = codes().next() {
                span.set_error(code.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use events::trace::{Ended, Sampler, Sink};
    use parking_lot::Mutex;

    use super::*;
    use crate::errors::{Code, typed};

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn of_several_contexts_none_is_taken() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, GIVEN.parse().expect("a value"));
        assert_eq!(of_headers(&headers), TraceContext::parse(GIVEN));
        headers.append(TRACEPARENT, GIVEN.parse().expect("a value"));
        assert_eq!(of_headers(&headers), None);
    }

    /// The sink is of the process, so all tests have the same.
    static KEPT: Mutex<Vec<Ended>> = Mutex::new(Vec::new());

    struct Keeping;

    impl Sink for Keeping {
        fn take(&self, spans: Vec<Ended>) {
            KEPT.lock().extend(spans);
        }
    }

    fn begin() {
        trace::begin(Sampler::new(true, 0.0), Box::new(Keeping));
    }

    #[tokio::test]
    async fn failures_before_the_execution_keep_what_is_not_sampled() {
        begin();
        let of_resolver = |error: &str| {
            let mut error = ServerError::new(error, None);
            error.source = Some(Arc::new("it is away"));
            error
        };
        for (error, is_kept) in [
            (typed(Code::Unavailable, "try again"), true),
            (typed(Code::Timeout, "too late"), true),
            (of_resolver("not completed yet"), true),
            (typed(Code::RateLimited, "too much"), false),
            (ServerError::new("a mistake", None), false),
        ] {
            let request = of_http(&Method::POST, &HeaderMap::new());
            let id = request.context().expect("a context").trace;
            let refusing = async {
                let mut plan = trace::detail("plan");
                assert!(!plan.is_recorded());
                note_errors(&mut plan, std::slice::from_ref(&error));
            };
            request.scope(refusing).await;
            end_http(request, StatusCode::OK);
            let has = KEPT.lock().iter().any(|it| it.context.trace == id);
            assert_eq!(has, is_kept, "{error:?}");
        }
    }

    #[tokio::test]
    async fn what_is_streamed_has_a_trace_of_its_own() {
        begin();
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, GIVEN.parse().expect("a value"));
        let given = of_headers(&headers);
        let http = of_http(&Method::POST, &headers);
        let none = Extensions::default();
        let (within, streamed) = http
            .scope(async { (of_request(given, &none), of_streamed(given, &none)) })
            .await;
        assert!(!within.is_recorded());
        // It is below what the client named, beside the HTTP request.
        let streamed = streamed.context().expect("a context");
        assert_eq!(Some(streamed.trace), given.map(|it| it.trace));
        assert_ne!(Some(streamed), http.context());
    }
}
