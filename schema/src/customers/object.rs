//! The customer as clients see it.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{Entities, customers};

use super::inputs::CustomerSortField;
use crate::{
    history, id,
    record::{self, CountedObject, Recorded},
};

/// Where the relation to a customer stands.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "customers::CustomerStatus")]
pub(crate) enum CustomerStatus {
    /// Known, but no customer yet.
    Prospect,
    /// Doing business.
    Active,
    /// On hold.
    Suspended,
    /// The relation has ended; the customer is kept.
    Closed,
}

/// A person or company that one does business with.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Customer {
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The name, 1 to 200 characters.
    name: String,
    /// The email address; unique among the customers that are not deleted, whatever its case.
    email: String,
    /// A telephone number, as it was entered.
    phone: Option<String>,
    /// Where the relation stands.
    status: CustomerStatus,
    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
    /// When it was deleted; null unless it is.
    deleted_at: Option<DateTime<Utc>>,
}

#[ComplexObject]
impl Customer {
    /// All that happened to it, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        record::history::<Self>(ctx, &self.id, first, after).await
    }
}

/// The customer where it is one of several fields.
#[derive(SimpleObject)]
pub(crate) struct CustomerField {
    /// The customer as it is then.
    customer: Customer,
}

impl From<Customer> for CustomerField {
    fn from(customer: Customer) -> Self {
        Self { customer }
    }
}

impl From<customers::Customer> for Customer {
    fn from(customer: customers::Customer) -> Self {
        Self {
            id: id::encode(customers::STREAM, customer.id),
            name: customer.name,
            email: customer.email,
            phone: customer.phone,
            status: customer.status.into(),
            version: customer.version,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
            deleted_at: customer.deleted_at,
        }
    }
}

impl Recorded for Customer {
    type Record = customers::Customer;
    type Field = CustomerField;
    type SortField = CustomerSortField;

    const NAME: &'static str = "Customer";

    fn records(entities: &Entities) -> &customers::Customers {
        &entities.customers
    }
}

impl CountedObject for Customer {
    type Status = CustomerStatus;
}
