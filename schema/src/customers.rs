//! Customers in GraphQL. See `entities::customers` for the rules.

mod address;
mod fields;
mod inputs;
mod object;

pub(crate) use fields::{CustomersMutation, CustomersQuery, CustomersSubscription};
pub(crate) use object::Customer;
