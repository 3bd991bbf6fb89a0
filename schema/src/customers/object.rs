//! The customer as clients see it.

use async_graphql::{
    Enum, ID, ScalarType, SimpleObject, Value, parser::types::Field, resolver_utils::enum_value,
};
use entities::customers;

use super::inputs::CustomerSortField;
use crate::{
    plain::Plain,
    record::{RecordHead, recorded},
    statistics::statistics,
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

recorded! {
    Customer shows customers::Customer { name, email, phone, status },
    one of entities.customers,
    sorted by CustomerSortField,
    CustomerField or CustomerRow { customer }
}

statistics! {
    /// How many customers there are, and when they came and went.
    CustomerStatistics of customers::Customer {
        CustomerDayCount {
            created = created, "Customers created.";
            deleted = deleted, "Customers deleted.";
            restored = restored, "Deletions undone."
        },
        by_status: CustomerStatusCount { status: CustomerStatus = "The status." }
    }
}

impl Plain for Customer {
    fn plain(&self, field: &Field) -> Option<Value> {
        Some(match field.name.node.as_str() {
            "id" => self.id.to_value(),
            "name" => self.name.as_str().into(),
            "email" => self.email.as_str().into(),
            "phone" => self.phone.clone().into(),
            "status" => enum_value(self.status),
            _ => return None,
        })
    }
}
