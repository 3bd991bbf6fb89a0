//! The inputs of customers, and how they become those of `entities`. Absent and null differ in updates: an absent field
//! stays as it is, null clears what may be empty and is a violation elsewhere.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, Result};
use chrono::{DateTime, Utc};
use entities::{
    Direction, Violation, Violations,
    customers::{self, ChangeCustomer, CreateCustomer, UpdateCustomer},
};

use super::{KIND, object::CustomerStatus};
use crate::{
    alternatives::any_of,
    connection::is_storable_time,
    error, id,
    price::{SEARCH, cost},
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

impl From<CreateCustomerInput> for CreateCustomer {
    fn from(input: CreateCustomerInput) -> Self {
        Self {
            name: input.name,
            email: input.email,
            phone: input.phone,
            status: input.status.into(),
        }
    }
}

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

impl UpdateCustomerInput {
    pub(super) fn into_change(self) -> Result<(ChangeCustomer, UpdateCustomer)> {
        let nulls = [
            ("name", self.name.is_null()),
            ("email", self.email.is_null()),
            ("status", self.status.is_null()),
        ];
        let violations: Vec<_> = nulls
            .into_iter()
            .filter(|(_, is_null)| *is_null)
            .map(|(field, _)| Violation {
                field: field.to_owned(),
                code: "null".to_owned(),
                message: "must not be null; leave it out to keep it".to_owned(),
            })
            .collect();
        if !violations.is_empty() {
            return Err(error::invalid(Violations(violations)));
        }
        let target = ChangeCustomer {
            id: id::decode_as(KIND, "id", &self.id)?,
            expected_version: self.expected_version,
        };
        let update = UpdateCustomer {
            name: self.name.take(),
            email: self.email.take(),
            phone: match self.phone {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(phone) => Some(Some(phone)),
            },
            status: self.status.take().map(Into::into),
        };
        Ok((target, update))
    }
}

/// A customer to delete.
#[derive(InputObject)]
pub(crate) struct DeleteCustomerInput {
    /// The customer.
    pub(super) id: ID,
    /// Fails with CONFLICT when the customer is at another version.
    pub(super) expected_version: Option<i64>,
}

/// A deleted customer to restore.
#[derive(InputObject)]
pub(crate) struct RestoreCustomerInput {
    /// The customer.
    pub(super) id: ID,
    /// Fails with CONFLICT when the customer is at another version.
    pub(super) expected_version: Option<i64>,
}

pub(super) fn target(id: &ID, expected_version: Option<i64>) -> Result<ChangeCustomer> {
    Ok(ChangeCustomer {
        id: id::decode_as(KIND, "id", id)?,
        expected_version,
    })
}

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

impl TryFrom<CustomerFilter> for customers::CustomerFilter {
    type Error = async_graphql::Error;

    fn try_from(filter: CustomerFilter) -> Result<Self> {
        let times = [
            ("createdFrom", filter.created_from),
            ("createdBefore", filter.created_before),
        ];
        for (field, time) in times {
            if time.is_some_and(|time| !is_storable_time(&time)) {
                let message = "must be in the years 0 to 9999";
                return Err(error::invalid(Violations::one(field, "range", message)));
            }
        }
        Ok(Self {
            search: filter.search,
            status: any_of(filter.status),
            created_from: filter.created_from,
            created_before: filter.created_before,
            deleted: filter.deleted,
        })
    }
}

/// What a list of customers is sorted by.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "customers::CustomerSortField")]
pub(crate) enum CustomerSortField {
    /// When it was created.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// The name, by code point.
    Name,
    /// The email address in lower case, by code point.
    Email,
}

/// Ascending or descending.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "Direction")]
pub(crate) enum SortDirection {
    /// Smallest, oldest or first in the alphabet first.
    Asc,
    /// The other way round.
    Desc,
}

/// The order of a list of customers; equals are ordered by id.
#[derive(InputObject)]
pub(crate) struct CustomerSort {
    /// The criterion.
    #[graphql(default_with = "CustomerSortField::CreatedAt")]
    field: CustomerSortField,
    /// Its direction.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<Option<CustomerSort>> for Sort {
    fn from(sort: Option<CustomerSort>) -> Self {
        let newest_first = CustomerSort {
            field: CustomerSortField::CreatedAt,
            direction: SortDirection::Desc,
        };
        let sort = sort.unwrap_or(newest_first);
        Self(customers::CustomerSort {
            field: sort.field.into(),
            direction: sort.direction.into(),
        })
    }
}

/// The sort of a list when the client may have left it open.
pub(super) struct Sort(pub(super) customers::CustomerSort);
