//! Running statistics of a source by Welford's method (Technometrics 4, 1962): mean and sum of squared differences after each
//! signal, without the cancellation that sums of squares suffer from. They are stored by number, so that a signal's computation
//! continues from those of an earlier one. A fold continued from anywhere gives the same bits as one from the first signal, so
//! it does not matter which signals were processed before, in which order, or how often.

use ::events::{Result, Tx};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::signals::{Signal, StatisticsFinding, tables::signal};

use events::{
    DatabaseConnection,
    sql::{execute, query_one_as},
};

/// A value that deviates by more standard deviations than this is an anomaly.
const ANOMALY: f64 = 3.0;
/// The number of values read at once.
const PAGE: u64 = 10_000;

/// The statistics of the first `count` values of a source.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Running {
    count: i64,
    mean: f64,
    m2: f64,
}

impl Running {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.m2 += before * (value - self.mean);
    }

    /// Compares a further value with these statistics.
    fn judge(&self, value: f64) -> StatisticsFinding {
        let deviation = (self.count > 1).then(|| (self.m2 / (self.count - 1) as f64).sqrt());
        let z_score = deviation
            .filter(|deviation| *deviation > 0.0)
            // JSON has no infinity.
            .map(|deviation| ((value - self.mean) / deviation).clamp(f64::MIN, f64::MAX));
        StatisticsFinding {
            count: self.count,
            mean: (self.count > 0).then_some(self.mean),
            deviation,
            z_score,
            is_anomaly: z_score.is_some_and(|z_score| z_score.abs() > ANOMALY),
        }
    }

    /// Stores the statistics after the signal. A repeat stores the same values.
    pub(super) async fn store(&self, tx: &Tx<'_>, signal: &Signal) -> Result<()> {
        let sql = "insert into signal_statistics (source, number, mean, m2) values ($1, $2, $3, $4)
                   on conflict (source, number) do nothing";
        let values = vec![
            signal.source.as_str().into(),
            signal.number.into(),
            self.mean.into(),
            self.m2.into(),
        ];
        execute(&**tx, sql, values).await?;
        Ok(())
    }
}

/// Compares the signal with those before it, and returns the statistics after it.
pub(super) async fn compute(
    database: &DatabaseConnection,
    signal: &Signal,
) -> Result<(StatisticsFinding, Running)> {
    let mut running = find_latest(database, signal).await?;
    while running.count < signal.number - 1 {
        let values: Vec<f64> = signal::Entity::find()
            .select_only()
            .column(signal::Column::Value)
            .filter(signal::Column::Source.eq(signal.source.as_str()))
            // Numbers have no gaps: the count is the number of the last one.
            .filter(signal::Column::Number.gt(running.count))
            .filter(signal::Column::Number.lt(signal.number))
            .order_by_asc(signal::Column::Number)
            .limit(PAGE)
            .into_tuple()
            .all(database)
            .await?;
        if values.is_empty() {
            let what = format!("signal {} of its source", running.count + 1);
            return Err(sea_orm::DbErr::RecordNotFound(what).into());
        }
        values.into_iter().for_each(|value| running.add(value));
    }
    let finding = running.judge(signal.value);
    running.add(signal.value);
    Ok((finding, running))
}

/// Returns the stored statistics of the nearest signal before this one.
async fn find_latest(database: &DatabaseConnection, signal: &Signal) -> Result<Running> {
    let sql = "select number, mean, m2 from signal_statistics where source = $1 and number < $2
               order by number desc limit 1";
    let values = vec![signal.source.as_str().into(), signal.number.into()];
    let (count, mean, m2) = query_one_as(database, sql, values)
        .await?
        .unwrap_or_default();
    Ok(Running { count, mean, m2 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fold(values: &[f64]) -> Running {
        let mut running = Running::default();
        values.iter().for_each(|value| running.add(*value));
        running
    }

    proptest! {
        /// Compares with the definition, computed in two passes.
        #[test]
        fn mean_and_deviation_are_those_of_the_definition(values in prop::collection::vec(-1e6..1e6_f64, 2..60)) {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
            let found = fold(&values).judge(values[0]);
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0);
            prop_assert!(near(found.mean.expect("a mean"), mean));
            prop_assert!(near(found.deviation.expect("a deviation"), variance.sqrt()));
        }

        /// The result is the same bit for bit, wherever the fold continues.
        #[test]
        fn a_fold_may_be_taken_up_anywhere(
            values in prop::collection::vec(-1e100..1e100_f64, 0..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let (first, rest) = values.split_at(cut.index(values.len() + 1));
            let mut running = fold(first);
            rest.iter().for_each(|value| running.add(*value));
            prop_assert_eq!(running, fold(&values));
            prop_assert!(running.mean.is_finite() && running.m2.is_finite());
        }
    }

    #[test]
    fn few_or_equal_values_have_no_score() {
        assert_eq!(fold(&[]).judge(1.0).mean, None);
        let one = fold(&[2.0]).judge(5.0);
        assert_eq!(
            (one.mean, one.deviation, one.z_score),
            (Some(2.0), None, None)
        );
        let equal = fold(&[2.0, 2.0]).judge(5.0);
        assert_eq!((equal.deviation, equal.z_score), (Some(0.0), None));
        assert!(!equal.is_anomaly);
    }

    #[test]
    fn more_than_three_deviations_are_an_anomaly() {
        // The mean is 10, the deviation 2.
        let values = [8.0, 12.0, 8.0, 12.0, 10.0, 10.0, 8.0, 12.0, 10.0];
        let running = fold(&values);
        let deviation = running.judge(0.0).deviation.expect("a deviation");
        let judged = |sigmas: f64| running.judge(10.0 + sigmas * deviation);
        assert!(!judged(2.9).is_anomaly && !judged(-2.9).is_anomaly);
        assert!(judged(3.1).is_anomaly && judged(-3.1).is_anomaly);
    }
}
