//! Levels: the highest of the configured thresholds that a value has reached, and whether the previous value of the source had
//! reached another.

use std::str::FromStr;

use ::events::Result;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use crate::signals::{LevelFinding, Signal, tables::signal};

use events::DatabaseConnection;

/// The level below all thresholds.
const NORMAL: &str = "normal";

/// Named thresholds, the lowest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels(Vec<(String, f64)>);

impl Default for Levels {
    fn default() -> Self {
        let levels = [("elevated", 50.0), ("high", 80.0), ("critical", 95.0)];
        Self(levels.map(|(name, from)| (name.to_owned(), from)).into())
    }
}

impl FromStr for Levels {
    type Err = String;

    /// Parses `elevated=50,high=80`, in ascending order; an empty text means no thresholds.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut levels: Vec<(String, f64)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let expected = || format!("{part:?}: expected a level such as high=80");
            let (name, from) = part.split_once('=').ok_or_else(expected)?;
            let from: f64 = from.trim().parse().map_err(|_| expected())?;
            let name = name.trim();
            if !from.is_finite() || name.is_empty() || name == NORMAL {
                return Err(expected());
            }
            if levels.last().is_some_and(|(_, below)| from <= *below) {
                return Err(format!("{part:?}: must be above the level before it"));
            }
            if levels.iter().any(|(known, _)| known == name) {
                return Err(format!("{part:?}: there is such a level already"));
            }
            levels.push((name.to_owned(), from));
        }
        Ok(Self(levels))
    }
}

impl Levels {
    fn of(&self, value: f64) -> String {
        let reached = self.0.iter().rev().find(|(_, from)| value >= *from);
        reached.map_or_else(|| NORMAL.to_owned(), |(name, _)| name.clone())
    }
}

pub(super) async fn compute(
    database: &DatabaseConnection,
    levels: &Levels,
    signal: &Signal,
) -> Result<LevelFinding> {
    let previous = match signal.number {
        ..=1 => None,
        number => {
            let value: Option<f64> = signal::Entity::find()
                .select_only()
                .column(signal::Column::Value)
                .filter(signal::Column::Source.eq(signal.source.as_str()))
                .filter(signal::Column::Number.eq(number - 1))
                .into_tuple()
                .one(database)
                .await?;
            let what = || DbErr::RecordNotFound(format!("signal {} of its source", number - 1));
            Some(value.ok_or_else(what)?)
        }
    };
    let level = levels.of(signal.value);
    let previous_level = previous.map(|value| levels.of(value));
    Ok(LevelFinding {
        is_change: previous_level.as_ref().is_some_and(|it| *it != level),
        level,
        previous_level,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_threshold_reached_counts() {
        let levels: Levels = "low=-5, high=80,critical=95.5".parse().expect("levels");
        for (value, level) in [
            (-5.1, "normal"),
            (-5.0, "low"),
            (79.9, "low"),
            (80.0, "high"),
            (95.5, "critical"),
            (1e100, "critical"),
        ] {
            assert_eq!(levels.of(value), level, "{value}");
        }
        let none: Levels = "".parse().expect("no levels");
        assert_eq!(none.of(1e9), "normal");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "high", "high=", "=1", "a=inf", "a=2,b=1", "a=1,a=2", "normal=1", "a=1,b=1",
        ] {
            assert!(text.parse::<Levels>().is_err(), "{text}");
        }
        assert_eq!(
            "elevated=50,high=80,critical=95".parse(),
            Ok(Levels::default())
        );
    }
}
