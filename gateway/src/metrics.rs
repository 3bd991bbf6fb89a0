//! What the gateway counts, for Prometheus. It is of the process, so it is static. Counting is a relaxed atomic; series that differ in
//! their labels are looked up when a plan is first executed or a group begins, not for each delivery. `docs/operating/metrics.md` has the
//! list.

mod operations;
mod process;

use std::sync::LazyLock;

use events::metrics::{
    Catalog, Counters, Gauges, Histogram, Histograms, bytes, labels, name, seconds, times,
};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use operations::Operations;
pub(crate) use operations::{Figures, Outcome, type_name};
pub(crate) use process::enter_process;

/// The metrics of this crate.
pub(crate) struct Metrics {
    pub(crate) operations: Operations,
    requests: Counters,
    durations: Histograms,
    errors: Counters,
    limits: Counters,
    plans: Counters,
    pub(crate) plans_found: Counter,
    pub(crate) plans_made: Counter,
    pub(crate) shared_queries: Counter,
    pub(crate) sockets_opened: Counter,
    sockets_closed: Counters,
    subscriptions: Gauges,
    executions: Counters,
    pub(crate) executed_for_groups: Counter,
    pub(crate) executed_for_clients: Counter,
    pub(crate) deliveries: Counter,
    pub(crate) catch_ups: Counter,
    pub(crate) commit_to_socket: Histogram,
    live_executions: Counters,
    pub(crate) live_changed: Counter,
    pub(crate) live_unchanged: Counter,
    pub(crate) live_failed: Counter,
    pub(crate) live_overtaken: Counter,
    pub(crate) live_mixed: Counter,
    pub(crate) live_deliveries: Counter,
    pub(crate) live_saved_bytes: Counter,
}

/// The metrics of this crate, in this process.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// A subscription that is counted until it is dropped.
pub(crate) struct Subscribed(Gauge);

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What kind of a subscription it is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Subscription,
    LiveQuery,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::LiveQuery => "live_query",
        }
    }
}

impl Metrics {
    fn new() -> Self {
        let (requests, durations) = (Counters::default(), times());
        let (plans, executions) = (Counters::default(), Counters::default());
        let live_executions = Counters::default();
        let of =
            |family: &Counters, label, value| family.get_or_create_owned(&labels([(label, value)]));
        Self {
            operations: Operations::new(requests.clone(), durations.clone()),
            requests,
            durations,
            errors: Counters::default(),
            limits: Counters::default(),
            plans_found: of(&plans, "result", "hit"),
            plans_made: of(&plans, "result", "miss"),
            plans,
            shared_queries: Counter::default(),
            sockets_opened: Counter::default(),
            sockets_closed: Counters::default(),
            subscriptions: Gauges::default(),
            executed_for_groups: of(&executions, "by", "group"),
            executed_for_clients: of(&executions, "by", "client"),
            executions,
            deliveries: Counter::default(),
            catch_ups: Counter::default(),
            commit_to_socket: Histogram::of_times(),
            live_changed: of(&live_executions, "outcome", "changed"),
            live_unchanged: of(&live_executions, "outcome", "unchanged"),
            live_failed: of(&live_executions, "outcome", "failed"),
            live_overtaken: of(&live_executions, "outcome", "overtaken"),
            live_mixed: of(&live_executions, "outcome", "mixed"),
            live_executions,
            live_deliveries: Counter::default(),
            live_saved_bytes: Counter::default(),
        }
    }

    /// Counts an error that a client is sent, and the limit that it met. Both names are the gateway's own.
    pub(crate) fn note_error(&self, code: &str, limit: Option<&str>) {
        let labels_of = |label, value| labels([(label, value)]);
        self.errors.get_or_create(&labels_of("code", code)).inc();
        let limit = limit.or((code == "RATE_LIMITED").then_some("rate"));
        if let Some(limit) = limit {
            self.limits.get_or_create(&labels_of("limit", limit)).inc();
        }
    }

    /// Counts a socket that has ended, by the code that it was closed with.
    pub(crate) fn note_closed(&self, code: Option<u16>) {
        let code = code.map_or("gone".to_owned(), |code| code.to_string());
        let labels = labels([("code", &*code)]);
        self.sockets_closed.get_or_create(&labels).inc();
    }

    /// Counts a subscription as open.
    pub(crate) fn subscribe(&self, kind: Kind) -> Subscribed {
        let labels = labels([("kind", kind.name())]);
        let gauge = self.subscriptions.get_or_create_owned(&labels);
        gauge.inc();
        Subscribed(gauge)
    }

    /// Enters the metrics in the catalog.
    pub(crate) fn enter(&self, catalog: &mut Catalog) {
        let help = "Requests that were answered";
        catalog.add(name("millrace_requests", help), &self.requests);
        let help = "Time from the end of reading the request until its answer is made";
        let durations = seconds("millrace_request_duration", help);
        catalog.add(durations, &self.durations);
        let help = "Errors that clients were sent, by their code";
        catalog.add(name("millrace_errors", help), &self.errors);
        let help = "Errors of clients that met a limit";
        catalog.add(name("millrace_limits_hit", help), &self.limits);
        let help = "Documents that were found planned, or had to be read";
        let plans = name("millrace_plan_cache_lookups", help);
        catalog.add(plans, &self.plans);
        let help = "Queries that were given the answer of an identical one";
        let shared = name("millrace_queries_shared", help);
        catalog.add(shared, &self.shared_queries);
        self.enter_subscriptions(catalog);
    }

    fn enter_subscriptions(&self, catalog: &mut Catalog) {
        let help = "WebSockets that were opened";
        let opened = name("millrace_sockets_opened", help);
        catalog.add(opened, &self.sockets_opened);
        let help = "WebSockets that ended, by the close code that the gateway sent";
        let closed = name("millrace_sockets_closed", help);
        catalog.add(closed, &self.sockets_closed);
        let help = "Open subscriptions, over any transport";
        let open = name("millrace_subscriptions", help);
        catalog.add(open, &self.subscriptions);
        let help = "Results of subscriptions that were computed";
        let executions = name("millrace_subscription_executions", help);
        catalog.add(executions, &self.executions);
        let help = "Results of subscriptions that were handed to clients";
        let deliveries = name("millrace_subscription_deliveries", help);
        catalog.add(deliveries, &self.deliveries);
        let help = "How often a client fell behind its group, and went on from the log";
        let catch_ups = name("millrace_subscription_catch_ups", help);
        catalog.add(catch_ups, &self.catch_ups);
        let help = "Time from an event until a client that keeps up is handed its result";
        let times = seconds("millrace_commit_to_socket", help);
        catalog.add(times, &self.commit_to_socket);
        let help = "Executions of live queries, by what came of them";
        let live = name("millrace_live_query_executions", help);
        catalog.add(live, &self.live_executions);
        let help = "Answers of live queries that were handed to clients";
        let deliveries = name("millrace_live_query_deliveries", help);
        catalog.add(deliveries, &self.live_deliveries);
        let help = "Bytes that live queries did not send: a patch was shorter, or the client had the answer";
        let saved = bytes("millrace_live_query_saved", help);
        catalog.add(saved, &self.live_saved_bytes);
    }
}
