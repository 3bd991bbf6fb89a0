//! The queries of signals.

use async_graphql::{Context, ID, Object};
use entities::{
    Filter,
    record::SortField,
    signals::{STREAM, SignalField, SignalId, SignalSort},
};

use super::{
    counting::SignalStatistics,
    inputs::{SignalFilter, SignalSortField},
    object::Signal,
};
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::Result,
    id,
    price::{COUNT, cost},
    request::{Read, reading, viewer},
    sort::{SortInput, order},
    statistics,
};

pub(crate) type SignalConnection = Connection<Signal, SignalTotals>;

#[derive(Default)]
pub(crate) struct SignalsQuery;

/// The total of a list of signals.
pub(crate) struct SignalTotals(Filter<SignalField>);

#[Object]
impl SignalTotals {
    /// The number of signals that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let signals = &reading(ctx, Read::Kind(STREAM)).signals;
        Ok(signals.count_signals(viewer(ctx)?, &self.0).await?)
    }
}

/// Returns the signal with this id, for `signal` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: SignalId) -> Result<Option<Signal>> {
    let signals = &reading(ctx, Read::Stream(id.stream())).signals;
    let found = signals.find_signal(viewer(ctx)?, id).await;
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

    /// The signals, newest first unless sorted otherwise. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
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
        #[graphql(desc = "The order of the list.")] sort: Option<SortInput<SignalSortField>>,
    ) -> Result<Option<SignalConnection>> {
        let sort: SignalSort = order(sort);
        let filter = crate::filter::filter(filter)?;
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<SignalSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let signals = &reading(ctx, Read::Kind(STREAM)).signals;
        let page = signals
            .list_signals(viewer(ctx)?, &filter, sort, &request)
            .await?;
        let totals = SignalTotals(filter);
        connect(page, sort, totals, Signal::from).map(Some)
    }

    /// Counts of signals by status and by day. They follow changes within moments.
    async fn signal_statistics(&self, ctx: &Context<'_>) -> Result<Option<SignalStatistics>> {
        statistics::read(ctx).await
    }
}
