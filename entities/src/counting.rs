//! Counts by status, role or kind, and by day, kept by a follower for each domain. The rows are separate for each part of the log, so
//! that followers of different parts never wait for each other; queries add them up. An event says from which group to which it
//! moves what it is about, so the counts need nothing but the events.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ::events::{Applying, AsOf, DatabaseTransaction, Event, EventLog, Follower, sql::query_as};
use chrono::NaiveDate;
use sea_orm::{ActiveEnum, Iterable, Value};

use crate::{
    access::{AccessError, Action, Viewer, authorize},
    bulk::{self, Kind},
    stored_enum::stored_enum,
};

/// What is counted of one kind of stream.
pub trait Tally: 'static {
    /// The groups, such as statuses.
    type Group: ActiveEnum<Value = String> + Iterable + Ord + Copy + Send + Sync + 'static;

    /// The kind of stream. The tables are `customer_status_count` and `customer_day_count` if it is `customer`.
    const STREAM: &'static str;
    /// The name of the follower that keeps the counts.
    const COUNTS: &'static str;
    /// The action that a caller must be allowed in order to read the counts.
    const READ: Action;

    /// Returns what an event changes.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    fn step(event: &Event) -> ::events::Result<Step<Self::Group>>;
}

/// What an event changes in the counts. What comes into a group without having been in one was created, or restored if its stream has
/// earlier events; what leaves without coming into another was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<G> {
    /// The group that has one less.
    pub from: Option<G>,
    /// The group that has one more.
    pub to: Option<G>,
}

stored_enum! {
    /// The only group of what has no groups.
    pub enum Whole {
        /// All of it.
        All,
    }
}

/// The numbers by group, and what came and went by day.
#[derive(Debug, Clone)]
pub struct Counts<G> {
    /// One count for each group, in the order of groups.
    pub by_group: Vec<GroupCount<G>>,
    /// Days on which something happened, oldest first.
    pub by_day: Vec<DayCount>,
}

/// The number of those in one group.
#[derive(Debug, Clone, Copy)]
pub struct GroupCount<G> {
    /// The group.
    pub group: G,
    /// How many are in it.
    pub count: i64,
}

/// What happened on one day (UTC).
#[derive(Debug, Clone, Copy)]
pub struct DayCount {
    /// The day.
    pub day: NaiveDate,
    /// How many were created.
    pub created: i64,
    /// How many were deleted.
    pub deleted: i64,
    /// How many deletions were undone.
    pub restored: i64,
}

/// The follower that keeps the counts.
pub struct CountsFollower<T>(PhantomData<fn() -> T>);

impl<T> Default for CountsFollower<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// The changes that a batch of events makes, by row.
struct Changes<G> {
    groups: BTreeMap<(i16, G), i64>,
    days: BTreeMap<(i16, NaiveDate), [i64; 3]>,
}

impl<G: ActiveEnum<Value = String> + Ord + Copy> Changes<G> {
    fn add(&mut self, event: &Event, Step { from, to }: Step<G>) {
        let part = event.part;
        let mut group = |group, by| *self.groups.entry((part, group)).or_default() += by;
        from.into_iter().for_each(|from| group(from, -1));
        to.into_iter().for_each(|to| group(to, 1));
        let day = match (from, to) {
            (None, Some(_)) if event.version == 1 => 0,
            (Some(_), None) => 1,
            (None, Some(_)) => 2,
            _ => return,
        };
        let at = event.occurred_at.date_naive();
        self.days.entry((part, at)).or_default()[day] += 1;
    }

    async fn store(self, tx: &DatabaseTransaction, kind: &str) -> ::events::Result<()> {
        let moved = self.groups.into_iter().filter(|(_, by)| *by != 0);
        let rows = moved.map(|((part, group), by)| -> [Value; 3] {
            [i64::from(part).into(), group.to_value().into(), by.into()]
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

impl<T: Tally> Follower for CountsFollower<T> {
    fn name(&self) -> &'static str {
        T::COUNTS
    }

    fn wants(&self, stream: &str) -> bool {
        stream == T::STREAM
    }

    fn apply<'a>(&'a self, tx: &'a DatabaseTransaction, events: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async move {
            let mut changes = Changes {
                groups: BTreeMap::new(),
                days: BTreeMap::new(),
            };
            for event in events {
                changes.add(event, T::step(event)?);
            }
            changes.store(tx, T::STREAM).await
        })
    }
}

/// The counts of all domains.
#[derive(Clone)]
pub struct Statistics {
    log: EventLog,
}

impl Statistics {
    pub(crate) fn new(log: EventLog) -> Self {
        Self { log }
    }

    /// Returns the counts as the follower last committed them, with the last `days` days that had a change.
    pub async fn counts<T: Tally>(
        &self,
        viewer: &Viewer,
        days: u64,
    ) -> Result<AsOf<Counts<T::Group>>, AccessError> {
        authorize(viewer, T::READ)?;
        let model = self.log.read_model(&[T::COUNTS]).await?;
        let (database, kind) = (model.connection(), T::STREAM);
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
        let by_group = T::Group::iter().map(|group| GroupCount {
            group,
            count: counts.get(&group.to_value()).copied().unwrap_or(0),
        });
        Ok(model.give(Counts {
            by_group: by_group.collect(),
            by_day: by_day.collect(),
        }))
    }
}
