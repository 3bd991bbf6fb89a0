//! What processors found, as clients see it.

use async_graphql::{Enum, SimpleObject, Union};
use entities::signals;

/// The direction of a trend.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "signals::Direction")]
pub(crate) enum SignalDirection {
    /// Up.
    Rising,
    /// Down.
    Falling,
    /// Neither, or indistinguishable from noise.
    Flat,
}

/// The value among those that came before it from its source.
#[derive(SimpleObject)]
pub(crate) struct SignalStatistics {
    /// The number of earlier signals.
    count: i64,
    /// The mean of the earlier values. Null when there are none.
    mean: Option<f64>,
    /// The sample standard deviation of the earlier values. Null when there are fewer than two.
    deviation: Option<f64>,
    /// The number of standard deviations between the value and the mean. Null when the deviation is null or zero.
    z_score: Option<f64>,
    /// Whether the value is more than three standard deviations from the mean.
    is_anomaly: bool,
}

/// The line of least squares through the last 20 values of the source, the signal's own the last.
#[derive(SimpleObject)]
pub(crate) struct SignalTrend {
    /// How many values there were, at most 20.
    count: i64,
    /// By how much the line rises from a signal to the next; null for a first signal.
    slope: Option<f64>,
    /// The share of the variance that the line explains, 0 to 1; null when there is no variance.
    fit: Option<f64>,
    /// FLAT, unless the line explains at least half of the variance.
    direction: SignalDirection,
}

/// The level that the value has reached.
#[derive(SimpleObject)]
pub(crate) struct SignalLevel {
    /// The name of the highest configured threshold that the value has reached, or `normal`.
    level: String,
    /// The same of the signal before it from its source; null for the first.
    previous_level: Option<String>,
    /// Whether the two differ.
    is_change: bool,
}

/// What a processor found: SignalStatistics of STATISTICS, SignalTrend of TREND, SignalLevel of LEVELS.
#[derive(Union)]
pub(crate) enum SignalFinding {
    Statistics(SignalStatistics),
    Trend(SignalTrend),
    Levels(SignalLevel),
}

impl From<signals::Finding> for SignalFinding {
    fn from(finding: signals::Finding) -> Self {
        match finding {
            signals::Finding::Statistics(found) => Self::Statistics(SignalStatistics {
                count: found.count,
                mean: found.mean,
                deviation: found.deviation,
                z_score: found.z_score,
                is_anomaly: found.is_anomaly,
            }),
            signals::Finding::Trend(found) => Self::Trend(SignalTrend {
                count: found.count,
                slope: found.slope,
                fit: found.fit,
                direction: found.direction.into(),
            }),
            signals::Finding::Levels(found) => Self::Levels(SignalLevel {
                level: found.level,
                previous_level: found.previous_level,
                is_change: found.is_change,
            }),
        }
    }
}
