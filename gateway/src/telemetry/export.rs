//! The task that sends spans, in batches. A collector that is away, silent or full costs nobody anything but this task: each try ends at
//! its time limit, what it lost is counted, and the log says once that it begins and once that it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use events::trace::Ended;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout, timeout_at};

use super::convert::convert;
use super::{FIGURES, Item};

/// The most spans in one message.
const BATCH: usize = 512;

/// How spans are sent.
pub(super) struct Terms {
    /// How long a span waits for others.
    pub(super) delay: Duration,
    /// How long the collector may take, with all tries.
    pub(super) limit: Duration,
    /// The endpoint, which errors do not name: it may have a secret in it.
    pub(super) endpoint: String,
}

/// What is known of the collector.
struct Collector {
    exporter: SpanExporter,
    terms: Terms,
    /// The spans that were lost since it was last there.
    lost: u64,
}

/// Sends what comes, until nothing can come any more.
pub(super) async fn run(
    exporter: SpanExporter,
    terms: Terms,
    mut items: UnboundedReceiver<Item>,
    queued: Arc<AtomicUsize>,
) {
    let mut collector = Collector {
        exporter,
        terms,
        lost: 0,
    };
    let (mut waiting, mut due) = (Vec::new(), None);
    loop {
        let received = match due {
            None => Some(items.recv().await),
            Some(due) => timeout_at(due, items.recv()).await.ok(),
        };
        let mut flushed = None;
        match received {
            Some(Some(Item::Spans(spans))) => {
                waiting.extend(spans);
                due.get_or_insert_with(|| Instant::now() + collector.terms.delay);
                if waiting.len() < BATCH {
                    continue;
                }
            }
            Some(Some(Item::Flush(done))) => flushed = Some(done),
            Some(None) => return,
            None => {}
        }
        due = None;
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(BATCH));
            let batch = std::mem::replace(&mut waiting, rest);
            let count = batch.len();
            collector.send(batch).await;
            queued.fetch_sub(count, Ordering::Relaxed);
        }
        if let Some(done) = flushed {
            // Nobody may be waiting any more.
            let _ = done.send(());
        }
    }
}

impl Collector {
    async fn send(&mut self, batch: Vec<Ended>) {
        let count = batch.len() as u64;
        let (limit, sending) = (self.terms.limit, self.exporter.export(convert(batch)));
        let sent = timeout(limit, sending).await;
        match sent.unwrap_or(Err(OTelSdkError::Timeout(limit))) {
            Ok(()) => {
                FIGURES.exported.inc_by(count);
                if self.lost > 0 {
                    let lost = std::mem::take(&mut self.lost);
                    tracing::info!(lost, "the collector takes traces again");
                }
            }
            Err(error) => {
                FIGURES.failed.inc_by(count);
                if self.lost == 0 {
                    let error = error.to_string();
                    let error = error.replace(&self.terms.endpoint, "the collector");
                    tracing::warn!(error, "the collector takes no traces; they are lost");
                }
                self.lost += count;
            }
        }
    }
}
