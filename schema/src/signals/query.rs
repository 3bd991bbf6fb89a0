//! The queries of signals.

use async_graphql::{Context, ID, Object, connection::Connection};
use entities::{
    record::SortField,
    signals::{self, SignalId, SignalSort},
};

use super::{inputs::SignalFilter, object::Signal};
use crate::{
    connection::{ListCursor, PageArguments, connect},
    error::Result,
    id,
    price::{COUNT, cost},
    request::{entities, viewer},
};

pub(crate) type SignalConnection = Connection<ListCursor<SignalSort>, Signal, SignalTotals>;

#[derive(Default)]
pub(crate) struct SignalsQuery;

/// The total of a list of signals.
pub(crate) struct SignalTotals(signals::SignalFilter);

#[Object]
impl SignalTotals {
    /// The number of signals that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let signals = &entities(ctx).signals;
        Ok(signals.count_signals(viewer(ctx)?, &self.0).await?)
    }
}

/// Returns the signal with this id, for `signal` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: SignalId) -> Result<Option<Signal>> {
    let found = entities(ctx).signals.find_signal(viewer(ctx)?, id).await;
    Ok(found?.map(Signal::from))
}

#[Object]
impl SignalsQuery {
    /// Looks up a signal, with the results so far. Null when no signal has this id.
    async fn signal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The signal's global id.")] id: ID,
    ) -> Result<Option<Signal>> {
        find(ctx, id::sought(&id)).await
    }

    /// The signals, newest first. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    async fn signals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the signals that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the signals that come before this cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Restricts the list to matching signals.")] filter: Option<SignalFilter>,
    ) -> Result<Option<SignalConnection>> {
        let sort = SignalSort::Newest;
        let filter: signals::SignalFilter = filter.unwrap_or_default().into();
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<SignalSort>| {
            cursor.sort == sort && sort.accepts(&cursor.edge.key)
        })?;
        let (viewer, signals) = (viewer(ctx)?, &entities(ctx).signals);
        let page = signals.list_signals(viewer, &filter, &request).await?;
        let totals = SignalTotals(filter);
        Ok(Some(connect(page, sort, totals, Signal::from)))
    }
}
