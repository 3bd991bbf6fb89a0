//! Customers: people and companies that one does business with. An address is unique among the customers that are not
//! deleted, whatever its case, and free again after its customer's deletion; a restore fails if it was taken since.

mod customer;
mod record;

pub use customer::{Customer, CustomerId, CustomerStatus};
pub use record::{
    CreateCustomer, CustomerData, CustomerFilter, CustomerSortField, STREAM, UpdateCustomer,
};

/// The commands and queries of customers.
pub type Customers = crate::record::Records<Customer>;
