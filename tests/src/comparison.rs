//! The comparisons of fault tests, in one place: the log with itself (dense positions, dense versions), and the deliveries to a
//! subscriber with the log. Both grow while they are compared, so that a long run can be checked after every fault. Used by the
//! ledger of a test and by the rig.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::database::LogEntry;
use crate::subscriber::Delivery;

/// Violations of the guarantees.
#[derive(Debug, Default)]
pub struct Findings {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub reordered: Vec<String>,
}

impl Findings {
    /// Returns the numbers of lost, doubled and reordered events.
    pub fn counts(&self) -> [usize; 3] {
        [self.lost.len(), self.doubled.len(), self.reordered.len()]
    }

    pub fn is_empty(&self) -> bool {
        self.counts() == [0; 3]
    }

    pub fn absorb(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.reordered.extend(other.reordered);
    }

    /// Returns one line for each finding, with its kind.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let sorts = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("reordered", &self.reordered),
        ];
        sorts
            .into_iter()
            .flat_map(|(sort, lines)| lines.iter().map(move |line| format!("{sort}: {line}")))
    }
}

/// The part of the log that was read.
#[derive(Default)]
pub struct KnownLog {
    entries: Vec<LogEntry>,
    versions: HashMap<(String, String), u64>,
}

impl KnownLog {
    /// Adds the following entries, which must be dense in their positions and in the versions of every stream.
    pub fn extend(&mut self, entries: Vec<LogEntry>, findings: &mut Findings) {
        for entry in entries {
            let position = entry.position.expect("a position");
            let before = self.end();
            if position != before + 1 {
                let reordered = format!("position {position} follows {before}");
                findings.reordered.push(reordered);
            }
            let stream = (entry.stream.clone(), entry.id.clone());
            let version = self.versions.entry(stream).or_default();
            if entry.version != *version + 1 {
                findings.reordered.push(format!(
                    "version {} of {} follows {version} at {position}",
                    entry.version, entry.id
                ));
            }
            *version = entry.version;
            self.entries.push(entry);
        }
    }

    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Returns the last position.
    pub fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Returns the entries after a position.
    pub fn after(&self, position: u64) -> &[LogEntry] {
        &self.entries[(position as usize).min(self.entries.len())..]
    }

    fn at(&self, position: u64) -> Option<&LogEntry> {
        self.entries.get(position.checked_sub(1)? as usize)
    }
}

/// The progress of the comparison of one subscriber with the log.
pub struct Course {
    /// Every wanted event up to this position must have been delivered.
    compared: u64,
    /// The highest delivered position.
    last: u64,
    seen: HashSet<u64>,
    versions: HashMap<String, u64>,
    /// Deliveries from a part of the log that has not been read yet.
    ahead: VecDeque<Delivery>,
}

impl Course {
    /// Returns the course of a subscriber that began after this position.
    pub fn new(start: u64) -> Self {
        Self {
            compared: start,
            last: start,
            seen: HashSet::new(),
            versions: HashMap::new(),
            ahead: VecDeque::new(),
        }
    }

    /// Returns the number of deliveries.
    pub fn deliveries(&self) -> usize {
        self.seen.len()
    }

    /// Compares new deliveries, and all wanted events up to the log's end.
    pub fn compare(
        &mut self,
        came: Vec<Delivery>,
        log: &KnownLog,
        wants: impl Fn(&LogEntry) -> bool,
        findings: &mut Findings,
    ) {
        self.ahead.extend(came);
        while let Some(delivery) = self.ahead.pop_front() {
            if delivery.position > log.end() {
                self.ahead.push_front(delivery);
                break;
            }
            self.take(&delivery, log, findings);
        }
        let wanted = log.after(self.compared).iter().filter(|entry| wants(entry));
        let missing = wanted
            .filter_map(|entry| entry.position)
            .filter(|position| !self.seen.contains(position));
        let lost = missing.map(|position| format!("position {position} was not delivered"));
        findings.lost.extend(lost);
        self.compared = self.compared.max(log.end());
    }

    fn take(&mut self, delivery: &Delivery, log: &KnownLog, findings: &mut Findings) {
        let Delivery {
            position,
            id,
            version,
            shown_version,
        } = delivery;
        let entry = log.at(*position);
        // Streams of different kinds may have the same id. An object that is gone when it is shown has no id.
        let stream = entry.map(|entry| format!("{} {}", entry.stream, entry.id));
        let stream = stream.unwrap_or_default();
        let known = self.versions.get(&stream);
        if !self.seen.insert(*position) {
            findings
                .doubled
                .push(format!("position {position} was delivered again"));
        } else if *position <= self.last || known.is_some_and(|known| known >= version) {
            findings.reordered.push(format!(
                "position {position} (version {version} of {id}) came after {}",
                self.last
            ));
        }
        self.last = self.last.max(*position);
        self.versions.insert(stream, *version);
        let is_it = entry.is_some_and(|entry| {
            (entry.id == *id || id.is_empty())
                && entry.version == *version
                && shown_version >= version
        });
        if !is_it {
            findings.lost.push(format!(
                "position {position} brought version {version} (shown {shown_version}) of {id}, not {entry:?}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn entry(position: u64, id: &str, version: u64) -> LogEntry {
        LogEntry {
            stream: "customer".into(),
            id: id.into(),
            version,
            kind: "CustomerUpdated".into(),
            position: Some(position),
            occurred_at: String::new(),
            data: Value::Null,
            meta: Value::Null,
        }
    }

    fn delivery(position: u64, id: &str, version: u64) -> Delivery {
        Delivery {
            position,
            id: id.into(),
            version,
            shown_version: version,
        }
    }

    fn log_of(entries: &[(&str, u64)]) -> (KnownLog, Findings) {
        let (mut log, mut findings) = (KnownLog::default(), Findings::default());
        let entries = entries.iter().zip(1..);
        let entries = entries.map(|((id, version), position)| entry(position, id, *version));
        log.extend(entries.collect(), &mut findings);
        (log, findings)
    }

    fn compared(came: Vec<Delivery>) -> [usize; 3] {
        let (log, mut findings) = log_of(&[("a", 1), ("a", 2), ("b", 1)]);
        let mut course = Course::new(0);
        course.compare(came, &log, |_| true, &mut findings);
        findings.counts()
    }

    #[test]
    fn gaps_in_the_log_are_noticed() {
        assert!(log_of(&[("a", 1), ("b", 1), ("a", 2)]).1.is_empty());
        assert_eq!(log_of(&[("a", 1), ("a", 3)]).1.counts(), [0, 0, 1]);
        let (mut log, mut findings) = log_of(&[("a", 1)]);
        log.extend(vec![entry(3, "a", 2)], &mut findings);
        assert_eq!(findings.counts(), [0, 0, 1], "no position 2");
    }

    #[test]
    fn deliveries_are_held_against_the_log() {
        let [first, second, third] = [("a", 1), ("a", 2), ("b", 1)];
        let at = |position, (id, version): (&str, u64)| delivery(position, id, version);
        let all = || vec![at(1, first), at(2, second), at(3, third)];
        assert_eq!(compared(all()), [0, 0, 0]);
        assert_eq!(compared(vec![at(1, first), at(3, third)]), [1, 0, 0]);
        let again = [all(), vec![at(3, third)]].concat();
        assert_eq!(compared(again), [0, 1, 0]);
        let swapped = vec![at(2, second), at(1, first), at(3, third)];
        assert_eq!(compared(swapped), [0, 0, 1]);
        let wrong = vec![at(1, first), at(2, third), at(3, third)];
        assert!(compared(wrong)[0] > 0, "another's change under a position");
    }

    #[test]
    fn what_comes_before_it_is_known_waits() {
        let (mut log, mut findings) = log_of(&[("a", 1)]);
        let mut course = Course::new(0);
        let came = vec![delivery(1, "a", 1), delivery(2, "a", 2)];
        course.compare(came, &log, |_| true, &mut findings);
        log.extend(vec![entry(2, "a", 2)], &mut findings);
        course.compare(Vec::new(), &log, |_| true, &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(course.deliveries(), 2);
    }
}
