//! The three processors: competing consumers of `SignalProcessingStarted`, each with a handler of its own, so that one that is
//! slow or fails does not hold up the others. Each reads the values of the signal's source up to the signal's number, which
//! never change, so a repeat gives the same result. The result is recorded in the transaction that marks the delivery as done.

mod faults;
mod levels;
mod statistics;
mod trend;

use std::{sync::Arc, time::Duration};

use ::events::{Attempt, Event, EventLog, Handler, Handling, Result, RetryPolicy, effect};

pub use faults::{Fault, Faults};
pub use levels::Levels;

use super::{
    Finding, Processor, STREAM, Signal, SignalCommand, SignalEvent, SignalEventKind,
    advancing::{advance_in_tx, caused_by},
};
use statistics::Running;

use events::DatabaseConnection;

/// The result of a processor.
struct Computed {
    finding: Finding,
    /// The running statistics after the signal, from the processor that keeps them.
    running: Option<Running>,
}

/// A processor as a handler.
pub(super) struct ProcessorHandler {
    pub(super) log: EventLog,
    pub(super) processor: Processor,
    pub(super) levels: Levels,
    pub(super) faults: Faults,
}

impl ProcessorHandler {
    async fn compute(&self, signal: &Signal) -> Result<Computed> {
        let database: &DatabaseConnection = &self.log.database().reader;
        let (finding, running) = match self.processor {
            Processor::Statistics => {
                let (found, running) = statistics::compute(database, signal).await?;
                (Finding::Statistics(found), Some(running))
            }
            Processor::Trend => {
                let found = trend::compute(database, signal).await?;
                (Finding::Trend(found), None)
            }
            Processor::Levels => {
                let found = levels::compute(database, &self.levels, signal).await?;
                (Finding::Levels(found), None)
            }
        };
        Ok(Computed { finding, running })
    }
}

impl Handler for ProcessorHandler {
    fn name(&self) -> &'static str {
        self.processor.handler()
    }

    fn wants(&self, stream: &str, event_type: &str) -> bool {
        stream == STREAM && event_type == SignalEventKind::ProcessingStarted.name()
    }

    fn policy(&self) -> RetryPolicy {
        RetryPolicy {
            limit: 10,
            first: Duration::from_millis(50),
            longest: Duration::from_secs(5),
        }
    }

    fn handle<'a>(&'a self, event: &'a Arc<Event>, _: Attempt) -> Handling<'a> {
        Box::pin(async move {
            let signal = SignalEvent::decode(event)?.signal;
            self.faults.inject(self.processor, signal.value).await?;
            let computed = Arc::new(self.compute(&signal).await?);
            let meta = caused_by(self.name(), event);
            Ok(effect(move |tx| {
                let (signal, computed, meta) = (signal.clone(), computed.clone(), meta.clone());
                Box::pin(async move {
                    if let Some(running) = &computed.running {
                        running.store(tx, &signal).await?;
                    }
                    let command = SignalCommand::Record(computed.finding.clone());
                    advance_in_tx(tx, signal.id, &command, &meta).await?;
                    Ok(())
                })
            }))
        })
    }
}
