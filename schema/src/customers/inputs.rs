//! The inputs of customers, and their conversion to those of `entities`.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entities::customers::{self, CreateCustomer, UpdateCustomer};

use super::{
    address::{PostalAddressInput, given},
    object::{Customer, CustomerStatus},
};
use crate::{
    filter::{
        DateTimeFilter, IdFilter, IntFilter, OptionalDateTimeFilter, OptionalStringFilter,
        StringFilter, choices, filters,
    },
    payloads::takes,
    record::{bulk_inputs, updates},
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
    /// The postal address.
    address: Option<PostalAddressInput>,
    /// The first status.
    #[graphql(default_with = "CustomerStatus::Prospect")]
    status: CustomerStatus,
}

takes!(CreateCustomer: CreateCustomerInput { name, email, phone, address by given, status });

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
    /// The whole address; null removes it.
    address: MaybeUndefined<PostalAddressInput>,
    /// The new status.
    status: MaybeUndefined<CustomerStatus>,
}

updates! {
    UpdateCustomer: UpdateCustomerInput { name, email, status; clearing phone, address by given }
}

choices! {
    /// Compares the status of a customer.
    CustomerStatusFilter of CustomerStatus as customers::CustomerStatus;
}

filters! {
    /// Which customers a list has; all conditions must hold. The deleted are left out unless there is a condition on `deletedAt`.
    CustomerFilter of customers::CustomerField,
    search = "Part of the name or the email address, whatever its case." {
        id: IdFilter as Id = "The global id.",
        name: StringFilter as Name = "The name, by code point.",
        email: StringFilter as Email = "The email address, whatever its case.",
        phone: OptionalStringFilter as Phone = "The telephone number, as it was entered.",
        city: OptionalStringFilter as City = "The city of the address, whatever its case.",
        region: OptionalStringFilter as Region = "The region of the address, whatever its case.",
        postal_code: OptionalStringFilter as PostalCode = "The postal code of the address, whatever its case.",
        country: OptionalStringFilter as Country = "The country of the address, as of ISO 3166-1 alpha-2.",
        status: CustomerStatusFilter as Status = "Where the relation stands.",
        version: IntFilter as Version = "The version.",
        created_at: DateTimeFilter as CreatedAt = "When it was created.",
        updated_at: DateTimeFilter as UpdatedAt = "When it was changed last.",
        deleted_at: OptionalDateTimeFilter as DeletedAt = "When it was deleted.",
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

bulk_inputs! {
    Customer: CreateCustomersInput of CreateCustomerInput, UpdateCustomersInput of UpdateCustomerInput,
    DeleteCustomersInput, RestoreCustomersInput
}
