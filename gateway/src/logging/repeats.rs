//! Warnings that repeat are counted. The first is written at once, and how often it came again follows every ten seconds, until it stops.
//! Warnings are the same when all that they say is, but for numbers. Audit and slow operations are told each by itself: they differ.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How often it is told what was repeated.
const INTERVAL: Duration = Duration::from_secs(10);
/// The most warnings that are remembered. Further ones are written each time.
const MOST: usize = 1_024;
/// The target of what is told here.
const TARGET: &str = "repeated";
/// What is told each time.
const TOLD: [&str; 3] = [TARGET, "audit", "slow"];

static KNOWN: Mutex<Option<HashMap<u64, Repeated>>> = Mutex::new(None);

/// A warning that was written, and has come again since.
struct Repeated {
    message: String,
    times: u64,
}

pub(super) struct Repeats;

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        *metadata.level() != Level::WARN || TOLD.contains(&metadata.target()) || is_first(event)
    }
}

fn is_first(event: &Event<'_>) -> bool {
    let mut said = Said::default();
    event.metadata().callsite().hash(&mut said.digest);
    event.record(&mut said);
    let mut known = KNOWN.lock();
    let known = known.get_or_insert_default();
    if let Some(repeated) = known.get_mut(&said.digest.finish()) {
        repeated.times += 1;
        return false;
    }
    if known.len() < MOST {
        let (digest, message) = (said.digest.finish(), said.message);
        known.insert(digest, Repeated { message, times: 0 });
    }
    true
}

/// Tells what was repeated, until the process ends.
pub async fn keep_telling() {
    loop {
        tokio::time::sleep(INTERVAL).await;
        // The log is written to without the lock, as that may take.
        for Repeated { message, times } in take() {
            let seconds = INTERVAL.as_secs();
            tracing::warn!(
                target: TARGET,
                times,
                "repeated {times} times within {seconds} s: {message}"
            );
        }
    }
}

/// Takes what was repeated, and forgets what was not.
fn take() -> Vec<Repeated> {
    let mut known = KNOWN.lock();
    let known = known.get_or_insert_default();
    known.retain(|_, repeated| repeated.times > 0);
    let repeated = known.values_mut().map(|repeated| Repeated {
        message: repeated.message.clone(),
        times: std::mem::take(&mut repeated.times),
    });
    repeated.collect()
}

/// What a warning says: its message, and a digest of everything but numbers.
#[derive(Default)]
struct Said {
    message: String,
    digest: DefaultHasher,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        (field.name(), &text).hash(&mut self.digest);
        if field.name() == "message" {
            self.message = text;
        }
    }

    fn record_u64(&mut self, _: &Field, _: u64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_f64(&mut self, _: &Field, _: f64) {}
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_same_warning_is_written_once_and_counted() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(Repeats).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            for failures in 0..5 {
                tracing::warn!(failures, follower = "of-the-test", "it failed");
                tracing::info!("an aside");
                tracing::warn!(target: "audit", "a refusal");
            }
            tracing::warn!(failures = 9, follower = "of-another", "it failed");
        });
        let written = String::from_utf8(lines.0.lock().clone()).expect("text");
        assert_eq!(written.matches("of-the-test").count(), 1, "{written}");
        assert_eq!(written.matches("of-another").count(), 1, "{written}");
        assert_eq!(written.matches("an aside").count(), 5, "{written}");
        assert_eq!(written.matches("a refusal").count(), 5, "{written}");
        let told = take();
        let told: Vec<_> = told.iter().map(|it| (&*it.message, it.times)).collect();
        assert_eq!(told, [("it failed", 4)]);
        assert!(take().is_empty(), "it has stopped");
    }
}
