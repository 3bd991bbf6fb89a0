//! The catalog of a process: what all its crates count, and what is read at a scrape. Called at the start.

use std::sync::Arc;

use entities::{Entities, access::Viewer};
use events::EventLog;
use events::metrics::{Catalog, METRICS as OF_LOG, labels, name};

use super::samples::{self, Samples};
use crate::live::Live;
use crate::metrics::{METRICS, enter_process};
use crate::shutdown::Shutdown;
use crate::telemetry;

/// What there is in a process that serves, besides its log.
pub struct Observed<'a> {
    pub live: &'a Live,
    pub shutdown: &'a Shutdown,
    pub entities: &'a Entities,
}

/// Builds the catalog of this process, and begins to look at what is looked at seldom. `operations` names have series of their own.
#[must_use]
pub fn catalog(log: &EventLog, observed: Option<Observed<'_>>, operations: usize) -> Arc<Catalog> {
    METRICS.operations.allow(operations);
    let samples = Samples::default();
    let catalog = build(log, observed, &samples);
    tokio::spawn(samples::keep(log.clone(), samples));
    Arc::new(catalog)
}

fn build(log: &EventLog, observed: Option<Observed<'_>>, samples: &Samples) -> Catalog {
    let mut catalog = Catalog::default();
    let is_embedded = log.database().is_embedded();
    let database = if is_embedded { "sqlite" } else { "postgres" };
    enter_process(&mut catalog, database);
    OF_LOG.enter(&mut catalog);
    telemetry::enter_metrics(&mut catalog);
    log.enter_metrics(&mut catalog);
    samples.enter(&mut catalog);
    if let Some(Observed {
        live,
        shutdown,
        entities,
    }) = observed
    {
        METRICS.enter(&mut catalog);
        live.enter_metrics(&mut catalog);
        let shutdown = shutdown.clone();
        let sockets = name("millrace_sockets", "Open WebSockets");
        catalog.read_gauge(sockets, move || {
            vec![(labels([]), shutdown.open_sockets() as f64)]
        });
        enter_caches(&mut catalog, entities);
    }
    catalog
}

fn enter_caches(catalog: &mut Catalog, entities: &Entities) {
    let read = |entities: &Entities| {
        let figures = entities.cache_figures(&Viewer::Process("metrics"));
        figures.unwrap_or_default().into_iter()
    };
    let of = |cache| labels([("cache", cache)]);
    let help = "Rows that memory had, or had not";
    let lookups = name("millrace_cache_lookups", help);
    let it = entities.clone();
    catalog.read_counter(lookups, move || {
        let of = |cache, result| labels([("cache", cache), ("result", result)]);
        let series = read(&it).flat_map(|(cache, figures)| {
            [
                (of(cache, "hit"), figures.hits as f64),
                (of(cache, "miss"), figures.misses as f64),
            ]
        });
        series.collect()
    });
    let it = entities.clone();
    let shared = name("millrace_cache_shared_hits", "Rows that Redis had");
    catalog.read_counter(shared, move || {
        let series = read(&it).map(|(cache, figures)| (of(cache), figures.shared_hits as f64));
        series.collect()
    });
    let it = entities.clone();
    let loads = name("millrace_cache_loads", "Loads from the database");
    catalog.read_counter(loads, move || {
        let series = read(&it).map(|(cache, figures)| (of(cache), figures.loads as f64));
        series.collect()
    });
    let it = entities.clone();
    let help = "Rows that were shown as stale, because they could not be loaded in time";
    let stale = name("millrace_cache_stale", help);
    catalog.read_counter(stale, move || {
        let series = read(&it).map(|(cache, figures)| (of(cache), figures.stale as f64));
        series.collect()
    });
    let it = entities.clone();
    let entries = name("millrace_cache_entries", "Rows in memory");
    catalog.read_gauge(entries, move || {
        let series = read(&it).map(|(cache, figures)| (of(cache), figures.entries as f64));
        series.collect()
    });
}
