//! What those who run Millrace see of it and do to it: the log, the workers, what was given up. Everything is for
//! administrators, and whatever they change is told by an event of the stream `operations`, with who did it: a pause or a
//! resume, or a rebuild that is asked for, in its own transaction; replays and discards, which are many transactions, by one event before and one after.
//! Called by `schema` and by the command lines.

mod epoch;
mod events;
mod letters;
mod log;
mod monitor;
mod workers;

use std::sync::Arc;

use ::events::{EventLog, Follower, Handler};

pub use epoch::BegunEpoch;
pub(crate) use events::{OperationEventKind, ReadModelData, UserSocketsClosed, append_in_tx};
pub use events::{STREAM, event_schemas};
pub use letters::{DeadLetterDetails, LetterId, NO_LETTER};
pub use log::{EventLogFilter, LoggedEvent, is_withheld};
pub use workers::WorkerNames;

use monitor::Monitor;

use crate::{CommandError, Missing};

/// Why what an administrator asked for is not done.
pub type OperationError = CommandError<Missing>;

/// A handler, as far as it does not change.
#[derive(Debug, Clone)]
pub struct KnownHandler {
    /// Its name.
    pub name: &'static str,
    /// What it needs besides the database.
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
    /// Over `log`, with all followers and handlers that the workers run.
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

    /// The handlers that there are.
    pub fn known_handlers(&self) -> &[KnownHandler] {
        &self.handlers
    }
}
