//! The findings of processors, as clients see them.

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

/// The value compared with the earlier ones of its source.
#[derive(SimpleObject)]
pub(crate) struct StatisticsFinding {
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

/// The least-squares line through the last 20 values of the source, including that of the signal.
#[derive(SimpleObject)]
pub(crate) struct TrendFinding {
    /// The number of values, at most 20.
    count: i64,
    /// The slope of the line from one signal to the next. Null for the first signal of a source.
    slope: Option<f64>,
    /// The share of the variance that the line explains, from 0 to 1. Null when there is no variance.
    fit: Option<f64>,
    /// FLAT, unless the line explains at least half of the variance.
    direction: SignalDirection,
}

/// The level that the value reached.
#[derive(SimpleObject)]
pub(crate) struct LevelFinding {
    /// The name of the highest configured threshold that the value reached, or `normal`.
    level: String,
    /// The level of the previous signal of the source. Null for the first one.
    previous_level: Option<String>,
    /// Whether the two levels differ.
    is_change: bool,
}

/// The finding of a processor: StatisticsFinding for STATISTICS, TrendFinding for TREND, and LevelFinding for LEVELS.
#[derive(Union)]
pub(crate) enum SignalFinding {
    Statistics(StatisticsFinding),
    Trend(TrendFinding),
    Levels(LevelFinding),
}

impl From<signals::Finding> for SignalFinding {
    fn from(finding: signals::Finding) -> Self {
        match finding {
            signals::Finding::Statistics(found) => Self::Statistics(StatisticsFinding {
                count: found.count,
                mean: found.mean,
                deviation: found.deviation,
                z_score: found.z_score,
                is_anomaly: found.is_anomaly,
            }),
            signals::Finding::Trend(found) => Self::Trend(TrendFinding {
                count: found.count,
                slope: found.slope,
                fit: found.fit,
                direction: found.direction.into(),
            }),
            signals::Finding::Levels(found) => Self::Levels(LevelFinding {
                level: found.level,
                previous_level: found.previous_level,
                is_change: found.is_change,
            }),
        }
    }
}
