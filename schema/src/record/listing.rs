//! Lists of records: one page at a time, with a count on request.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entities::record::{Record, RecordEvent, Sort, SortField};

use super::Recorded;
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::Result,
    filter::{FilterInput, filter},
    price::{COUNT, cost},
    request::{Read, reading, viewer},
    sort::{SortInput, order},
};

type Filter<O> = entities::Filter<<<O as Recorded>::Record as Record>::FilterField>;

/// What a list has besides its page.
pub(crate) struct Totals<O: Recorded>(Arc<Filter<O>>);

#[Object(name_type)]
impl<O: Recorded> Totals<O> {
    /// How many match the filter. Counting reads all of them; ask for it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let records = O::records(reading(ctx, matching::<O>(&self.0)));
        Ok(records.count(viewer(ctx)?, &self.0).await?)
    }
}

impl<O: Recorded> async_graphql::TypeName for Totals<O> {
    fn type_name() -> std::borrow::Cow<'static, str> {
        format!("{}Totals", O::NAME).into()
    }
}

/// Returns what a list with this filter is read from.
fn matching<O: Recorded>(filter: &Arc<Filter<O>>) -> Read {
    let filter = filter.clone();
    Read::List(
        O::Record::NAME,
        Arc::new(move |event| {
            let event = RecordEvent::<O::Record>::decode(event);
            event.map_or(true, |event| O::Record::may_change(&filter, &event))
        }),
    )
}

/// A connection of records.
pub(crate) type List<O> = Connection<O, Totals<O>>;

/// Returns a page of a list.
pub(crate) async fn list<O: Recorded>(
    ctx: &Context<'_>,
    arguments: impl Into<PageArguments>,
    filtered: Option<impl FilterInput<Field = <O::Record as Record>::FilterField>>,
    sort: Option<SortInput<O::SortField>>,
) -> Result<Option<List<O>>> {
    let sort: Sort<<O::Record as Record>::SortField> = order(sort);
    let filter = filter(filtered)?;
    let request = arguments.into().request(|cursor: &ListCursor<Sort<_>>| {
        cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
    })?;
    let filter = Arc::new(filter);
    let records = O::records(reading(ctx, matching::<O>(&filter)));
    let page = records.list(viewer(ctx)?, &filter, sort, &request).await?;
    connect(page, sort, Totals(filter), O::from).map(Some)
}
