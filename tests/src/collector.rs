//! A collector of traces, of the test's own: it takes what OTLP sends, over HTTP with protobuf and over gRPC, and keeps it as it came.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::post;
use axum::{Router, serve};
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const GRPC: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// A message of gRPC begins with whether it is compressed, and its length.
const PREFIX: usize = 5;

/// A span that was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    pub trace: String,
    pub id: String,
    /// Empty if there is none.
    pub parent: String,
    pub name: String,
    /// The number that the protocol has for it.
    pub kind: i32,
    pub attributes: BTreeMap<String, String>,
    /// The traces that it has links to.
    pub links: Vec<String>,
    pub has_failed: bool,
    pub began: u64,
    pub ended: u64,
    /// What describes its process.
    pub resource: BTreeMap<String, String>,
}

impl Seen {
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Taken {
    spans: Vec<Seen>,
    bytes: Vec<u8>,
    headers: Vec<HeaderMap>,
}

pub struct Collector {
    pub address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
    task: JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::new(Mutex::new(Taken::default()));
        let routes = Router::new()
            .route("/v1/traces", post(over_http))
            .route(GRPC, post(over_grpc))
            .with_state(taken.clone());
        let task = tokio::spawn(async move { serve(listener, routes).await.expect("a server") });
        Self {
            address,
            taken,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans that were sent so far.
    pub fn spans(&self) -> Vec<Seen> {
        self.taken.lock().spans.clone()
    }

    /// Returns the spans of one trace that were sent so far.
    pub fn trace(&self, id: &str) -> Vec<Seen> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace == id);
        spans
    }

    /// Returns all that was sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.taken.lock().bytes.clone()
    }

    /// Returns the values of a header in all messages.
    pub fn header(&self, name: &str) -> Vec<String> {
        let taken = self.taken.lock();
        let values = taken.headers.iter().filter_map(|headers| headers.get(name));
        values
            .map(|value| value.to_str().expect("text").to_owned())
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn over_http(
    State(taken): State<Arc<Mutex<Taken>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    take(&taken, headers, &body);
    StatusCode::OK
}

async fn over_grpc(
    State(taken): State<Arc<Mutex<Taken>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    take(&taken, headers, &body[PREFIX..]);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    // The answer is an empty message.
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; PREFIX]))),
        Ok(Frame::trailers(trailers)),
    ];
    let body = Body::new(StreamBody::new(stream::iter(frames)));
    let mut response = Response::new(body);
    let form = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", form);
    response
}

fn take(taken: &Mutex<Taken>, headers: HeaderMap, message: &[u8]) {
    let request = ExportTraceServiceRequest::decode(message).expect("a message of OTLP");
    let mut taken = taken.lock();
    taken.bytes.extend_from_slice(message);
    taken.headers.push(headers);
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap_or_default();
        let resource = texts(resource.attributes);
        let spans = of_resource.scope_spans.into_iter().flat_map(|it| it.spans);
        let seen = spans.map(|span| seen(span, resource.clone()));
        taken.spans.extend(seen);
    }
}

fn seen(span: Span, resource: BTreeMap<String, String>) -> Seen {
    Seen {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        kind: span.kind,
        attributes: texts(span.attributes),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        has_failed: span.status.is_some_and(|status| status.code == 2),
        began: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        resource,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let attributes = attributes.into_iter().filter_map(|attribute| {
        let value = attribute.value?.value?;
        Some((attribute.key, text(value)))
    });
    attributes.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
