//! Customer statistics: counts by status and by day, kept by a follower. Rows are by part, so that followers of
//! different parts never wait for each other; queries add them up.

use std::{collections::BTreeMap, sync::Arc};

use ::events::{AsOf, Event, Follower};
use chrono::NaiveDate;
use futures::future::BoxFuture;
use sea_orm::{ActiveEnum, ConnectionTrait, Iterable, Statement, Value};

use super::{CustomerEvent, CustomerEventKind, CustomerStatus, Customers, STREAM};
use crate::{
    access::{AccessError, Action, Viewer, authorize},
    boxed,
};

use events::DatabaseTransaction;

/// The follower's name.
pub const STATISTICS_FOLLOWER: &str = "customer_statistics";

/// How many customers there are, and when they came and went.
#[derive(Debug, Clone, Default)]
pub struct CustomerStatistics {
    /// One for each status, in the order of a customer's life.
    pub by_status: Vec<StatusCount>,
    /// Days on which something happened, oldest first.
    pub by_day: Vec<DayCount>,
}

/// Customers in one status, without the deleted ones.
#[derive(Debug, Clone)]
pub struct StatusCount {
    /// The status.
    pub status: CustomerStatus,
    /// How many.
    pub count: i64,
}

/// What happened on one day (UTC).
#[derive(Debug, Clone)]
pub struct DayCount {
    /// The day.
    pub day: NaiveDate,
    /// Customers created.
    pub created: i64,
    /// Customers deleted.
    pub deleted: i64,
    /// Deletions undone.
    pub restored: i64,
}

/// Keeps the statistics.
pub struct StatisticsFollower;

/// What a batch of events changes, by row.
#[derive(Default)]
struct Changes {
    statuses: BTreeMap<(i16, CustomerStatus), i64>,
    days: BTreeMap<(i16, NaiveDate), [i64; 3]>,
}

impl Changes {
    fn add(&mut self, part: i16, event: &CustomerEvent, day: NaiveDate) {
        let now = event.customer.status;
        let mut status = |status, by| *self.statuses.entry((part, status)).or_default() += by;
        let mut days = |kind: usize| self.days.entry((part, day)).or_default()[kind] += 1;
        match event.kind {
            CustomerEventKind::Created => {
                status(now, 1);
                days(0);
            }
            CustomerEventKind::Updated => {
                status(event.previous_status.unwrap_or(now), -1);
                status(now, 1);
            }
            CustomerEventKind::Deleted => {
                status(now, -1);
                days(1);
            }
            CustomerEventKind::Restored => {
                status(now, 1);
                days(2);
            }
        }
    }

    async fn store(self, tx: &DatabaseTransaction) -> ::events::Result<()> {
        for ((part, status), by) in self.statuses.into_iter().filter(|(_, by)| *by != 0) {
            let values = vec![part.into(), status.to_value().into(), by.into()];
            execute(
                tx,
                "insert into customer_status_count (part, status, count) values ($1, $2, $3)
                 on conflict (part, status) do update set count = customer_status_count.count + excluded.count",
                values,
            )
            .await?;
        }
        for ((part, day), [created, deleted, restored]) in self.days {
            let values = vec![
                part.into(),
                day.into(),
                created.into(),
                deleted.into(),
                restored.into(),
            ];
            execute(
                tx,
                "insert into customer_day_count (part, day, created, deleted, restored) values ($1, $2, $3, $4, $5)
                 on conflict (part, day) do update set
                     created = customer_day_count.created + excluded.created,
                     deleted = customer_day_count.deleted + excluded.deleted,
                     restored = customer_day_count.restored + excluded.restored",
                values,
            )
            .await?;
        }
        Ok(())
    }
}

async fn execute(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> ::events::Result<()> {
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

impl Follower for StatisticsFollower {
    fn name(&self) -> &'static str {
        STATISTICS_FOLLOWER
    }

    fn wants(&self, stream: &str) -> bool {
        stream == STREAM
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, ::events::Result<()>> {
        Box::pin(async move {
            let mut changes = Changes::default();
            for event in events {
                let decoded = CustomerEvent::decode(event)?;
                changes.add(event.part, &decoded, event.occurred_at.date_naive());
            }
            changes.store(tx).await
        })
    }
}

impl Customers {
    /// The statistics as the follower last committed them, with the last `days` days on which something happened.
    #[boxed]
    pub async fn read_statistics(
        &self,
        viewer: &Viewer,
        days: u64,
    ) -> Result<AsOf<CustomerStatistics>, AccessError> {
        authorize(viewer, Action::ReadCustomers)?;
        let model = self.log.read_model(&[STATISTICS_FOLLOWER]).await?;
        let database = model.connection();
        let backend = database.get_database_backend();
        let by_status = "select status, cast(sum(count) as bigint) as count from customer_status_count group by status";
        let mut counts = BTreeMap::new();
        for row in database
            .query_all_raw(Statement::from_string(backend, by_status))
            .await?
        {
            let status: CustomerStatus = row.try_get("", "status")?;
            counts.insert(status, row.try_get::<i64>("", "count")?);
        }
        let by_day = format!(
            "select day, cast(sum(created) as bigint) as created, cast(sum(deleted) as bigint) as deleted,
                    cast(sum(restored) as bigint) as restored
             from customer_day_count group by day order by day desc limit {days}"
        );
        let mut by_day = database
            .query_all_raw(Statement::from_string(backend, by_day))
            .await?
            .iter()
            .map(|row| {
                Ok(DayCount {
                    day: row.try_get("", "day")?,
                    created: row.try_get("", "created")?,
                    deleted: row.try_get("", "deleted")?,
                    restored: row.try_get("", "restored")?,
                })
            })
            .collect::<::events::Result<Vec<_>>>()?;
        by_day.reverse();
        let by_status = CustomerStatus::iter().map(|status| StatusCount {
            status,
            count: counts.get(&status).copied().unwrap_or(0),
        });
        Ok(model.give(CustomerStatistics {
            by_status: by_status.collect(),
            by_day,
        }))
    }
}
