//! The inputs of customers, and their conversion to those of `entities`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use chrono::{DateTime, Utc};
use entities::customers::{self, CreateCustomer, UpdateCustomer};

use super::object::CustomerStatus;
use crate::{
    alternatives::any_of,
    connection::check_time,
    error::Result,
    payloads::takes,
    price::{SEARCH, cost},
    record::updates,
};

/// A new customer.
#[derive(InputObject)]
pub(crate) struct CreateCustomerInput {
    /// 1 to 200 characters.
    name: String,
    /// Must not belong to another customer.
    email: String,
    /// 3 to 20 digits, with + - ( ) . / and spaces between them.
    phone: Option<String>,
    /// The first status.
    #[graphql(default_with = "CustomerStatus::Prospect")]
    status: CustomerStatus,
}

takes!(CreateCustomer: CreateCustomerInput { name, email, phone, status });

/// Changes to a customer; absent fields stay as they are.
#[derive(InputObject)]
pub(crate) struct UpdateCustomerInput {
    /// The customer.
    id: ID,
    /// Fails with CONFLICT when the customer is at another version.
    expected_version: Option<i64>,
    /// 1 to 200 characters.
    name: MaybeUndefined<String>,
    /// Must not belong to another customer.
    email: MaybeUndefined<String>,
    /// Null removes it.
    phone: MaybeUndefined<String>,
    /// The new status.
    status: MaybeUndefined<CustomerStatus>,
}

updates!(UpdateCustomer: UpdateCustomerInput { name, email, status; clearing phone });

/// Which customers a list has; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct CustomerFilter {
    /// Part of the name or the email address, whatever its case.
    #[graphql(directive = cost::apply(SEARCH.to_owned()))]
    search: Option<String>,
    /// Any of these; an empty list matches nothing.
    status: Option<Vec<CustomerStatus>>,
    /// Created at this time or later.
    created_from: Option<DateTime<Utc>>,
    /// Created before this time.
    created_before: Option<DateTime<Utc>>,
    /// The deleted customers instead of the others.
    #[graphql(default = false)]
    deleted: bool,
}

impl CustomerFilter {
    pub(super) fn into_filter(self) -> Result<customers::CustomerFilter> {
        Ok(customers::CustomerFilter {
            search: self.search,
            status: any_of(self.status),
            created_from: check_time("createdFrom", self.created_from)?,
            created_before: check_time("createdBefore", self.created_before)?,
            deleted: self.deleted,
        })
    }
}

/// What a list of customers is sorted by.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "customers::CustomerSortField")]
pub(crate) enum CustomerSortField {
    /// When it was created.
    #[default]
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// The name, by code point.
    Name,
    /// The email address in lower case, by code point.
    Email,
}
