//! Traces: spans of what happens to a request and to the events that it causes, in whichever process. Spans are recorded here, by all
//! crates, and handed to a `Sink`, which `gateway` implements with OpenTelemetry. This module knows neither a protocol nor a collector.
//!
//! Why spans are recorded here, and not by `tracing-opentelemetry` or the SDK's tracer:
//! - Whether a trace is kept is known at the end of its first span: one that was slow or has failed is kept, whatever the sampler
//!   said. So a request that is not sampled is recorded, too, and that must cost next to nothing: a span is a few words in a list
//!   of its request's own, without a lock that others take, a registry or a context of maps.
//! - Without a sink nothing is recorded: each place asks one static whether there is one, and allocates nothing.
//! - An event carries the context of the span that appended it (`Meta`). Whoever serves an event looks at one bit of it, and records
//!   something only if the trace is sampled. So what a kept trace that was not sampled shows is one process, as its documents say.
//!
//! A span ends when it is dropped, so one whose future is cancelled ends, too. The present span is that of the task; what spawns a
//! task on its behalf takes it along (`carried`). A trace holds a bounded number of spans, and a list for many events serves a
//! bounded number of traces. Attributes are names, numbers and types of this program, never values that a client sent.

mod context;
mod ids;
mod record;
mod sampler;
mod serving;
mod span;
mod statement;

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

pub use context::{Context, TraceId};
pub use record::{Ended, Kind, Value};
pub use sampler::Sampler;
pub use serving::{Serving, of_events, serving};
pub(crate) use span::root;
pub use span::{
    Place, Scoped, Span, after, below, carried, child, current, detail, fail_present, in_place,
    is_detailed, is_recording, of_event, present, received, sampled,
};
pub(crate) use statement::of_statement;

use crate::Event;

/// Takes spans that are to be kept. It must not wait.
pub trait Sink: Send + Sync {
    /// Takes the spans of one trace that have ended in this process.
    fn take(&self, spans: Vec<Ended>);
}

struct Tracer {
    sampler: Sampler,
    sink: Box<dyn Sink>,
}

static TRACER: OnceLock<Tracer> = OnceLock::new();
/// From when on a trace is kept because it was slow, in milliseconds; 0 if none is.
static SLOW_MS: AtomicU64 = AtomicU64::new(0);

/// Begins to record. Only the first call has an effect.
pub fn begin(sampler: Sampler, sink: Box<dyn Sink>) {
    let _ = TRACER.set(Tracer { sampler, sink });
}

/// Sets from when on a trace is kept because it was slow; zero means never.
pub fn keep_over(limit: Duration) {
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    SLOW_MS.store(limit, Ordering::Relaxed);
}

/// Returns whether spans are recorded at all.
#[inline]
pub fn is_on() -> bool {
    TRACER.get().is_some()
}

fn is_slow(took: Duration) -> bool {
    let slow = SLOW_MS.load(Ordering::Relaxed);
    slow > 0 && took.as_millis() >= u128::from(slow)
}

/// Returns the context for what an event causes: that of the present span if it serves the event, or else the event's own.
pub fn context_after(event: &Event) -> Option<String> {
    let own = event.meta.traceparent.as_deref();
    let cause = own.and_then(Context::parse);
    match present().filter(|present| present.serves(cause)) {
        Some(present) => Some(present.context().to_string()),
        None => own.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
