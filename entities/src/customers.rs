//! Customers: people and companies to do business with. An address is unique among the customers that are not deleted, whatever
//! its case. It is free again after its customer is deleted; a restore fails if another customer has taken it since.

mod address;
mod customer;
mod record;

pub use address::PostalAddress;
pub use customer::{Customer, CustomerId, CustomerStatus};
pub use record::{
    CreateCustomer, CustomerData, CustomerField, CustomerSortField, STREAM, UpdateCustomer,
};

/// The commands and queries of customers.
pub type Customers = crate::record::Records<Customer>;
