//! Counts of records by status and by day, kept by a follower. The rows are separate for each part of the log, so that
//! followers of different parts never wait for each other; queries add them up.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ::events::{Applying, AsOf, DatabaseTransaction, Event, Follower, sql::query_as};
use chrono::NaiveDate;
use sea_orm::{ActiveEnum, Iterable, Value};

use super::{Change, Record, RecordEvent, Records};
use crate::{
    access::{AccessError, Viewer, authorize},
    boxed,
    bulk::{self, Kind},
};

/// A record with a status, counted by it. The tables are `customer_status_count` and `customer_day_count` if the record's name
/// is `customer`.
pub trait Counted: Record {
    /// The statuses that a record can have.
    type Status: ActiveEnum<Value = String> + Iterable + Ord + Copy + Send + Sync + 'static;

    /// The name of the follower that keeps the counts.
    const COUNTS: &'static str;

    /// Returns the record's status.
    fn status(&self) -> Self::Status;
    /// Returns the status before the event; `None` if there was no record.
    fn status_before(data: &Self::Data) -> Option<Self::Status>;
}

/// The number of records by status, and the changes by day.
#[derive(Debug, Clone)]
pub struct Counts<S> {
    /// One count for each status, in the order of statuses.
    pub by_status: Vec<StatusCount<S>>,
    /// Days on which something happened, oldest first.
    pub by_day: Vec<DayCount>,
}

/// The number of records in one status, without the deleted ones.
#[derive(Debug, Clone, Copy)]
pub struct StatusCount<S> {
    /// The status.
    pub status: S,
    /// How many records have it.
    pub count: i64,
}

/// The changes of one day (UTC).
#[derive(Debug, Clone, Copy)]
pub struct DayCount {
    /// The day.
    pub day: NaiveDate,
    /// Records created.
    pub created: i64,
    /// Records deleted.
    pub deleted: i64,
    /// Deletions undone.
    pub restored: i64,
}

/// The follower that keeps the counts.
pub struct CountsFollower<R>(PhantomData<fn() -> R>);

impl<R> Default for CountsFollower<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// The changes that a batch of events makes, by row.
struct Changes<S> {
    statuses: BTreeMap<(i16, S), i64>,
    days: BTreeMap<(i16, NaiveDate), [i64; 3]>,
}

impl<S: ActiveEnum<Value = String> + Ord + Copy> Changes<S> {
    fn add<R: Counted<Status = S>>(&mut self, event: &Event) -> ::events::Result<()> {
        let RecordEvent { change, data } = RecordEvent::<R>::decode(event)?;
        let (part, now) = (event.part, R::of_data(&data).status());
        let mut status = |status, by| *self.statuses.entry((part, status)).or_default() += by;
        let day = match change {
            Change::Created => 0,
            Change::Deleted => 1,
            Change::Restored => 2,
            Change::Updated => {
                status(R::status_before(&data).unwrap_or(now), -1);
                status(now, 1);
                return Ok(());
            }
            Change::Cached => return Ok(()),
        };
        status(now, if change == Change::Deleted { -1 } else { 1 });
        let at = event.occurred_at.date_naive();
        self.days.entry((part, at)).or_default()[day] += 1;
        Ok(())
    }

    async fn store(self, tx: &DatabaseTransaction, kind: &str) -> ::events::Result<()> {
        let moved = self.statuses.into_iter().filter(|(_, by)| *by != 0);
        let rows = moved.map(|((part, status), by)| -> [Value; 3] {
            [i64::from(part).into(), status.to_value().into(), by.into()]
        });
        let columns = [
            ("in_part", Kind::Number),
            ("of_status", Kind::Text),
            ("more", Kind::Number),
        ];
        let upsert = format!(
            "insert into {kind}_status_count as t (part, status, count) select * from v where true
             on conflict (part, status) do update set count = t.count + excluded.count"
        );
        bulk::execute(tx, &columns, rows, &upsert).await?;
        let rows = self.days.into_iter().map(|((part, day), counts)| {
            let [created, deleted, restored] = counts.map(Value::from);
            [
                i64::from(part).into(),
                day.into(),
                created,
                deleted,
                restored,
            ]
        });
        let columns = [
            ("in_part", Kind::Number),
            ("on_day", Kind::Day),
            ("more_created", Kind::Number),
            ("more_deleted", Kind::Number),
            ("more_restored", Kind::Number),
        ];
        let upsert = format!(
            "insert into {kind}_day_count as t (part, day, created, deleted, restored) select * from v where true
             on conflict (part, day) do update set created = t.created + excluded.created,
                 deleted = t.deleted + excluded.deleted, restored = t.restored + excluded.restored"
        );
        bulk::execute(tx, &columns, rows, &upsert).await?;
        Ok(())
    }
}

impl<R: Counted> Follower for CountsFollower<R> {
    fn name(&self) -> &'static str {
        R::COUNTS
    }

    fn wants(&self, stream: &str) -> bool {
        stream == R::NAME
    }

    fn apply<'a>(&'a self, tx: &'a DatabaseTransaction, events: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async move {
            let mut changes = Changes {
                statuses: BTreeMap::new(),
                days: BTreeMap::new(),
            };
            for event in events {
                changes.add::<R>(event)?;
            }
            changes.store(tx, R::NAME).await
        })
    }
}

impl<R: Counted> Records<R> {
    /// Returns the counts as the follower last committed them, with the last `days` days that had a change.
    #[boxed]
    pub async fn counts(
        &self,
        viewer: &Viewer,
        days: u64,
    ) -> Result<AsOf<Counts<R::Status>>, AccessError> {
        authorize(viewer, R::READ)?;
        let model = self.log.read_model(&[R::COUNTS]).await?;
        let (database, kind) = (model.connection(), R::NAME);
        let counted = format!(
            "select status, cast(sum(count) as bigint) from {kind}_status_count group by status"
        );
        let counted: Vec<(String, i64)> = query_as(database, &counted, vec![]).await?;
        let counts: BTreeMap<String, i64> = counted.into_iter().collect();
        let days = format!(
            "select day, cast(sum(created) as bigint), cast(sum(deleted) as bigint), cast(sum(restored) as bigint)
             from {kind}_day_count group by day order by day desc limit {days}"
        );
        let days: Vec<(NaiveDate, i64, i64, i64)> = query_as(database, &days, vec![]).await?;
        let by_day = days.into_iter().rev();
        let by_day = by_day.map(|(day, created, deleted, restored)| DayCount {
            day,
            created,
            deleted,
            restored,
        });
        let by_status = R::Status::iter().map(|status| StatusCount {
            status,
            count: counts.get(&status.to_value()).copied().unwrap_or(0),
        });
        Ok(model.give(Counts {
            by_status: by_status.collect(),
            by_day: by_day.collect(),
        }))
    }
}
