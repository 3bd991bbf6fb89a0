//! Keyset paging: a page begins after a row that the client names by its sort value and id, never after a number of rows, so
//! that pages neither skip nor repeat rows that are added or removed meanwhile. Used by the lists of all domains.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, ModelTrait, Order,
    QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Func},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// A row's value in the column that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortKey {
    /// A value of a text column.
    Text(String),
    /// A value of a time column, to the microsecond.
    Time(DateTime<Utc>),
    /// A value of a column of whole numbers.
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

/// Converts a value of a column that lists are sorted by. A text that is missing is the empty one.
impl From<sea_orm::Value> for SortKey {
    fn from(value: sea_orm::Value) -> Self {
        match value {
            sea_orm::Value::String(text) => Self::Text(text.unwrap_or_default()),
            sea_orm::Value::ChronoDateTimeUtc(time) => Self::Time(time.unwrap_or_default()),
            sea_orm::Value::Int(number) => Self::Number(number.unwrap_or_default().into()),
            sea_orm::Value::BigInt(number) => Self::Number(number.unwrap_or_default()),
            other => unreachable!("no list is sorted by {other:?}"),
        }
    }
}

/// A row's place in a list: its sort value, and its id to tell rows with the same value apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The value in the sorted column.
    pub key: SortKey,
    /// The row's id.
    pub id: Uuid,
}

/// Selects rows of a list: the first ones after a place, or the last ones before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Rows strictly after this place.
    pub after: Option<Edge>,
    /// Rows strictly before this place.
    pub before: Option<Edge>,
    /// The largest number of rows.
    pub limit: u64,
    /// Whether to take the last rows of the range instead of the first.
    pub from_end: bool,
}

/// A page of a list, in the list's order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows with their places.
    pub items: Vec<(Edge, T)>,
    /// Whether there are rows before the first.
    pub has_previous: bool,
    /// Whether there are rows after the last.
    pub has_next: bool,
}

/// The page of an empty list.
impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            has_previous: false,
            has_next: false,
        }
    }
}

impl<T> Page<T> {
    /// Makes a page of other items in the same places.
    pub fn map<U>(self, make: impl Fn(T) -> U) -> Page<U> {
        let items = self.items.into_iter();
        Page {
            items: items.map(|(edge, item)| (edge, make(item))).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }
}

/// The order of a list: by a column, and by id where the values are equal. Both have one direction, so that a place is compared
/// as a whole.
pub(crate) struct Sorted<C> {
    /// The first criterion.
    pub(crate) column: C,
    /// The second.
    pub(crate) id: C,
    /// The direction of both.
    pub(crate) direction: Direction,
}

impl<C: ColumnTrait> Sorted<C> {
    /// Returns what is compared: the column, or for texts that may be missing the empty text in their place. Indexes say the same.
    fn key(&self) -> Expr {
        match self.column.def().is_null() {
            true => Func::coalesce([Expr::col(self.column), Expr::cust("''")]).into(),
            false => Expr::col(self.column),
        }
    }

    /// Returns the condition for rows after a place, or before it.
    fn beyond(&self, edge: &Edge, is_after: bool) -> Expr {
        let row = Expr::tuple([self.key(), Expr::col(self.id)]);
        let place = Expr::tuple([
            Expr::value(sea_orm::Value::from(edge.key.clone())),
            Expr::value(edge.id),
        ]);
        match is_after == (self.direction == Direction::Asc) {
            true => row.gt(place),
            false => row.lt(place),
        }
    }
}

impl PageRequest {
    /// Selects the rows of the page in the direction of travel, and one row more than `limit` if there is one.
    pub(crate) fn select<E: EntityTrait>(
        &self,
        mut rows: Select<E>,
        sorted: &Sorted<E::Column>,
    ) -> Select<E> {
        if let Some(after) = &self.after {
            rows = rows.filter(sorted.beyond(after, true));
        }
        if let Some(before) = &self.before {
            rows = rows.filter(sorted.beyond(before, false));
        }
        let order = match (sorted.direction, self.from_end) {
            (Direction::Asc, false) | (Direction::Desc, true) => Order::Asc,
            (Direction::Asc, true) | (Direction::Desc, false) => Order::Desc,
        };
        rows.order_by(sorted.key(), order.clone())
            .order_by(sorted.id, order)
            .limit(self.limit + 1)
    }

    /// Reads a page of the rows of a table.
    pub(crate) async fn read<E, M>(
        &self,
        rows: Select<E>,
        sorted: &Sorted<E::Column>,
        reader: &impl ConnectionTrait,
    ) -> Result<Page<M>, DbErr>
    where
        E: EntityTrait<Model = M>,
        M: ModelTrait<Entity = E> + FromQueryResult,
    {
        let rows = self.select(rows, sorted).all(reader).await?;
        let id_of = |row: &M| row.get(sorted.id).unwrap::<Uuid>();
        Ok(self.page_of(rows, |row| Edge {
            key: row.get(sorted.column).into(),
            id: id_of(row),
        }))
    }

    /// Makes a page of rows that were selected so.
    pub(crate) fn page_of<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        edge: impl Fn(&T) -> Edge,
    ) -> Page<T> {
        self.page(rows.into_iter().map(|row| (edge(&row), row)).collect())
    }

    /// Makes a page of rows that were fetched in the direction of travel, with one row more than `limit` if there is one.
    pub(crate) fn page<T>(&self, mut items: Vec<(Edge, T)>) -> Page<T> {
        let has_more = items.len() as u64 > self.limit;
        items.truncate(self.limit as usize);
        if self.from_end {
            items.reverse();
        }
        // The place to start from is itself a row on the other side, or was one.
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
