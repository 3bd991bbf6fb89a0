//! Keyset paging: a page begins behind a row that the client names by its sort value and id, never behind a count of
//! rows, so pages neither skip nor repeat when rows come and go. Used by the lists of all domains.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Ascending or descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// A row's value in the column that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortKey {
    /// Of a column of text.
    Text(String),
    /// Of a column of times, to the microsecond.
    Time(DateTime<Utc>),
    /// Of a column of whole numbers.
    Number(i64),
}

impl From<SortKey> for sea_orm::Value {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Text(text) => text.into(),
            SortKey::Time(time) => time.into(),
            SortKey::Number(number) => number.into(),
        }
    }
}

/// A row's place in a list: its sort value, and its id to tell rows with the same value apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The value in the sorted column.
    pub key: SortKey,
    /// The row's id.
    pub id: Uuid,
}

/// Which rows of a list: the first ones after a place, or the last ones before it.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Rows strictly after this place.
    pub after: Option<Edge>,
    /// Rows strictly before this place.
    pub before: Option<Edge>,
    /// How many at most.
    pub limit: u64,
    /// The last rows of the range instead of the first.
    pub from_end: bool,
}

/// A page of a list, in the list's order.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows with their places.
    pub items: Vec<(Edge, T)>,
    /// Whether rows come before the first.
    pub has_previous: bool,
    /// Whether rows come after the last.
    pub has_next: bool,
}

impl PageRequest {
    /// Makes a page of rows that were fetched in the direction of travel, with one more than `limit` if there is one.
    pub(crate) fn page<T>(&self, mut items: Vec<(Edge, T)>) -> Page<T> {
        let has_more = items.len() as u64 > self.limit;
        items.truncate(self.limit as usize);
        if self.from_end {
            items.reverse();
        }
        // A place to start from is itself a row on its other side, or was one.
        Page {
            items,
            has_previous: if self.from_end {
                has_more
            } else {
                self.after.is_some()
            },
            has_next: if self.from_end {
                self.before.is_some()
            } else {
                has_more
            },
        }
    }
}
