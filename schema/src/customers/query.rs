//! The queries of customers.

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use entities::customers;
use uuid::Uuid;

use super::{
    KIND,
    inputs::{CustomerFilter, CustomerSort, Sort},
    object::Customer,
    statistics::{CustomerStatistics, load_statistics},
};
use crate::{
    connection::{ListCursor, PageArguments},
    error::from_access,
    id,
    price::{COUNT, cost},
    request::{entities, shown, viewer, with_staleness},
};

#[derive(Default)]
pub(crate) struct CustomersQuery;

/// What a list of customers has besides its page.
pub(crate) struct CustomerTotals(customers::CustomerFilter);

#[Object]
impl CustomerTotals {
    /// How many customers match the filter. Counting reads all of them; ask for it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        entities(ctx)
            .customers
            .count_customers(viewer(ctx)?, &self.0)
            .await
            .map_err(from_access)
    }
}

/// The customer with this uuid, for `customer` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: Uuid) -> Result<Option<Customer>> {
    let found = entities(ctx)
        .customers
        .find_customer(viewer(ctx)?, id)
        .await;
    let found = with_staleness(ctx, found.map_err(from_access)?)?;
    Ok(found.map(Customer))
}

#[Object]
impl CustomersQuery {
    /// One customer; null when there is none with this id, or it is deleted.
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id.")] id: ID,
    ) -> Result<Option<Customer>> {
        find(ctx, id::decode_as(KIND, "id", &id)?).await
    }

    /// Customers, a page at a time, newest first unless sorted otherwise. Give `first` with `after`, or `last` with
    /// `before`; without both, the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Customers after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Customers before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which customers.")] filter: Option<CustomerFilter>,
        #[graphql(desc = "In which order.")] sort: Option<CustomerSort>,
    ) -> Result<Option<Connection<ListCursor<customers::CustomerSort>, Customer, CustomerTotals>>>
    {
        let Sort(sort) = sort.into();
        let filter: customers::CustomerFilter = filter.unwrap_or_default().try_into()?;
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let request = arguments.request(|cursor: &ListCursor<customers::CustomerSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let page = entities(ctx)
            .customers
            .list_customers(viewer(ctx)?, &filter, sort, &request)
            .await
            .map_err(from_access)?;
        let totals = CustomerTotals(filter);
        let mut connection =
            Connection::with_additional_fields(page.has_previous, page.has_next, totals);
        connection.edges = page
            .items
            .into_iter()
            .map(|(edge, customer)| Edge::new(ListCursor { sort, edge }, Customer(customer)))
            .collect();
        Ok(Some(connection))
    }

    /// Counts of customers by status and by day. They follow changes within moments.
    async fn customer_statistics(&self, ctx: &Context<'_>) -> Result<Option<CustomerStatistics>> {
        shown(ctx, load_statistics(entities(ctx), viewer(ctx)?).await?).map(Some)
    }
}
