//! The queries, mutations and subscriptions of customers.

use async_graphql::{Context, ID, Object, Subscription};
use futures::Stream;

use super::{
    inputs::{
        CreateCustomerInput, CreateCustomersInput, CustomerFilter, CustomerSortField,
        DeleteCustomersInput, RestoreCustomersInput, UpdateCustomerInput, UpdateCustomersInput,
    },
    object::{Customer, CustomerStatistics},
};
use crate::{
    error::Result,
    plain::Shown,
    record::{
        self, BulkPayload, Create, Delete, List, Payload, RecordChange, Restore, TargetInput,
        Update,
    },
    sort::SortInput,
    statistics,
};

#[derive(Default)]
pub(crate) struct CustomersQuery;

#[Object]
impl CustomersQuery {
    /// One customer; null when there is none with this id, or it is deleted.
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id.")] id: ID,
    ) -> Result<Option<Shown<Customer>>> {
        let customer = record::look_up(ctx, &id).await?;
        Ok(customer.map(Shown))
    }

    /// Customers, a page at a time, newest first unless sorted otherwise. Give `first` with `after`, or `last` with
    /// `before`; without both, the first 20.
    #[expect(clippy::too_many_arguments, reason = "as of a connection")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Customers after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Customers before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which customers.")] filter: Option<CustomerFilter>,
        #[graphql(desc = "In which order.")] sort: Option<SortInput<CustomerSortField>>,
    ) -> Result<Option<List<Customer>>> {
        record::list(ctx, (first, after, last, before), filter, sort).await
    }

    /// Counts of customers by status and by day. They follow changes within moments.
    async fn customer_statistics(&self, ctx: &Context<'_>) -> Result<Option<CustomerStatistics>> {
        statistics::read(ctx).await
    }
}

#[derive(Default)]
pub(crate) struct CustomersMutation;

#[Object]
impl CustomersMutation {
    /// Creates a customer. CONFLICT when another one has the email address.
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        input: CreateCustomerInput,
    ) -> Result<Option<Payload<Create, Customer>>> {
        record::create(ctx, input).await
    }

    /// Changes the given fields of a customer. An update that changes nothing succeeds without an event.
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        input: UpdateCustomerInput,
    ) -> Result<Option<Payload<Update, Customer>>> {
        record::update(ctx, input).await
    }

    /// Deletes a customer. It can be restored; its email address is free at once.
    async fn delete_customer(
        &self,
        ctx: &Context<'_>,
        input: TargetInput<Delete, Customer>,
    ) -> Result<Option<Payload<Delete, Customer>>> {
        record::delete(ctx, input).await
    }

    /// Brings a deleted customer back. CONFLICT when its email address was taken since.
    async fn restore_customer(
        &self,
        ctx: &Context<'_>,
        input: TargetInput<Restore, Customer>,
    ) -> Result<Option<Payload<Restore, Customer>>> {
        record::restore(ctx, input).await
    }

    /// Creates up to 1,000 customers at once: all or none, or each row for itself.
    async fn create_customers(
        &self,
        ctx: &Context<'_>,
        input: CreateCustomersInput,
    ) -> Result<Option<BulkPayload<Create, Customer>>> {
        record::bulk(ctx, input).await
    }

    /// Changes up to 1,000 customers at once: all or none, or each row for itself.
    async fn update_customers(
        &self,
        ctx: &Context<'_>,
        input: UpdateCustomersInput,
    ) -> Result<Option<BulkPayload<Update, Customer>>> {
        record::bulk(ctx, input).await
    }

    /// Deletes up to 1,000 customers at once: all or none, or each row for itself.
    async fn delete_customers(
        &self,
        ctx: &Context<'_>,
        input: DeleteCustomersInput,
    ) -> Result<Option<BulkPayload<Delete, Customer>>> {
        record::bulk(ctx, input).await
    }

    /// Brings up to 1,000 deleted customers back at once: all or none, or each row for itself.
    async fn restore_customers(
        &self,
        ctx: &Context<'_>,
        input: RestoreCustomersInput,
    ) -> Result<Option<BulkPayload<Restore, Customer>>> {
        record::bulk(ctx, input).await
    }
}

#[derive(Default)]
pub(crate) struct CustomersSubscription;

#[Subscription]
impl CustomersSubscription {
    /// Changes to one customer, or to all. With `after` it begins with everything that happened since that cursor, which
    /// may be `extensions.cursor` of any response; every change comes once, in order.
    async fn customer_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this customer's changes.")] id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<RecordChange<Customer>>>> {
        record::follow(ctx, None, id).await
    }

    /// The statistics now, and again whenever they have changed.
    async fn customer_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<CustomerStatistics>>> {
        statistics::follow(ctx).await
    }
}
