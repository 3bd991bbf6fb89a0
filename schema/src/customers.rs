//! Customers in GraphQL. See `entities::customers` for the rules.

mod inputs;
mod mutation;
mod object;
mod query;
mod statistics;
mod subscription;

pub(crate) use inputs::SortDirection;
pub(crate) use mutation::CustomersMutation;
pub(crate) use object::Customer;
pub(crate) use query::{CustomersQuery, find};
pub(crate) use subscription::CustomersSubscription;

/// The type's name in global ids.
pub(crate) const KIND: &str = "customer";
