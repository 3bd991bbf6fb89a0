//! The book of a run: which requests were made, under which idempotency keys, and which were answered. Every event carries the
//! key of its request, so the log can be compared with the book in all domains alike: an answered request has exactly its
//! events, and there is no event without a request.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap};

use crate::comparison::Findings;
use crate::database::LogEntry;

/// How many events a request appends, by the kind of stream. Other streams are not checked.
pub type Events = &'static [(&'static str, usize)];

#[derive(Default)]
struct Asked {
    events: BTreeMap<&'static str, usize>,
    logged: BTreeMap<String, usize>,
}

#[derive(Default)]
struct State {
    asked: HashMap<String, Asked>,
    /// The answered requests that are not yet compared with the log.
    answered: Vec<String>,
    answers: usize,
    findings: Findings,
}

pub struct Book {
    /// The prefix of all keys of this run.
    prefix: String,
    state: Mutex<State>,
}

impl Book {
    pub fn open() -> Self {
        Self {
            prefix: format!("rig-{:x}-", fastrand::u64(..)),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Returns a key for a request that will append these events, if it is ever answered.
    pub fn ask(&self, name: &str, events: Events) -> String {
        let mut state = self.state();
        let key = format!("{}{name}-{}", self.prefix, state.asked.len());
        let asked = Asked {
            events: events.iter().copied().collect(),
            ..Asked::default()
        };
        state.asked.insert(key.clone(), asked);
        key
    }

    /// Enters the answer of a request, which is then done.
    pub fn answer(&self, key: String) {
        let mut state = self.state();
        state.answers += 1;
        state.answered.push(key);
    }

    /// Returns the number of answers.
    pub fn answers(&self) -> usize {
        self.state().answers
    }

    /// Notes a wrong answer.
    pub fn note_lost(&self, problem: String) {
        self.state().findings.lost.push(problem);
    }

    pub fn note_doubled(&self, problem: String) {
        self.state().findings.doubled.push(problem);
    }

    /// Takes the answered requests that are not yet compared: all of them must be in the log that is read after this.
    pub fn take_answered(&self) -> Vec<String> {
        std::mem::take(&mut self.state().answered)
    }

    /// Enters the next entries of the log.
    pub fn enter(&self, entries: &[LogEntry]) {
        let mut state = self.state();
        let State {
            asked, findings, ..
        } = &mut *state;
        for entry in entries {
            let key = entry.meta["idempotency_key"].as_str().unwrap_or_default();
            // The rest is the path of the field in the document.
            let key = key.split('#').next().unwrap_or_default();
            if !key.starts_with(&self.prefix) {
                continue;
            }
            let what = || {
                let LogEntry { kind, position, .. } = entry;
                format!("{kind} at {position:?} under {key}")
            };
            let Some(asked) = asked.get_mut(key) else {
                let doubled = format!("{} was not asked for", what());
                findings.doubled.push(doubled);
                continue;
            };
            let logged = asked.logged.entry(entry.stream.clone()).or_default();
            *logged += 1;
            let expected = asked.events.get(entry.stream.as_str());
            if expected.is_some_and(|expected| *logged > *expected) {
                let doubled = format!("{} is one too many", what());
                findings.doubled.push(doubled);
            }
        }
    }

    /// Checks these answered requests, whose events must have been entered; returns the findings since the last call.
    pub fn verify(&self, answered: &[String]) -> Findings {
        let mut state = self.state();
        let State {
            asked, findings, ..
        } = &mut *state;
        for key in answered {
            // Only requests in the book are answered.
            let Some(asked) = asked.get(key) else {
                continue;
            };
            for (stream, expected) in &asked.events {
                let logged = asked.logged.get(*stream).copied().unwrap_or(0);
                if logged < *expected {
                    findings.lost.push(format!(
                        "{key} was answered, and has {logged} of {expected} events of {stream}"
                    ));
                }
            }
        }
        std::mem::take(findings)
    }
}
