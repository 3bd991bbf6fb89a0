//! The customer as clients see it.

use async_graphql::{
    ComplexObject, Context, Enum, ID, ScalarType, SimpleObject, Value, parser::types::Field,
    resolver_utils::enum_value,
};
use entities::customers;

use super::{
    address::{self, PostalAddress},
    inputs::CustomerSortField,
};
use crate::{
    error::Result,
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
    #[graphql(skip)]
    address: Option<customers::PostalAddress>,
    /// Where the relation stands.
    status: CustomerStatus,
    #[graphql(flatten)]
    head: RecordHead<Self>,
}

#[ComplexObject]
impl Customer {
    /// The postal address. Null when none is known.
    async fn address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        let later = self.head.later(ctx).await?;
        let address = match later {
            Some(later) => later.address,
            None => self.address.clone(),
        };
        Ok(address.map(Into::into))
    }
}

recorded! {
    Customer shows customers::Customer { name, email, phone, address, status },
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
            "address" if !self.head.is_of_older_event => match &self.address {
                Some(address) => address::plain(address, field)?,
                None => Value::Null,
            },
            "status" => enum_value(self.status),
            _ => return None,
        })
    }
}
