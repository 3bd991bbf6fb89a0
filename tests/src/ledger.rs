//! The ledger of a fault test: what was answered, what is in the log, and what each subscriber got. Lost, doubled and reordered
//! must each come to nothing. One line a test goes to standard error, past the harness's capture.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Once;
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;

use crate::database::{self, LogEntry};
use crate::subscriber::{Delivery, Subscriber};
use crate::writers::Acknowledged;
use crate::{Setup, eventually, ids};

/// How long the log may take to number what was written, and a subscriber to catch up.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// The kind of stream that the writers write to.
const WRITTEN: &str = "customer";

pub struct Ledger {
    name: String,
    started: Instant,
    acknowledged: HashSet<(String, u64)>,
    repeated: usize,
    log: Vec<LogEntry>,
    delivered: usize,
    connections: usize,
    lost: Vec<String>,
    doubled: Vec<String>,
    reordered: Vec<String>,
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
            log: Vec::new(),
            delivered: 0,
            connections: 0,
            lost: Vec::new(),
            doubled: Vec::new(),
            reordered: Vec::new(),
        }
    }

    /// Enters what was answered.
    pub fn enter(&mut self, (answered, repeated): (Vec<Acknowledged>, usize)) {
        self.repeated += repeated;
        for Acknowledged { id, version } in answered {
            let uuid = ids::uuid_digits(&id).unwrap_or_else(|| panic!("not an id: {id}"));
            if !self.acknowledged.insert((uuid, version)) {
                self.doubled
                    .push(format!("two answers for version {version} of {id}"));
            }
        }
    }

    /// Waits until all events have a position, and compares the log with what was answered.
    pub async fn compare_log(&mut self, database: &DatabaseConnection) {
        eventually("every event has a position", SETTLE_LIMIT, async || {
            let (events, head) = database::log_size(database).await;
            (events == head).then_some(())
        })
        .await;
        self.log = database::log(database).await;
        let mut versions: HashMap<(&str, &str), u64> = HashMap::new();
        let mut logged = HashSet::new();
        for (index, entry) in self.log.iter().enumerate() {
            let position = entry.position.expect("a position");
            if position != index as u64 + 1 {
                self.reordered
                    .push(format!("position {position} follows {index}"));
            }
            let stream = (entry.stream.as_str(), entry.id.as_str());
            let version = versions.entry(stream).or_default();
            if entry.version != *version + 1 {
                self.reordered.push(format!(
                    "version {} of {} follows {version} at {position}",
                    entry.version, entry.id
                ));
            }
            *version = entry.version;
            if entry.stream != WRITTEN {
                continue;
            }
            let key = (entry.id.clone(), entry.version);
            if !self.acknowledged.contains(&key) {
                self.doubled.push(format!(
                    "version {} of {} at {position} was not asked for",
                    entry.version, entry.id
                ));
            }
            logged.insert(key);
        }
        let missing = self.acknowledged.difference(&logged);
        self.lost.extend(missing.map(|(id, version)| {
            format!("version {version} of {id} was answered and is not in the log")
        }));
    }

    /// The positions of what writers write, among those of who came and went.
    fn written(&self) -> impl Iterator<Item = u64> {
        let entries = self.log.iter().filter(|entry| entry.stream == WRITTEN);
        entries.filter_map(|entry| entry.position)
    }

    /// The last of them.
    fn end(&self) -> u64 {
        self.written().last().unwrap_or(0)
    }

    /// Lets a subscriber come to the end of the log, and compares what it got.
    pub async fn compare_subscriber(&mut self, subscriber: Subscriber) {
        let end = self.end();
        let complete = subscriber.reaches(end, SETTLE_LIMIT).await;
        let (start, position, connections) = (
            subscriber.start,
            subscriber.position(),
            subscriber.connections(),
        );
        let deliveries = subscriber.finish();
        self.connections += connections;
        if !complete {
            self.lost.push(format!(
                "a subscriber came to {position} of {end} over {connections} connections"
            ));
        }
        self.compare_deliveries(start, &deliveries);
    }

    /// Compares what came, after the position `start`, with the log.
    pub fn compare_deliveries(&mut self, start: u64, deliveries: &[Delivery]) {
        self.delivered += deliveries.len();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut last = start;
        let mut versions: HashMap<&str, u64> = HashMap::new();
        for delivery in deliveries {
            let Delivery {
                position,
                id,
                version,
                shown_version,
            } = delivery;
            if !seen.insert(*position) {
                self.doubled
                    .push(format!("position {position} was delivered again"));
            } else if *position <= last
                || versions
                    .get(id.as_str())
                    .is_some_and(|known| known >= version)
            {
                self.reordered.push(format!(
                    "position {position} (version {version} of {id}) came after {last}"
                ));
            }
            last = last.max(*position);
            versions.insert(id, *version);
            let entry = position
                .checked_sub(1)
                .and_then(|index| self.log.get(index as usize));
            if entry.is_none_or(|entry| {
                entry.id != *id || entry.version != *version || shown_version < version
            }) {
                self.lost.push(format!("position {position} brought version {version} (shown {shown_version}) of {id}, not {entry:?}"));
            }
        }
        let wanted = self.written().filter(|position| *position > start);
        let missing: Vec<u64> = wanted.filter(|position| !seen.contains(position)).collect();
        self.lost.extend(
            missing
                .iter()
                .map(|position| format!("position {position} was not delivered")),
        );
    }

    /// Prints the line, and fails unless nothing was lost, doubled or reordered.
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
            self.lost.len(),
            self.doubled.len(),
            self.reordered.len(),
            self.started.elapsed().as_secs_f64(),
        );
        HEADING.call_once(|| {
            let heading = format!(
                "\n| {:<52} | acknowledged | repeated | in log | delivered | reconnects | lost | doubled | reordered |   took |\n",
                "fault"
            );
            line.insert_str(0, &heading);
        });
        // Not `print!`: the harness would swallow it.
        let _ = std::io::stderr().write_all(line.as_bytes());
        let first = |problems: &[String]| problems[..problems.len().min(5)].join("\n  ");
        assert!(
            self.lost.is_empty(),
            "{}: {} lost:\n  {}",
            self.name,
            self.lost.len(),
            first(&self.lost)
        );
        assert!(
            self.doubled.is_empty(),
            "{}: {} doubled:\n  {}",
            self.name,
            self.doubled.len(),
            first(&self.doubled)
        );
        assert!(
            self.reordered.is_empty(),
            "{}: {} reordered:\n  {}",
            self.name,
            self.reordered.len(),
            first(&self.reordered)
        );
        assert!(
            self.acknowledged.len() >= at_least,
            "{}: only {} answers",
            self.name,
            self.acknowledged.len()
        );
    }
}
