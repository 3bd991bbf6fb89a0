//! What is in the database and in Redis, and therefore looked at seldom, with a deadline, and never by a scrape: lag, dead letters, backlogs
//! and sizes, and whether the process is ready. A look that fails leaves what was seen before; its age is a metric, too.

use std::sync::Arc;
use std::time::Duration;

use entities::{Entities, access::Viewer, operations::Operations};
use events::metrics::{Catalog, Labels, bytes, labels, name, seconds};
use events::{Beginning, EventLog, Sizes, WorkersStatus};
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often it is looked at, and how often while no events come: every process does it.
const INTERVAL: Duration = Duration::from_secs(15);
const INTERVAL_IN_CALM: Duration = Duration::from_secs(60);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What was seen last.
#[derive(Clone, Default)]
pub(super) struct Samples {
    seen: Arc<Mutex<Option<Arc<Sample>>>>,
    /// Whether the process may be sent work. It is known also while nothing can be seen.
    is_ready: Arc<Mutex<Option<bool>>>,
}

struct Sample {
    taken_at: Instant,
    workers: WorkersStatus,
    sizes: Sizes,
    beginning: Option<Beginning>,
}

/// Looks again and again, until the process ends.
pub(super) async fn keep(log: EventLog, samples: Samples) {
    let operations = Entities::operations(&log);
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen_at: Option<(Instant, u64)> = None;
    loop {
        ticks.tick().await;
        let is_ready = log.readiness().await.is_ok();
        *samples.is_ready.lock() = Some(is_ready);
        let (now, position) = (Instant::now(), log.tail().position());
        let is_recent = |(at, of): (Instant, u64)| of == position && now < at + INTERVAL_IN_CALM;
        if seen_at.is_some_and(is_recent) {
            continue;
        }
        match timeout(LIMIT, look(&log, &operations)).await {
            Ok(Some(sample)) => {
                seen_at = Some((now, position));
                *samples.seen.lock() = Some(Arc::new(sample));
            }
            Ok(None) | Err(_) => tracing::debug!("the sampled metrics cannot be read now"),
        }
    }
}

async fn look(log: &EventLog, operations: &Operations) -> Option<Sample> {
    let taken_at = Instant::now();
    let workers = operations.read_status(&Viewer::Process("metrics")).await;
    Some(Sample {
        taken_at,
        workers: workers.ok()?,
        sizes: log.sizes().await,
        beginning: log.beginning().await,
    })
}

impl Samples {
    /// Returns a reading of what was seen last.
    fn reading<I>(
        &self,
        series: impl Fn(&Sample) -> I + Send + Sync + 'static,
    ) -> impl Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static
    where
        I: IntoIterator<Item = (Labels, f64)>,
    {
        let samples = self.clone();
        move || {
            let sample = samples.seen.lock().clone();
            let series = sample.map(|sample| series(&sample).into_iter().collect());
            series.unwrap_or_default()
        }
    }

    /// Enters what is looked at in the catalog.
    pub(super) fn enter(&self, catalog: &mut Catalog) {
        let none = Labels::new;
        let age = seconds("millrace_samples_age", "Age of the sampled values");
        catalog.read_gauge(
            age,
            self.reading(move |sample| [(none(), sample.taken_at.elapsed().as_secs_f64())]),
        );
        let help =
            "1 while the process can use its database and sees the present of the log, otherwise 0";
        let is_ready = self.is_ready.clone();
        catalog.read_gauge(name("millrace_ready", help), move || {
            let is_ready = *is_ready.lock();
            let series = is_ready.map(|is_ready| (none(), f64::from(u8::from(is_ready))));
            series.into_iter().collect()
        });
        let one = |figure: fn(&Sample) -> Option<f64>| {
            self.reading(move |sample| figure(sample).map(|figure| (Labels::new(), figure)))
        };
        let help = "The last position that was pruned";
        let pruned = name("millrace_log_pruned_position", help);
        let beginning = one(|sample| sample.beginning.map(|it| it.pruned as f64));
        catalog.read_gauge(pruned, beginning);
        let help = "Age of the first event that was not pruned and whose time is not in the future";
        let oldest = seconds("millrace_log_oldest_event_age", help);
        let age = one(|sample| sample.beginning.and_then(|it| it.oldest_event));
        catalog.read_gauge(oldest, age);
        let help =
            "The position up to which posts that were deleted have only their deletion in the log";
        let compacted = name("millrace_log_compacted_position", help);
        let position = one(|sample| sample.beginning.map(|it| it.compacted as f64));
        catalog.read_gauge(compacted, position);
        let help = "Events of deleted posts that were removed from the log";
        let compacted = name("millrace_log_compacted_events", help);
        let events = one(|sample| sample.beginning.map(|it| it.compacted_events as f64));
        catalog.read_gauge(compacted, events);
        let help = "Size of the events in the database, with indexes; with SQLite of all that is in the file";
        let size = bytes("millrace_log_size", help);
        let log_bytes = one(|sample| sample.sizes.log_bytes.map(|size| size as f64));
        catalog.read_gauge(size, log_bytes);
        let help = "Memory that Redis uses, for everything in it";
        let memory = bytes("millrace_redis_memory", help);
        let redis_bytes = one(|sample| sample.sizes.redis_bytes.map(|size| size as f64));
        catalog.read_gauge(memory, redis_bytes);
        self.enter_followers(catalog);
        self.enter_handlers(catalog);
    }

    fn enter_followers(&self, catalog: &mut Catalog) {
        let of_followers = |figure: fn(&events::FollowerStatus) -> f64| {
            self.reading(move |sample| {
                let followers = sample.workers.followers.iter();
                let series = followers.map(|it| (labels([("follower", &*it.name)]), figure(it)));
                series.collect::<Vec<_>>()
            })
        };
        let help = "The position up to which everything is applied";
        let position = name("millrace_follower_position", help);
        catalog.read_gauge(position, of_followers(|it| it.position as f64));
        let help = "Events that are still to be applied";
        let events = name("millrace_follower_lag_events", help);
        catalog.read_gauge(events, of_followers(|it| it.lag.events as f64));
        let help = "Age of the first event that is still to be applied";
        let age = seconds("millrace_follower_lag", help);
        catalog.read_gauge(age, of_followers(|it| it.lag.seconds));
    }

    fn enter_handlers(&self, catalog: &mut Catalog) {
        let help = "Deliveries that are waiting, retrying (among the waiting) or running";
        let deliveries = name("millrace_handler_deliveries", help);
        let states = self.reading(|sample| {
            let handlers = sample.workers.handlers.iter();
            let series = handlers.flat_map(|it| {
                let of = |state| labels([("handler", &*it.name), ("state", state)]);
                [
                    (of("waiting"), it.waiting as f64),
                    (of("retrying"), it.retrying as f64),
                    (of("running"), it.running as f64),
                ]
            });
            series.collect::<Vec<_>>()
        });
        catalog.read_gauge(deliveries, states);
        let help = "Age of the first event that waits for the handler, or that it is working on";
        let age = seconds("millrace_handler_lag", help);
        let ages = self.reading(|sample| {
            let handlers = sample.workers.handlers.iter();
            let series = handlers.map(|it| (labels([("handler", &*it.name)]), it.lag.seconds));
            series.collect::<Vec<_>>()
        });
        catalog.read_gauge(age, ages);
        let help = "Dead letters of a follower or a handler";
        let letters = name("millrace_dead_letters", help);
        let counts = self.reading(|sample| {
            let WorkersStatus {
                followers,
                handlers,
                ..
            } = &sample.workers;
            let of_followers = followers.iter().map(|it| (&it.name, it.dead_letters));
            let of_handlers = handlers.iter().map(|it| (&it.name, it.dead));
            let all = of_followers.chain(of_handlers);
            let series = all.map(|(of, count)| (labels([("consumer", &**of)]), count as f64));
            series.collect::<Vec<_>>()
        });
        catalog.read_gauge(letters, counts);
    }
}
