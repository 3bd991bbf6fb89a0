//! What operators see and change: the log, the workers, dead letters. Everything is for administrators, and each change is
//! recorded, with its actor, as an event of the stream `operations`: a pause, a resume or a requested rebuild in its own
//! transaction; a replay or a discard, which takes many transactions, by one event before and one after. Called by `schema` and
//! by the command lines.

mod epoch;
mod events;
mod letters;
mod log;
mod monitor;
mod workers;

use std::sync::Arc;

use ::events::{EventLog, Follower, Handler};

pub use epoch::BegunEpoch;
pub use events::STREAM;
pub(crate) use events::event_contracts;
pub(crate) use events::{OperationEventKind, ReadModelData, UserSocketsClosed, append_in_tx};
pub use letters::{DeadLetterDetails, LetterId, NO_LETTER};
pub use log::{EventLogFilter, LoggedEvent, is_withheld};
pub use workers::WorkerNames;

use monitor::Monitor;

use crate::{CommandError, Missing};

/// Why an operation failed.
pub type OperationError = CommandError<Missing>;

/// What an operation came to.
type Done<T> = Result<T, OperationError>;

/// The fixed properties of a handler.
#[derive(Debug, Clone)]
pub struct KnownHandler {
    /// Its name.
    pub name: &'static str,
    /// The dependency of the handler besides the database.
    pub dependency: Option<&'static str>,
    /// How many events a process handles at once.
    pub concurrency: usize,
}

impl From<&Arc<dyn Handler>> for KnownHandler {
    fn from(handler: &Arc<dyn Handler>) -> Self {
        Self {
            name: handler.name(),
            dependency: handler.dependency(),
            concurrency: handler.concurrency(),
        }
    }
}

/// The commands and queries of operations.
#[derive(Clone)]
pub struct Operations {
    log: EventLog,
    followers: Arc<[Arc<dyn Follower>]>,
    handlers: Arc<[KnownHandler]>,
    monitor: Arc<Monitor>,
}

impl Operations {
    /// Creates the operations over `log`, with all followers and handlers that the workers run.
    pub fn new(
        log: EventLog,
        followers: Vec<Arc<dyn Follower>>,
        handlers: Vec<KnownHandler>,
    ) -> Self {
        Self {
            log,
            followers: followers.into(),
            handlers: handlers.into(),
            monitor: Arc::default(),
        }
    }

    /// Returns the known handlers.
    pub fn known_handlers(&self) -> &[KnownHandler] {
        &self.handlers
    }
}
