//! Trend: the least-squares line through the last values of the source, ending with the signal's own, over the numbers of the
//! signals. The window restricts it to recent values, and keeps its cost constant.

use ::events::Result;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::signals::{Direction, Signal, TrendFinding, tables::signal};

use events::DatabaseConnection;

/// The number of values in the window.
const WINDOW: i64 = 20;
/// A line that explains less of the variance than this is not distinguished from noise.
const LEAST_FIT: f64 = 0.5;

pub(super) async fn compute(
    database: &DatabaseConnection,
    signal: &Signal,
) -> Result<TrendFinding> {
    let values: Vec<f64> = signal::Entity::find()
        .select_only()
        .column(signal::Column::Value)
        .filter(signal::Column::Source.eq(signal.source.as_str()))
        .filter(signal::Column::Number.gt(signal.number - WINDOW))
        .filter(signal::Column::Number.lte(signal.number))
        .order_by_asc(signal::Column::Number)
        .into_tuple()
        .all(database)
        .await?;
    Ok(fit(&values))
}

fn fit(values: &[f64]) -> TrendFinding {
    let count = values.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = values.iter().sum::<f64>() / count;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        let (x, y) = (x as f64 - mean_x, y - mean_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    let slope = (values.len() > 1).then(|| xy / xx);
    let fit = slope
        .filter(|_| yy > 0.0)
        .map(|slope| (slope * xy / yy).clamp(0.0, 1.0));
    let direction = match (slope, fit) {
        (Some(slope), Some(fit)) if fit >= LEAST_FIT && slope > 0.0 => Direction::Rising,
        (Some(slope), Some(fit)) if fit >= LEAST_FIT && slope < 0.0 => Direction::Falling,
        _ => Direction::Flat,
    };
    TrendFinding {
        count: values.len() as i64,
        slope,
        fit,
        direction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let rising = fit(&[1.0, 3.0, 5.0, 7.0]);
        assert_eq!((rising.slope, rising.fit), (Some(2.0), Some(1.0)));
        assert_eq!(rising.direction, Direction::Rising);
        assert_eq!(fit(&[7.0, 5.0]).direction, Direction::Falling);
    }

    #[test]
    fn noise_and_constants_are_flat() {
        let noise = fit(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(noise.direction, Direction::Flat);
        assert!(noise.slope.is_some_and(|slope| slope > 0.0));
        let constant = fit(&[4.0, 4.0, 4.0]);
        assert_eq!((constant.slope, constant.fit), (Some(0.0), None));
        assert_eq!(constant.direction, Direction::Flat);
        let one = fit(&[4.0]);
        assert_eq!((one.count, one.slope, one.fit), (1, None, None));
    }

    #[test]
    fn the_largest_values_stay_finite() {
        let wild = fit(&[1e100, -1e100, 1e100]);
        assert!(wild.slope.is_some_and(f64::is_finite));
        assert!(wild.fit.is_some_and(f64::is_finite));
    }
}
