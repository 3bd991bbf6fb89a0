//! Customer statistics as clients see them.

use async_graphql::{
    ComplexObject, InputValueError, InputValueResult, Result, Scalar, ScalarType, SimpleObject,
    Value,
};
use chrono::NaiveDate;
use entities::{Entities, access::Viewer, customers};
use events::AsOf;

use super::object::CustomerStatus;
use crate::{connection::checked, error::from_access};

/// Days of the past that are kept at hand for `byDay`.
const MAX_DAYS: u64 = 100;

/// A day in UTC, such as `2026-11-21`.
#[derive(Clone, Copy)]
pub(crate) struct Date(NaiveDate);

#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Date).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// How many customers there are, and when they came and went.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct CustomerStatistics {
    /// Customers that are not deleted.
    total: i64,
    /// The same by status, in the order of a customer's life.
    by_status: Vec<CustomerStatusCount>,
    #[graphql(skip)]
    days: Vec<CustomerDayCount>,
}

/// Customers in one status.
#[derive(SimpleObject)]
pub(crate) struct CustomerStatusCount {
    /// The status.
    status: CustomerStatus,
    /// How many.
    count: i64,
}

/// What happened on one day.
#[derive(SimpleObject, Clone)]
pub(crate) struct CustomerDayCount {
    /// The day, in UTC.
    day: Date,
    /// Customers created.
    created: i64,
    /// Customers deleted.
    deleted: i64,
    /// Deletions undone.
    restored: i64,
}

#[ComplexObject]
impl CustomerStatistics {
    /// The last days on which something happened, oldest first.
    async fn by_day(
        &self,
        #[graphql(desc = "How many days, 1 to 100.", default = 30)] last: i32,
    ) -> Result<Vec<CustomerDayCount>> {
        let last = checked("last", last)? as usize;
        Ok(self.days[self.days.len().saturating_sub(last)..].to_vec())
    }
}

pub(super) async fn load_statistics(
    entities: &Entities,
    viewer: &Viewer,
) -> Result<AsOf<CustomerStatistics>> {
    let reading = entities.customers.read_statistics(viewer, MAX_DAYS);
    let statistics = reading.await.map_err(from_access)?;
    Ok(statistics.map(CustomerStatistics::from))
}

impl From<customers::CustomerStatistics> for CustomerStatistics {
    fn from(statistics: customers::CustomerStatistics) -> Self {
        let by_status = statistics
            .by_status
            .into_iter()
            .map(|it| CustomerStatusCount {
                status: it.status.into(),
                count: it.count,
            });
        let by_status: Vec<_> = by_status.collect();
        let days = statistics.by_day.into_iter().map(|it| CustomerDayCount {
            day: Date(it.day),
            created: it.created,
            deleted: it.deleted,
            restored: it.restored,
        });
        Self {
            total: by_status.iter().map(|it| it.count).sum(),
            by_status,
            days: days.collect(),
        }
    }
}
