//! Requests by operation. Names come from clients, who could make up any number of them, so only the first ones that are executed have
//! series of their own. A plan looks its series up once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use events::metrics::{Counters, Histogram, Histograms, labels};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;

/// The most names, unless a setting says otherwise.
pub(crate) const MOST_OPERATIONS: usize = 100;
/// Longer names have no series of their own.
const LONGEST_NAME: usize = 64;
const OTHER: &str = "other";
const ANONYMOUS: &str = "anonymous";
const UNKNOWN: &str = "unknown";

/// The operations that have series.
pub(crate) struct Operations {
    requests: Counters,
    durations: Histograms,
    names: Mutex<HashSet<String>>,
    most: AtomicUsize,
    unknown: Figures,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    /// Data, with errors.
    Partial,
    /// Errors without data.
    Failed,
    /// It was not executed.
    Refused,
}

impl Outcome {
    const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// The series of an operation.
pub(crate) struct Figures {
    outcomes: [Counter; 4],
    durations: Histogram,
}

impl Figures {
    fn of(requests: &Counters, durations: &Histograms, operation: &str, kind: &str) -> Self {
        use Outcome::{Failed, Partial, Refused, Success};
        let of_outcome = |outcome: Outcome| {
            let of = [
                ("operation", operation),
                ("type", kind),
                ("outcome", outcome.name()),
            ];
            requests.get_or_create_owned(&labels(of))
        };
        let of = labels([("operation", operation), ("type", kind)]);
        Self {
            outcomes: [Success, Partial, Failed, Refused].map(of_outcome),
            durations: durations.get_or_create_owned(&of),
        }
    }

    /// Counts a request that has ended.
    pub(crate) fn note(&self, outcome: Outcome, took: Duration) {
        self.outcomes[outcome.index()].inc();
        self.durations.observe(took);
    }
}

impl Operations {
    pub(super) fn new(requests: Counters, durations: Histograms) -> Self {
        Self {
            unknown: Figures::of(&requests, &durations, UNKNOWN, UNKNOWN),
            requests,
            durations,
            names: Mutex::default(),
            most: AtomicUsize::new(MOST_OPERATIONS),
        }
    }

    /// Sets how many names have series of their own.
    pub(crate) fn allow(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Returns the series of an operation.
    pub(crate) fn of(&self, name: Option<&str>, kind: &'static str) -> Arc<Figures> {
        let operation = name.map_or(ANONYMOUS, |name| match self.has_place(name) {
            true => name,
            false => OTHER,
        });
        Figures::of(&self.requests, &self.durations, operation, kind).into()
    }

    /// Returns the series of requests that were refused before their operation was known.
    pub(crate) const fn unknown(&self) -> &Figures {
        &self.unknown
    }

    fn has_place(&self, name: &str) -> bool {
        let mut names = self.names.lock();
        if names.contains(name) {
            return true;
        }
        let has_room = names.len() < self.most.load(Ordering::Relaxed);
        has_room && name.len() <= LONGEST_NAME && names.insert(name.to_owned())
    }
}

/// Returns the name of a type of operations.
pub(crate) const fn type_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

#[cfg(test)]
mod tests {
    use events::metrics::{Catalog, name, times};

    use super::*;

    #[test]
    fn names_that_are_made_up_have_no_series() {
        let operations = Operations::new(Counters::default(), times());
        operations.allow(2);
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in [&*long, "First", "Second", "Third", "First"] {
            let figures = operations.of(Some(name), "query");
            figures.note(Outcome::Success, Duration::ZERO);
        }
        operations
            .of(None, "query")
            .note(Outcome::Partial, Duration::ZERO);
        let mut catalog = Catalog::default();
        catalog.add(name("requests", "requests"), &operations.requests);
        let text = catalog.encode(true).expect("text");
        for expected in [
            r#"requests_total{operation="First",type="query",outcome="success"} 2"#,
            r#"requests_total{operation="Second",type="query",outcome="success"} 1"#,
            r#"requests_total{operation="other",type="query",outcome="success"} 2"#,
            r#"requests_total{operation="anonymous",type="query",outcome="partial"} 1"#,
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("Third") && !text.contains(&long), "{text}");
    }
}
