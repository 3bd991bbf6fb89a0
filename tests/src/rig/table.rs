//! The table that a run prints: for each fault, or stage of an upgrade, how often it was, what was lost, doubled and reordered after
//! it, and how long recovery took.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::comparison::Findings;

#[derive(Default)]
struct Row {
    times: usize,
    counts: [usize; 3],
    recoveries: Vec<Duration>,
}

/// The results by name, in the order in which the names are listed.
pub struct Table {
    heading: &'static str,
    names: Vec<&'static str>,
    rows: BTreeMap<&'static str, Row>,
    problems: Vec<String>,
}

impl Table {
    /// `heading` says what the names are of.
    pub fn new(heading: &'static str, names: Vec<&'static str>) -> Self {
        Self {
            heading,
            names,
            rows: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Enters what happened, with its findings.
    pub fn enter(&mut self, name: &'static str, recovery: Option<Duration>, findings: &Findings) {
        let row = self.rows.entry(name).or_default();
        row.times += 1;
        for (count, more) in row.counts.iter_mut().zip(findings.counts()) {
            *count += more;
        }
        row.recoveries.extend(recovery);
        self.note(name, findings);
    }

    /// Enters findings, also those from times without a fault.
    pub fn note(&mut self, name: &str, findings: &Findings) {
        let lines = findings.lines().map(|line| format!("{name}: {line}"));
        self.problems.extend(lines);
    }

    /// Returns the findings, one line each.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns how many were entered.
    pub fn injections(&self) -> usize {
        self.rows.values().map(|row| row.times).sum()
    }

    /// Returns the table as Markdown.
    pub fn text(&self) -> String {
        let mut text = format!(
            "| {} | times | lost | doubled | reordered | recovery, median | worst |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
            self.heading
        );
        let rows = self.names.iter();
        for (name, row) in rows.filter_map(|name| Some((name, self.rows.get(name)?))) {
            let [lost, doubled, reordered] = row.counts;
            let mut recoveries = row.recoveries.clone();
            recoveries.sort();
            let seconds = |place: Option<&Duration>| {
                place.map_or("–".to_owned(), |it| format!("{:.2} s", it.as_secs_f64()))
            };
            let median = seconds(recoveries.get(recoveries.len() / 2));
            let worst = seconds(recoveries.last());
            text.push_str(&format!(
                "| {name} | {} | {lost} | {doubled} | {reordered} | {median} | {worst} |\n",
                row.times
            ));
        }
        text
    }
}

#[test]
fn rows_add_up() {
    let mut table = Table::new("fault", vec!["one", "other", "never"]);
    let lost = Findings {
        lost: vec!["a message".into()],
        ..Findings::default()
    };
    table.enter("other", Some(Duration::from_millis(1500)), &lost);
    table.enter(
        "other",
        Some(Duration::from_millis(500)),
        &Findings::default(),
    );
    table.enter("one", None, &Findings::default());
    let text = table.text();
    let rows: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(
        rows,
        [
            "| one | 1 | 0 | 0 | 0 | – | – |",
            "| other | 2 | 1 | 0 | 0 | 1.50 s | 1.50 s |",
        ]
    );
    assert_eq!(table.problems(), ["other: lost: a message"]);
}
