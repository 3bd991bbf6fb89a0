//! The state machine of a signal: what a command adds to it, and what a fact makes of it. Pure: no I/O, and the time is given.
//! Whatever comes in whatever order and however often: a signal ends once, and stays as it ended; an answer counts once, and
//! not after the end; at the end, `missing` is exactly who had not answered. Called by `advancing`, which adds the database.

use chrono::{DateTime, Utc};

use super::{Finding, Processor, Signal, SignalNotification, SignalResult, SignalStatus};

/// What can be tried on a signal, by anybody, at any time.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalCommand {
    /// Hand it to the processors.
    Start,
    /// Record a processor's answer.
    Record(Finding),
    /// End it, if all have answered.
    Complete,
    /// End it, if its time is over.
    Expire,
    /// Tell of it, if it has ended.
    Notify {
        /// In a sentence.
        text: String,
    },
    /// Note that the webhook's receiver has acknowledged its end.
    ConfirmDelivery,
}

/// What happened to a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalFact {
    /// It was handed to the processors.
    ProcessingStarted,
    /// A processor answered in time.
    ResultRecorded(Finding),
    /// A processor answered after the end.
    LateResultRecorded(Finding),
    /// It ended, without the answers of these.
    Completed {
        /// Empty when all had answered.
        missing: Vec<Processor>,
    },
    /// It was told of.
    Notified {
        /// In a sentence.
        text: String,
    },
    /// The webhook's receiver has acknowledged its end.
    WebhookDelivered,
}

/// What the command adds to the signal at the time `at`; nothing when there is nothing left to do.
pub fn decide(signal: &Signal, command: &SignalCommand, at: DateTime<Utc>) -> Vec<SignalFact> {
    let has_ended = signal.status.is_final();
    let mut facts = Vec::new();
    // Whoever comes first after the deadline ends the signal; nothing may slip in between it and the one who watches.
    let ends_now = !has_ended && at >= signal.deadline_at;
    if ends_now {
        let missing = signal.awaited();
        facts.push(SignalFact::Completed { missing });
    }
    let is_open = !has_ended && !ends_now;
    match command {
        SignalCommand::Start if is_open && signal.status == SignalStatus::Pending => {
            facts.push(SignalFact::ProcessingStarted);
        }
        SignalCommand::Record(finding) if signal.result_of(finding.processor()).is_none() => {
            let finding = finding.clone();
            if !is_open {
                facts.push(SignalFact::LateResultRecorded(finding));
            } else {
                if signal.status == SignalStatus::Pending {
                    facts.push(SignalFact::ProcessingStarted);
                }
                facts.push(SignalFact::ResultRecorded(finding));
            }
        }
        SignalCommand::Complete if is_open && signal.awaited().is_empty() => {
            let missing = Vec::new();
            facts.push(SignalFact::Completed { missing });
        }
        SignalCommand::Notify { text } if has_ended && signal.notification.is_none() => {
            let text = text.clone();
            facts.push(SignalFact::Notified { text });
        }
        SignalCommand::ConfirmDelivery if has_ended && signal.delivered_at.is_none() => {
            facts.push(SignalFact::WebhookDelivered);
        }
        _ => {}
    }
    facts
}

/// The signal after a fact that `decide` gave for it.
pub fn apply(signal: &mut Signal, fact: &SignalFact, at: DateTime<Utc>) {
    match fact {
        SignalFact::ProcessingStarted => signal.status = SignalStatus::Processing,
        SignalFact::ResultRecorded(finding) => add_result(signal, finding, false, at),
        SignalFact::LateResultRecorded(finding) => add_result(signal, finding, true, at),
        SignalFact::Completed { missing } => {
            signal.status = match missing.is_empty() {
                true => SignalStatus::Completed,
                false => SignalStatus::Partial,
            };
            signal.missing.clone_from(missing);
            signal.completed_at = Some(at);
        }
        SignalFact::Notified { text } => {
            signal.notification = Some(SignalNotification {
                text: text.clone(),
                recorded_at: at,
            });
        }
        SignalFact::WebhookDelivered => signal.delivered_at = Some(at),
    }
    signal.version += 1;
}

fn add_result(signal: &mut Signal, finding: &Finding, is_late: bool, at: DateTime<Utc>) {
    signal.results.push(SignalResult {
        finding: finding.clone(),
        is_late,
        recorded_at: at,
    });
    signal
        .results
        .sort_by_key(|result| result.finding.processor());
}

#[cfg(test)]
mod tests;
