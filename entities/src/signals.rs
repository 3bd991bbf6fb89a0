//! Signals: a value from a source, which three processors examine. A signal is a state machine in the log: pending, processing,
//! and finally completed, when all have answered, or partial, at its deadline by the database's clock. It ends exactly once; a
//! later answer is kept and changes nothing. `aggregate` is the pure state machine; `advancing` is the only way to move it,
//! with the signal's row locked, so any number of processes may try any command at any time.

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
pub(crate) use events::event_contracts;
pub use events::{STREAM, SignalEvent, SignalEventKind};
pub use finding::{Direction, Finding, LevelFinding, StatisticsFinding, TrendFinding};
pub use handlers::handlers;
pub use processors::{Fault, Faults, Levels};
pub use queries::{SignalField, SignalSort, SignalSortField};
pub use signal::{Processor, Signal, SignalId, SignalNotification, SignalResult, SignalStatus};
pub use webhook::{Webhook, WebhookDelivery, WebhookFailure, webhook_schema};

use std::{sync::Arc, time::Duration};

use ::events::EventLog;

use crate::{gathering::Gathering, histories::Histories};

/// The configuration of the domain.
#[derive(Debug, Clone, Copy)]
pub struct SignalsConfig {
    /// How long the processors have to answer, by the database's clock.
    pub deadline: Duration,
}

/// The configuration of the processes that do the work; it should be the same for all of them.
#[derive(Clone, Default)]
pub struct SignalWork {
    /// The thresholds that name the levels of values.
    pub levels: Levels,
    /// Faults to inject, for demonstrations and tests.
    pub faults: Faults,
    /// The receiver that is notified when a signal has ended.
    pub webhook: Option<Arc<dyn Webhook>>,
}

/// The commands and queries of signals.
#[derive(Clone)]
pub struct Signals {
    log: EventLog,
    config: SignalsConfig,
    by_id: Gathering<SignalId, Signal>,
    histories: Histories,
}

impl Signals {
    pub(crate) fn new(log: EventLog, config: SignalsConfig) -> Self {
        Self {
            by_id: queries::by_id(&log),
            histories: Histories::new(&log, STREAM),
            log,
            config,
        }
    }
}
