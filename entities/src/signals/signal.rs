//! The signal as events and answers carry it: its row with the results of its processors.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Finding;
use crate::{id::ids, stored_enum::stored_enum};

ids! {
    /// A signal's id.
    SignalId = Id<OfSignal>, "signal";
}

stored_enum! {
    /// Where a signal stands.
    #[schemars(rename = "SignalStatus")]
    pub enum SignalStatus {
        /// Submitted.
        Pending,
        /// Handed to the processors.
        Processing,
        /// All processors have answered.
        Completed,
        /// Some processors had not answered at the deadline.
        Partial,
    }
}

impl SignalStatus {
    /// Returns whether the status is final.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Partial)
    }
}

stored_enum! {
    /// Who looks at a signal.
    #[schemars(rename = "SignalProcessor")]
    pub enum Processor {
        /// How far the value is from what the source is used to.
        Statistics,
        /// Where the last values of the source are going.
        Trend,
        /// Which thresholds the value has passed.
        Levels,
    }
}

impl Processor {
    /// All processors, in the order in which results are listed.
    pub const ALL: [Self; 3] = [Self::Statistics, Self::Trend, Self::Levels];

    /// Returns the name of the processor's handler.
    pub const fn handler(self) -> &'static str {
        match self {
            Self::Statistics => "signal_statistics",
            Self::Trend => "signal_trend",
            Self::Levels => "signal_levels",
        }
    }
}

/// What a processor answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalResult {
    /// What it found.
    pub finding: Finding,
    /// Whether it came when the signal had ended: then it counts for nothing.
    pub is_late: bool,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// What is told of a signal that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalNotification {
    /// In a sentence.
    pub text: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// Its id, uuid v7.
    pub id: SignalId,
    /// Where it comes from, such as the name of a sensor.
    pub source: String,
    /// Its place among the signals of its source: 1, 2, 3, … without gaps.
    pub number: i64,
    /// What was measured.
    pub value: f64,
    /// Where it stands.
    pub status: SignalStatus,
    /// What the processors answered, at most one answer of each, in the processors' order.
    pub results: Vec<SignalResult>,
    /// The processors whose answers were not there at the deadline; empty before the end.
    pub missing: Vec<Processor>,
    /// Grows by one with every event.
    pub version: i64,
    /// Who submitted it.
    pub submitted_by: String,
    /// When, by the database's clock, as all times of signals.
    pub submitted_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub deadline_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// What is told of it, once it has ended.
    pub notification: Option<SignalNotification>,
    /// When the webhook's receiver had acknowledged it.
    pub delivered_at: Option<DateTime<Utc>>,
}

impl Signal {
    /// Returns the processor's answer, late or not.
    pub fn result_of(&self, processor: Processor) -> Option<&SignalResult> {
        let mut results = self.results.iter();
        results.find(|result| result.finding.processor() == processor)
    }

    /// Returns the processors that have not answered.
    pub fn awaited(&self) -> Vec<Processor> {
        let all = Processor::ALL.into_iter();
        all.filter(|processor| self.result_of(*processor).is_none())
            .collect()
    }
}
