//! Spans as OpenTelemetry has them. It is done where they are sent, so that requests do not pay for it.

use std::borrow::Cow;
use std::time::{Instant, SystemTime};

use events::trace::{Context, Ended, Kind, Value};
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// Converts spans. Their times are those of the clock now, less what has passed since.
pub(super) fn convert(spans: Vec<Ended>) -> Vec<SpanData> {
    let (now, instant) = (SystemTime::now(), Instant::now());
    let at = |then: Instant| now - instant.saturating_duration_since(then);
    let scope = InstrumentationScope::builder("millrace")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let of = |span: Ended| {
        let status = span
            .error
            .as_ref()
            .map_or(Status::Unset, |_| Status::Error {
                description: Cow::Borrowed(""),
            });
        let error = span.error.map(|error| KeyValue::new("error.type", error));
        let attributes = span.attributes.into_iter();
        let attributes = attributes.map(|(name, value)| KeyValue::new(name, value_of(value)));
        let mut links = SpanLinks::default();
        let linked = span.links.iter();
        links.links = linked
            .map(|context| Link::with_context(context_of(*context, true)))
            .collect();
        SpanData {
            span_context: context_of(span.context, false),
            parent_span_id: span.parent.map_or(SpanId::INVALID, id_of),
            parent_span_is_remote: span.is_parent_remote,
            span_kind: kind_of(span.kind),
            name: span.name,
            start_time: at(span.began),
            end_time: at(span.ended),
            attributes: attributes.chain(error).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status,
            instrumentation_scope: scope.clone(),
        }
    };
    spans.into_iter().map(of).collect()
}

fn context_of(context: Context, is_remote: bool) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(context.trace.to_be_bytes()),
        id_of(context.span),
        TraceFlags::new(context.flags),
        is_remote,
        TraceState::NONE,
    )
}

fn id_of(span: u64) -> SpanId {
    SpanId::from_bytes(span.to_be_bytes())
}

fn value_of(value: Value) -> opentelemetry::Value {
    match value {
        Value::Text(Cow::Borrowed(text)) => text.into(),
        Value::Text(Cow::Owned(text)) => text.into(),
        Value::Shared(text) => text.into(),
        Value::Number(number) => number.into(),
    }
}

const fn kind_of(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}
