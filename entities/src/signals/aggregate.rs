//! The state machine of a signal: which facts a command adds, and how a fact changes the signal. Pure: no I/O, and the time is
//! an argument. For any commands, in any order and however often: a signal ends once, and stays as it ended; an answer counts
//! once, and not after the end; at the end, `missing` is exactly the processors that had not answered. Called by `advancing`,
//! which adds the database.

use chrono::{DateTime, Utc};

use super::{Finding, Processor, Signal, SignalNotification, SignalResult, SignalStatus};

/// The commands on a signal, which anybody may try at any time.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalCommand {
    /// Hands the signal to the processors.
    Start,
    /// Records a processor's answer.
    Record(Finding),
    /// Ends the signal, if all have answered.
    Complete,
    /// Ends the signal, if its deadline has passed.
    Expire,
    /// Records the notification, if the signal has ended.
    Notify {
        /// The text of the notification.
        text: String,
    },
    /// Records that the webhook's receiver has acknowledged the end.
    ConfirmDelivery,
}

/// The facts about a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalFact {
    /// The signal was handed to the processors.
    ProcessingStarted,
    /// A processor answered in time.
    ResultRecorded(Finding),
    /// A processor answered after the end.
    LateResultRecorded(Finding),
    /// The signal ended.
    Completed {
        /// The processors that had not answered; empty when all had.
        missing: Vec<Processor>,
    },
    /// The notification was recorded.
    Notified {
        /// The text of the notification.
        text: String,
    },
    /// The webhook's receiver has acknowledged its end.
    WebhookDelivered,
}

/// Returns the facts that the command adds to the signal at the time `at`; empty if there is nothing left to do.
pub fn decide(signal: &Signal, command: &SignalCommand, at: DateTime<Utc>) -> Vec<SignalFact> {
    let has_ended = signal.status.is_final();
    let mut facts = Vec::new();
    // The first command after the deadline ends the signal, so that nothing comes between the deadline and the task that
    // watches it.
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

/// Applies a fact that `decide` returned for the signal.
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
