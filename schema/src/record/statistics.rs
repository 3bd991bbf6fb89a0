//! Counts of records by status and by day, as a query and as a subscription.

use std::borrow::Cow;

use async_graphql::{
    ComplexObject, Context, InputValueError, InputValueResult, OutputType, Scalar, ScalarType,
    SimpleObject, TypeName, Value,
};
use chrono::NaiveDate;
use entities::{
    Entities,
    access::Viewer,
    grants::Requirement,
    record::{Counted, Counts, DayCount, Record},
};
use events::{AsOf, EventSource, Topic};
use futures::{Stream, StreamExt};

use super::Recorded;
use crate::{
    connection::checked,
    error::Result,
    following::require,
    request::{entities, horizon, shown, viewer},
};

/// The number of past days that are read for `byDay`.
const MAX_DAYS: u64 = 100;

/// An object that shows a record with a status.
pub(crate) trait CountedObject:
    Recorded<Record: Counted<Status: Into<Self::Status>>>
{
    /// The status as clients see it.
    type Status: OutputType + Send + Sync;
}

/// A day in UTC, such as `2026-11-21`.
#[derive(Clone, Copy)]
pub(crate) struct Date(NaiveDate);

/// A day in UTC: `2026-01-31`.
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

/// How many records there are, and when they came and went.
#[derive(SimpleObject)]
#[graphql(complex, name_type)]
pub(crate) struct Statistics<O: CountedObject> {
    /// Records that are not deleted.
    total: i64,
    /// The same by status.
    by_status: Vec<StatusCount<O>>,
    #[graphql(skip)]
    days: Vec<DayCount>,
}

/// Records in one status.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct StatusCount<O: CountedObject> {
    /// The status.
    status: O::Status,
    /// How many.
    count: i64,
}

/// What happened on one day.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub(crate) struct DayCountObject<O: CountedObject> {
    /// The day, in UTC.
    day: Date,
    /// Records created.
    created: i64,
    /// Records deleted.
    deleted: i64,
    /// Deletions undone.
    restored: i64,
    #[graphql(skip)]
    of: std::marker::PhantomData<O>,
}

impl<O: CountedObject> TypeName for Statistics<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Statistics", O::NAME).into()
    }
}

impl<O: CountedObject> TypeName for StatusCount<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}StatusCount", O::NAME).into()
    }
}

impl<O: CountedObject> TypeName for DayCountObject<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}DayCount", O::NAME).into()
    }
}

#[ComplexObject]
impl<O: CountedObject> Statistics<O> {
    /// The last days on which something happened, oldest first.
    async fn by_day(
        &self,
        #[graphql(desc = "How many days, 1 to 100.", default = 30)] last: i32,
    ) -> Result<Vec<DayCountObject<O>>> {
        let last = checked("last", last)? as usize;
        let days = &self.days[self.days.len().saturating_sub(last)..];
        let days = days.iter().map(|it| DayCountObject {
            day: Date(it.day),
            created: it.created,
            deleted: it.deleted,
            restored: it.restored,
            of: std::marker::PhantomData,
        });
        Ok(days.collect())
    }
}

impl<O: CountedObject> From<Counts<<O::Record as Counted>::Status>> for Statistics<O> {
    fn from(counts: Counts<<O::Record as Counted>::Status>) -> Self {
        let by_status = counts.by_status.into_iter();
        let by_status: Vec<_> = by_status
            .map(|it| StatusCount {
                status: it.status.into(),
                count: it.count,
            })
            .collect();
        Self {
            total: by_status.iter().map(|it| it.count).sum(),
            by_status,
            days: counts.by_day,
        }
    }
}

async fn load<O: CountedObject>(
    entities: &Entities,
    viewer: &Viewer,
) -> Result<AsOf<Statistics<O>>> {
    let counts = O::records(entities).counts(viewer, MAX_DAYS).await;
    Ok(counts?.map(Statistics::from))
}

/// Returns the counts, as the follower has them.
pub(crate) async fn read_statistics<O: CountedObject>(
    ctx: &Context<'_>,
) -> Result<Option<Statistics<O>>> {
    shown(ctx, load(entities(ctx), viewer(ctx)?).await?).map(Some)
}

/// Returns the current counts, and the new ones after each change.
pub(crate) async fn follow_statistics<O: CountedObject>(
    ctx: &Context<'_>,
) -> Result<impl Stream<Item = Result<Statistics<O>>> + use<O>> {
    require(ctx, Requirement::Action(O::Record::READ)).await?;
    let topic = Topic {
        kind: O::Record::NAME,
        id: None,
    };
    let viewer = viewer(ctx)?.clone();
    let horizon = horizon(ctx)?;
    let entities = entities(ctx).clone();
    let source = ctx.data::<EventSource>()?;
    let changes = source.follow_checkpoint(O::Record::COUNTS, topic);
    Ok(changes.then(move |progress| {
        let (entities, viewer, horizon) = (entities.clone(), viewer.clone(), horizon.clone());
        async move {
            progress?;
            Ok(load(&entities, &viewer).await?.show(&horizon))
        }
    }))
}
