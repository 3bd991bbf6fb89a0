//! The ledger of a fault test: which mutations were answered, what is in the log, and what each subscriber got. No event may be
//! lost, doubled or reordered. It prints one line for each test to standard error, past the harness's capture.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Once;
use std::time::Instant;

use sea_orm::DatabaseConnection;

use crate::comparison::{Course, Findings, KnownLog};
use crate::database;
use crate::subscriber::{Delivery, Subscriber};
use crate::waiting::SOON;
use crate::writers::Acknowledged;
use crate::{Setup, eventually, ids};

/// The kind of stream that the writers write to.
const WRITTEN: &str = "customer";

pub struct Ledger {
    name: String,
    started: Instant,
    acknowledged: HashSet<(String, u64)>,
    repeated: usize,
    log: KnownLog,
    delivered: usize,
    connections: usize,
    findings: Findings,
}

impl Ledger {
    pub fn open(name: &str, setup: &Setup) -> Self {
        Self {
            name: format!(
                "{name} ({})",
                if setup.is_distributed() {
                    "distributed"
                } else {
                    "embedded"
                }
            ),
            started: Instant::now(),
            acknowledged: HashSet::new(),
            repeated: 0,
            log: KnownLog::default(),
            delivered: 0,
            connections: 0,
            findings: Findings::default(),
        }
    }

    /// Enters the answered mutations.
    pub fn enter(&mut self, (answered, repeated): (Vec<Acknowledged>, usize)) {
        self.repeated += repeated;
        for Acknowledged { id, version } in answered {
            let uuid = ids::uuid_digits(&id).unwrap_or_else(|| panic!("not an id: {id}"));
            if !self.acknowledged.insert((uuid, version)) {
                self.findings
                    .doubled
                    .push(format!("two answers for version {version} of {id}"));
            }
        }
    }

    /// Waits until all events have a position, and compares the log with the answered mutations.
    pub async fn compare_log(&mut self, database: &DatabaseConnection) {
        eventually("every event has a position", SOON, async || {
            let (events, head) = database::log_size(database).await;
            (events == head).then_some(())
        })
        .await;
        let entries = database::log(database).await;
        self.log.extend(entries, &mut self.findings);
        let mut logged = HashSet::new();
        for entry in self.log.entries() {
            if entry.stream != WRITTEN {
                continue;
            }
            let key = (entry.id.clone(), entry.version);
            if !self.acknowledged.contains(&key) {
                self.findings.doubled.push(format!(
                    "version {} of {} at {:?} was not asked for",
                    entry.version, entry.id, entry.position
                ));
            }
            logged.insert(key);
        }
        let missing = self.acknowledged.difference(&logged);
        let lost = missing.map(|(id, version)| {
            format!("version {version} of {id} was answered and is not in the log")
        });
        self.findings.lost.extend(lost);
    }

    /// Returns the positions of the writers' events, without those of presence.
    fn written(&self) -> impl Iterator<Item = u64> {
        let entries = self.log.entries().iter();
        let written = entries.filter(|entry| entry.stream == WRITTEN);
        written.filter_map(|entry| entry.position)
    }

    /// Returns the last of them.
    fn end(&self) -> u64 {
        self.written().last().unwrap_or(0)
    }

    /// Lets a subscriber reach the end of the log, and compares what it got.
    pub async fn compare_subscriber(&mut self, subscriber: Subscriber) {
        let end = self.end();
        let complete = subscriber.reaches(end, SOON).await;
        let (start, position, connections) = (
            subscriber.start,
            subscriber.position(),
            subscriber.connections(),
        );
        let deliveries = subscriber.finish();
        self.connections += connections;
        if !complete {
            self.findings.lost.push(format!(
                "a subscriber came to {position} of {end} over {connections} connections"
            ));
        }
        self.compare_deliveries(start, deliveries);
    }

    /// Compares the deliveries after the position `start` with the log.
    pub fn compare_deliveries(&mut self, start: u64, deliveries: Vec<Delivery>) {
        self.delivered += deliveries.len();
        let wants = |entry: &database::LogEntry| entry.stream == WRITTEN;
        Course::new(start).compare(deliveries, &self.log, wants, &mut self.findings);
    }

    /// Prints the line, and fails if anything was lost, doubled or reordered.
    pub fn close(self, at_least: usize) {
        static HEADING: Once = Once::new();
        let mut line = format!(
            "| {:<52} | {:>12} | {:>8} | {:>6} | {:>9} | {:>10} | {:>4} | {:>7} | {:>9} | {:>4.0} s |\n",
            self.name,
            self.acknowledged.len(),
            self.repeated,
            self.written().count(),
            self.delivered,
            self.connections,
            self.findings.lost.len(),
            self.findings.doubled.len(),
            self.findings.reordered.len(),
            self.started.elapsed().as_secs_f64(),
        );
        HEADING.call_once(|| {
            let heading = format!(
                "\n| {:<52} | acknowledged | repeated | in log | delivered | reconnects | lost | doubled | reordered |   took |\n",
                "fault"
            );
            line.insert_str(0, &heading);
        });
        // `print!` will not do: the harness would capture it.
        let _ = std::io::stderr().write_all(line.as_bytes());
        let lines: Vec<String> = self.findings.lines().collect();
        assert!(
            lines.is_empty(),
            "{}: {} findings:\n  {}",
            self.name,
            lines.len(),
            lines[..lines.len().min(15)].join("\n  ")
        );
        assert!(
            self.acknowledged.len() >= at_least,
            "{}: only {} answers",
            self.name,
            self.acknowledged.len()
        );
    }
}
