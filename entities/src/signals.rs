//! Signals: a value from a source, which three processors look at. A signal is a state machine in the log: pending, processing,
//! and at the end completed, when all have answered, or partial, at its deadline by the database's clock. It ends exactly
//! once; an answer that comes later is kept and changes nothing. `aggregate` is the machine, pure; `advancing` is the only
//! way to move it, with the signal's row locked, so any number of processes may try whatever they like at any time.

mod advancing;
mod aggregate;
mod commands;
mod deadlines;
mod events;
mod finding;
mod handlers;
mod notice;
mod processors;
mod queries;
mod rules;
mod signal;
mod tables;
mod webhook;

pub use aggregate::{SignalCommand, SignalFact, apply, decide};
pub use commands::SubmitSignal;
pub use deadlines::watch_deadlines;
pub use events::{STREAM, SignalEvent, SignalEventKind, event_schemas};
pub use finding::{Direction, Finding, LevelFinding, StatisticsFinding, TrendFinding};
pub use handlers::handlers;
pub use processors::{Fault, Faults, Levels};
pub use queries::{SignalFilter, SignalSort};
pub use signal::{Processor, Signal, SignalId, SignalNotification, SignalResult, SignalStatus};
pub use webhook::{Webhook, WebhookDelivery, WebhookFailure};

use std::{sync::Arc, time::Duration};

use ::events::EventLog;

/// What the domain can be told.
#[derive(Debug, Clone, Copy)]
pub struct SignalsConfig {
    /// How long the processors have to answer, by the database's clock.
    pub deadline: Duration,
}

/// What the processes that do the work can be told; it should be the same for all of them.
#[derive(Clone, Default)]
pub struct SignalWork {
    /// By what the levels of values are named.
    pub levels: Levels,
    /// What is to go wrong, for demonstrations and tests.
    pub faults: Faults,
    /// Who is told of signals that have ended.
    pub webhook: Option<Arc<dyn Webhook>>,
}

/// The commands and queries of signals.
#[derive(Clone)]
pub struct Signals {
    log: EventLog,
    config: SignalsConfig,
}

impl Signals {
    pub(crate) fn new(log: EventLog, config: SignalsConfig) -> Self {
        Self { log, config }
    }
}
