//! Statistics of all domains: counts by status, role or kind, and by day, as a query and as a subscription.

use async_graphql::{Context, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDate;
use entities::{
    access::Viewer,
    counting::{Counts, Tally},
    grants::Requirement,
};
use events::{AsOf, EventSource, Topic};
use futures::{Stream, StreamExt};

use crate::{
    error::Result,
    following::require,
    request::{Read, entities, horizon, reading, shown, viewer},
};

/// The number of past days that are read for `byDay`.
const MAX_DAYS: u64 = 100;

/// An object that shows counts.
pub(crate) trait Counting:
    From<Counts<<Self::Of as Tally>::Group>> + Send + 'static
{
    /// What is counted.
    type Of: Tally;
}

#[derive(Clone, Copy)]
pub(crate) struct Date(pub(crate) NaiveDate);

/// A day in UTC, as RFC 3339 writes it: `2026-01-31`.
#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6")]
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

/// Writes the objects of a domain's statistics: the whole, the count of a group if there are groups, and that of a day.
macro_rules! statistics {
    (
        $(#[doc = $doc:literal])+
        $name:ident of $tally:ty {
            $day:ident { $($field:ident = $stored:ident, $field_doc:literal);+ }
            $(, $groups:ident: $count:ident { $group:ident: $shown:ty = $group_doc:literal })?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub(crate) struct $name {
            /// How many there are, without the deleted ones.
            total: i64,
            $(
                #[doc = concat!("The same by ", stringify!($group), ".")]
                $groups: $crate::list::List<$count>,
            )?
            #[graphql(skip)]
            days: Vec<entities::counting::DayCount>,
        }

        $(
            #[doc = concat!("How many have one ", stringify!($group), ".")]
            #[derive(async_graphql::SimpleObject)]
            pub(crate) struct $count {
                #[doc = $group_doc]
                $group: $shown,
                /// How many.
                count: i64,
            }
        )?

        /// What happened on one day.
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $day {
            /// The day, in UTC.
            day: $crate::statistics::Date,
            $(
                #[doc = $field_doc]
                $field: i64,
            )+
        }

        #[async_graphql::ComplexObject]
        impl $name {
            /// The last days on which something happened, oldest first.
            async fn by_day(
                &self,
                #[graphql(desc = "How many days, 1 to 100.", default = 30)] last: i32,
            ) -> $crate::error::Result<$crate::list::List<$day>> {
                let last = $crate::connection::checked("last", last)? as usize;
                let days = &self.days[self.days.len().saturating_sub(last)..];
                let days = days.iter().map(|it| $day {
                    day: $crate::statistics::Date(it.day),
                    $($field: it.$stored,)+
                });
                Ok(days.collect())
            }
        }

        impl From<entities::counting::Counts<<$tally as entities::counting::Tally>::Group>> for $name {
            fn from(
                counts: entities::counting::Counts<<$tally as entities::counting::Tally>::Group>,
            ) -> Self {
                Self {
                    total: counts.by_group.iter().map(|it| it.count).sum(),
                    $(
                        $groups: {
                            let groups = counts.by_group.into_iter();
                            let groups = groups.map(|it| $count {
                                $group: it.group.into(),
                                count: it.count,
                            });
                            groups.collect()
                        },
                    )?
                    days: counts.by_day,
                }
            }
        }

        impl $crate::statistics::Counting for $name {
            type Of = $tally;
        }
    };
}
pub(crate) use statistics;

async fn load<S: Counting>(
    statistics: &entities::counting::Statistics,
    viewer: &Viewer,
) -> Result<AsOf<S>> {
    let counts = statistics.counts::<S::Of>(viewer, MAX_DAYS).await;
    Ok(counts?.map(S::from))
}

/// Returns the counts, as the follower has them.
pub(crate) async fn read<S: Counting>(ctx: &Context<'_>) -> Result<Option<S>> {
    let statistics = &reading(ctx, Read::Kind(S::Of::STREAM)).statistics;
    shown(ctx, load(statistics, viewer(ctx)?).await?).map(Some)
}

/// Returns the current counts, and the new ones after each change.
pub(crate) async fn follow<S: Counting>(
    ctx: &Context<'_>,
) -> Result<impl Stream<Item = Result<S>> + use<S>> {
    require(ctx, Requirement::Action(S::Of::READ)).await?;
    let topic = Topic {
        kind: S::Of::STREAM,
        id: None,
    };
    let viewer = viewer(ctx)?.clone();
    let horizon = horizon(ctx)?;
    let statistics = entities(ctx).statistics.clone();
    let source = ctx.data::<EventSource>()?;
    let changes = source.follow_checkpoint(S::Of::COUNTS, topic);
    Ok(changes.then(move |progress| {
        let (statistics, viewer, horizon) = (statistics.clone(), viewer.clone(), horizon.clone());
        async move {
            progress?;
            Ok(load(&statistics, &viewer).await?.show(&horizon))
        }
    }))
}
