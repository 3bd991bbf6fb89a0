//! What is counted of the log and of all that moves events, for Prometheus, and the catalog in which each crate enters its metrics.
//! They are of the process, so they are static. Counting is a relaxed atomic: whoever counts often looks its series up once. The
//! names are public: `docs/operating/metrics.md` lists them.

mod catalog;
mod histogram;

use std::{borrow::Cow, sync::LazyLock};

use chrono::{DateTime, Utc};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

pub use catalog::{Catalog, Name, bytes, name, seconds};
pub use histogram::Histogram;

/// The labels of a series.
pub type Labels = Vec<(&'static str, Cow<'static, str>)>;
/// Counters that differ in their labels.
pub type Counters = Family<Labels, Counter>;
/// Gauges that differ in their labels.
pub type Gauges = Family<Labels, Gauge>;
/// Histograms that differ in their labels.
pub type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Returns the labels of a series.
pub fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name, Cow::Owned(value.to_owned())))
        .collect()
}

/// Returns histograms of times that differ in their labels.
pub fn times() -> Histograms {
    Family::new_with_constructor(Histogram::of_times)
}

/// The metrics of this crate.
pub struct Metrics {
    pub(crate) appended: Counter,
    pub(crate) sequenced: Counter,
    pub(crate) relayed: Counter,
    /// Events whose time was in the future when they were numbered.
    pub(crate) ahead: Counter,
    /// Writes that were committed together.
    pub group_writes: Histogram,
    pub(crate) read_from_memory: Counter,
    pub(crate) read_from_pages: Counter,
    pub(crate) read_from_log: Counter,
    reads: Counters,
    follower_events: Counters,
    follower_failures: Counters,
    commit_to_read_model: Histograms,
    pub(crate) attempts: Counters,
    pub(crate) attempt_durations: Histograms,
    pub(crate) breakers: Gauges,
    waits: Histograms,
    wait_failures: Counters,
    statements: Histograms,
    pub(crate) replica_reads: Counters,
    pub(crate) replica_fallbacks: Counters,
}

/// The metrics of this crate, in this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

impl Metrics {
    fn new() -> Self {
        let reads = Counters::default();
        let read_from = |source| reads.get_or_create_owned(&labels([("source", source)]));
        Self {
            appended: Counter::default(),
            sequenced: Counter::default(),
            relayed: Counter::default(),
            ahead: Counter::default(),
            group_writes: Histogram::of_sizes(),
            read_from_memory: read_from("memory"),
            read_from_pages: read_from("pages"),
            read_from_log: read_from("log"),
            reads,
            follower_events: Counters::default(),
            follower_failures: Counters::default(),
            commit_to_read_model: times(),
            attempts: Counters::default(),
            attempt_durations: times(),
            breakers: Gauges::default(),
            waits: times(),
            wait_failures: Counters::default(),
            statements: times(),
            replica_reads: Counters::default(),
            replica_fallbacks: Counters::default(),
        }
    }

    /// Enters the metrics in the catalog.
    pub fn enter(&self, catalog: &mut Catalog) {
        let help = "Events that this process committed";
        catalog.add(name("millrace_events_appended", help), &self.appended);
        let help = "Events that this process gave a position";
        let sequenced = name("millrace_events_sequenced", help);
        catalog.add(sequenced, &self.sequenced);
        let help = "Events that this process sent to Redis";
        catalog.add(name("millrace_events_relayed", help), &self.relayed);
        let help = "Events that this process gave a position, and whose time was in its future";
        catalog.add(name("millrace_events_ahead", help), &self.ahead);
        let help = "Writes that were committed together";
        let sizes = name("millrace_commit_group_writes", help);
        catalog.add(sizes, &self.group_writes);
        let help = "Reads of past events for subscriptions, by where the events were";
        let reads = name("millrace_subscription_reads", help);
        catalog.add(reads, &self.reads);
        self.enter_consumers(catalog);
        self.enter_database(catalog);
    }

    fn enter_consumers(&self, catalog: &mut Catalog) {
        let help = "Events that this process applied";
        let events = name("millrace_follower_events", help);
        catalog.add(events, &self.follower_events);
        let help = "Failures of this process to apply events, or to read them";
        let failures = name("millrace_follower_failures", help);
        catalog.add(failures, &self.follower_failures);
        let help = "Time from an event until it is committed to the read model";
        let delays = seconds("millrace_commit_to_read_model", help);
        catalog.add(delays, &self.commit_to_read_model);
        let help = "Attempts of this process to handle a delivery, by how they ended";
        let attempts = name("millrace_handler_attempts", help);
        catalog.add(attempts, &self.attempts);
        let help = "Time that an attempt took";
        let durations = seconds("millrace_handler_attempt_duration", help);
        catalog.add(durations, &self.attempt_durations);
        let help = "The breaker of this process: 0 closed, 1 half open, 2 open";
        let breakers = name("millrace_breaker_state", help);
        catalog.add(breakers, &self.breakers);
    }

    fn enter_database(&self, catalog: &mut Catalog) {
        let help = "Time until a connection was there, for the turn of its user and in the pool";
        let waits = seconds("millrace_database_wait", help);
        catalog.add(waits, &self.waits);
        let help = "Waits that ended without a connection";
        let failures = name("millrace_database_wait_failures", help);
        catalog.add(failures, &self.wait_failures);
        let help = "Time until a statement was answered";
        let statements = seconds("millrace_database_statement_duration", help);
        catalog.add(statements, &self.statements);
        let help = "Statements that replicas may answer, by what answered them";
        let reads = name("millrace_replica_reads", help);
        catalog.add(reads, &self.replica_reads);
        let help = "Statements that the primary answered in place of a replica, by the reason";
        let fallbacks = name("millrace_replica_fallbacks", help);
        catalog.add(fallbacks, &self.replica_fallbacks);
    }
}

/// The series of a follower.
pub(crate) struct OfFollower {
    pub(crate) events: Counter,
    pub(crate) failures: Counter,
    pub(crate) delays: Histogram,
}

impl OfFollower {
    pub(crate) fn new(name: &str) -> Self {
        let labels = labels([("follower", name)]);
        Self {
            events: METRICS.follower_events.get_or_create_owned(&labels),
            failures: METRICS.follower_failures.get_or_create_owned(&labels),
            delays: METRICS.commit_to_read_model.get_or_create_owned(&labels),
        }
    }
}

/// The series of a pool of connections.
#[derive(Clone)]
pub(crate) struct OfPool {
    pub(crate) waits: Histogram,
    pub(crate) wait_failures: Counter,
    pub(crate) statements: Histogram,
}

impl OfPool {
    pub(crate) fn new(name: &str) -> Self {
        let labels = labels([("pool", name)]);
        Self {
            waits: METRICS.waits.get_or_create_owned(&labels),
            wait_failures: METRICS.wait_failures.get_or_create_owned(&labels),
            statements: METRICS.statements.get_or_create_owned(&labels),
        }
    }
}

/// Returns how long ago this was, by the clock of this process. What a faster clock says has just happened.
pub fn since(occurred_at: DateTime<Utc>) -> std::time::Duration {
    between(occurred_at, Utc::now())
}

/// The same, at a time that was read before.
pub(crate) fn between(occurred_at: DateTime<Utc>, now: DateTime<Utc>) -> std::time::Duration {
    (now - occurred_at).to_std().unwrap_or_default()
}
