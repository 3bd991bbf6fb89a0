//! The customer as clients see it.

use async_graphql::{Enum, ID, SimpleObject};
use entities::{Entities, customers, record::Record};

use super::inputs::CustomerSortField;
use crate::record::{CountedObject, RecordHead, Recorded};

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
    #[graphql(flatten)]
    head: RecordHead<Self>,
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
            id: customer.id.into(),
            head: customer.head().into(),
            name: customer.name,
            email: customer.email,
            phone: customer.phone,
            status: customer.status.into(),
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
