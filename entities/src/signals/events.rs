//! The events of signals. Each carries the whole signal after the event, so that readers need no other source. The shape of
//! `data` is a contract, and `schema_version` grows when it changes.

use ::events::Event;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Processor, Signal, SignalFact, SignalId, SignalStatus};
use crate::{
    access::Action,
    counting::{Step, Tally},
    event_kinds::{EventContract, EventData, EventKind, event_kinds},
};

/// The kind of stream of signals.
pub const STREAM: &str = SignalId::KIND;

event_kinds! {
    prefix "Signal", data SignalData version 1;

    /// The kinds of signal events.
    pub enum SignalEventKind {
        /// The signal was submitted.
        Submitted,
        /// The signal was handed to the processors.
        ProcessingStarted,
        /// A processor answered in time.
        ResultRecorded,
        /// A processor answered after the end.
        LateResultRecorded,
        /// The signal ended: completed or partial.
        Completed,
        /// The notification was recorded.
        Notified,
        /// The webhook's receiver has acknowledged its end.
        WebhookDelivered,
    }
}

impl SignalEventKind {
    /// Returns the kind of this event, if it is one of a signal.
    pub fn of(stream: &str, event_type: &str) -> Option<Self> {
        Self::find(event_type).filter(|_| stream == STREAM)
    }
}

/// The data of every signal event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignalData {
    /// The signal after the event.
    signal: Signal,
    /// The processors it was handed to, in `SignalProcessingStarted`; who answered, in those of results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    processors: Vec<Processor>,
}

/// A signal event, read from the log.
#[derive(Debug, Clone)]
pub struct SignalEvent {
    /// What happened.
    pub kind: SignalEventKind,
    /// The signal after the event.
    pub signal: Signal,
    /// The processors that the signal was handed to, or the one that answered; empty for other events.
    pub processors: Vec<Processor>,
}

impl SignalEvent {
    pub(super) fn submitted(signal: Signal) -> Self {
        Self {
            kind: SignalEventKind::Submitted,
            signal,
            processors: Vec::new(),
        }
    }

    pub(super) fn of_fact(fact: &SignalFact, signal: Signal) -> Self {
        let (kind, processors) = match fact {
            SignalFact::ProcessingStarted => {
                (SignalEventKind::ProcessingStarted, Processor::ALL.to_vec())
            }
            SignalFact::ResultRecorded(finding) => {
                (SignalEventKind::ResultRecorded, vec![finding.processor()])
            }
            SignalFact::LateResultRecorded(finding) => (
                SignalEventKind::LateResultRecorded,
                vec![finding.processor()],
            ),
            SignalFact::Completed { .. } => (SignalEventKind::Completed, Vec::new()),
            SignalFact::Notified { .. } => (SignalEventKind::Notified, Vec::new()),
            SignalFact::WebhookDelivered => (SignalEventKind::WebhookDelivered, Vec::new()),
        };
        Self {
            kind,
            signal,
            processors,
        }
    }

    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let (kind, data) = SignalEventKind::read(event)?;
        Ok(Self {
            kind,
            signal: data.signal,
            processors: data.processors,
        })
    }

    /// Appends the event with the version of its signal.
    pub(super) async fn append(
        self,
        tx: &::events::Tx<'_>,
        at: DateTime<Utc>,
        meta: &::events::Meta,
    ) -> ::events::Result<()> {
        let stream = self.signal.id.stream();
        let expected = self.signal.version - 1;
        let data = SignalData {
            signal: self.signal,
            processors: self.processors,
        };
        let event = self.kind.event(&data, at);
        tx.append(stream, expected, event, meta).await
    }
}

impl Tally for Signal {
    type Group = SignalStatus;

    const STREAM: &'static str = STREAM;
    const COUNTS: &'static str = "signal_counts";
    const READ: Action = Action::ReadSignals;

    fn step(event: &Event) -> ::events::Result<Step<SignalStatus>> {
        let SignalEvent { kind, signal, .. } = SignalEvent::decode(event)?;
        let from = match kind {
            SignalEventKind::Submitted => None,
            SignalEventKind::ProcessingStarted => Some(SignalStatus::Pending),
            // A signal that ends before it was handed to the processors has no event between.
            SignalEventKind::Completed if event.version == 2 => Some(SignalStatus::Pending),
            SignalEventKind::Completed => Some(SignalStatus::Processing),
            _ => Some(signal.status),
        };
        let to = Some(signal.status);
        Ok(Step { from, to })
    }
}

/// Returns the contracts of these events.
pub(crate) fn event_contracts() -> Vec<EventContract> {
    SignalEventKind::contracts(STREAM).collect()
}
