//! Traces for a collector, by OpenTelemetry: its standard settings, and what takes the spans that `events::trace` has recorded. Without an
//! endpoint nothing of it runs. Called by `start`; `export` sends.

mod convert;
mod export;
mod headers;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use events::metrics::{Catalog, Counters, labels, name};
use events::trace::{self, Ended, Sink};
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use settings::TracingSettings;

/// How long a process that stops waits for the collector.
const FAREWELL: Duration = Duration::from_secs(2);

/// What became of spans.
struct Figures {
    spans: Counters,
    exported: Counter,
    /// There was no room for them.
    dropped: Counter,
    /// The collector did not take them.
    failed: Counter,
}

static FIGURES: LazyLock<Figures> = LazyLock::new(|| {
    let spans = Counters::default();
    let of = |outcome| spans.get_or_create_owned(&labels([("outcome", outcome)]));
    Figures {
        exported: of("exported"),
        dropped: of("dropped"),
        failed: of("failed"),
        spans,
    }
});

/// Enters what is counted of spans in the catalog.
pub(crate) fn enter_metrics(catalog: &mut Catalog) {
    let help = "Spans of kept traces, by what became of them";
    catalog.add(name("millrace_trace_spans", help), &FIGURES.spans);
}

/// What the exporter is handed.
enum Item {
    Spans(Vec<Ended>),
    /// Everything before this is to be sent, and then it is to be said.
    Flush(oneshot::Sender<()>),
}

/// The queue of the exporter. It is bounded by spans: what finds no room is dropped, and nobody waits.
struct Queue {
    items: mpsc::UnboundedSender<Item>,
    queued: Arc<AtomicUsize>,
    most: usize,
}

impl Sink for Queue {
    /// Of a trace that has more spans than there is room for, the last ones are taken: the first span of a trace ends last.
    fn take(&self, mut spans: Vec<Ended>) {
        let count = spans.len();
        let mut room = 0;
        let _ = self
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| {
                room = count.min(self.most.saturating_sub(queued));
                Some(queued + room)
            });
        spans.drain(..count - room);
        let is_taken = room > 0 && self.items.send(Item::Spans(spans)).is_ok();
        let dropped = if is_taken { count - room } else { count };
        FIGURES.dropped.inc_by(dropped as u64);
    }
}

/// The exporter of a process.
#[derive(Default)]
pub struct Telemetry(Option<mpsc::UnboundedSender<Item>>);

impl Telemetry {
    /// Begins to record traces and to send them, if a collector is named.
    ///
    /// # Errors
    /// What is wrong with the settings. The text has no header, which may be a secret.
    pub fn begin(settings: &TracingSettings) -> Result<Self, String> {
        let Some(plan) = settings.plan()? else {
            return Ok(Self::default());
        };
        let exporter = plan.exporter(&resource(&plan.attributes))?;
        let (items, received) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let queue = Queue {
            items: items.clone(),
            queued: queued.clone(),
            most: plan.most_queued,
        };
        let collector = plan.origin();
        tracing::info!(collector, "traces are sent to the collector at {collector}");
        tokio::spawn(export::run(exporter, plan.terms(), received, queued));
        trace::begin(plan.sampler, Box::new(queue));
        Ok(Self(Some(items)))
    }

    /// Sends what is left, if the collector takes it soon.
    pub async fn end(self) {
        let Some(items) = self.0 else {
            return;
        };
        let (done, is_done) = oneshot::channel();
        let _ = items.send(Item::Flush(done));
        if tokio::time::timeout(FAREWELL, is_done).await.is_err() {
            tracing::warn!("the collector did not take the last traces in time");
        }
    }
}

/// Describes the process.
fn resource(attributes: &[(String, String)]) -> Resource {
    let own = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
    ];
    let given = attributes.iter().cloned();
    let given = given.map(|(name, value)| KeyValue::new(name, value));
    Resource::builder_empty()
        .with_attributes(own)
        .with_attributes(given)
        .build()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use events::trace::{Context, Kind};

    use super::*;

    fn trace_of(spans: u64) -> Vec<Ended> {
        let ended = |span| Ended {
            context: Context {
                trace: 1,
                span,
                flags: 1,
            },
            parent: None,
            is_parent_remote: false,
            name: "one".into(),
            kind: Kind::Internal,
            began: Instant::now(),
            ended: Instant::now(),
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        };
        (1..=spans).map(ended).collect()
    }

    #[test]
    fn of_what_is_too_much_the_last_spans_are_taken() {
        let (items, mut received) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let queue = Queue {
            items,
            queued: queued.clone(),
            most: 3,
        };
        let before = FIGURES.dropped.get();
        let mut take = |spans| {
            queue.take(trace_of(spans));
            match received.try_recv() {
                Ok(Item::Spans(spans)) => spans.iter().map(|it| it.context.span).collect(),
                _ => Vec::new(),
            }
        };
        assert_eq!(take(5), [3, 4, 5]);
        assert!(take(1).is_empty(), "it is full");
        queued.fetch_sub(2, Ordering::Relaxed);
        assert_eq!(take(2), [1, 2]);
        assert_eq!(FIGURES.dropped.get() - before, 3);
        drop(received);
        queued.store(0, Ordering::Relaxed);
        queue.take(trace_of(2));
        assert_eq!(FIGURES.dropped.get() - before, 5, "nobody takes them");
    }
}
