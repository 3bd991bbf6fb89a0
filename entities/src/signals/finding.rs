//! The finding of each processor. It follows only from the values of the source up to the signal, so a processor that runs
//! again finds the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Processor;

/// What a processor found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "processor", rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "SignalFinding")]
pub enum Finding {
    /// How far the value is from what the source is used to.
    Statistics(StatisticsFinding),
    /// Where the last values of the source are going.
    Trend(TrendFinding),
    /// Which thresholds the value has passed.
    Levels(LevelFinding),
}

impl Finding {
    /// Returns the processor of the finding.
    pub const fn processor(&self) -> Processor {
        match self {
            Self::Statistics(_) => Processor::Statistics,
            Self::Trend(_) => Processor::Trend,
            Self::Levels(_) => Processor::Levels,
        }
    }
}

/// The value among those that came before it from its source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SignalStatistics")]
pub struct StatisticsFinding {
    /// How many signals came before.
    pub count: i64,
    /// Their mean; none without any.
    pub mean: Option<f64>,
    /// Their sample standard deviation (n - 1); none for fewer than two.
    pub deviation: Option<f64>,
    /// By how many deviations the value differs from the mean; none when they did not deviate.
    pub z_score: Option<f64>,
    /// Whether that is more than three, either way.
    pub is_anomaly: bool,
}

/// Where values are going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "SignalDirection")]
pub enum Direction {
    /// Up.
    Rising,
    /// Down.
    Falling,
    /// Neither, or not to be told from noise.
    Flat,
}

/// The line of least squares through the last values of the source, the signal's own the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SignalTrend")]
pub struct TrendFinding {
    /// How many values, at most as many as the window has.
    pub count: i64,
    /// By how much the line rises from a signal to the next; none for fewer than two.
    pub slope: Option<f64>,
    /// The share of the variance that the line explains, 0 to 1; none when there is no variance.
    pub fit: Option<f64>,
    /// Flat, unless the line explains at least half of the variance.
    pub direction: Direction,
}

/// The level that the value has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SignalLevel")]
pub struct LevelFinding {
    /// The name of the highest threshold that the value has reached, or `normal`.
    pub level: String,
    /// The same of the signal before it from its source; none for the first.
    pub previous_level: Option<String>,
    /// Whether the two differ.
    pub is_change: bool,
}
