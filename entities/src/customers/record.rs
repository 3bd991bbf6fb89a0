//! The parts of a record that are specific to customers: inputs with their rules, the fields of filters and orders, events.

use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use serde::{Deserialize, Serialize};

use super::customer::{Column, Customer, CustomerId, CustomerStatus};
use crate::{
    access::Action,
    filter::{FilterField, filter_fields},
    record::{Change, Counted, Record, Unique, head, inputs, sort_fields},
    text::{email, fold, written},
};

/// The kind of stream of customers.
pub const STREAM: &str = "customer";

inputs! {
    Customer:
    /// The input that creates a customer.
    CreateCustomer,
    /// The input that updates a customer. `None` keeps a value, and `Some(None)` removes it.
    UpdateCustomer {
        /// 1 to 200 characters.
        name: String => written::name;
        /// Unique among the customers that are not deleted.
        email: String => email::checked, clears address_key;
        /// A telephone number.
        phone: Option<String> => written::phone;
        /// Where the relation stands.
        status: CustomerStatus;
    }
}

filter_fields! {
    /// The fields that a list can be filtered by.
    CustomerField of Column until DeletedAt {
        Id of CustomerId, Name, Email => [AddressKey, EmailKey] by email::form, Phone, Status,
        Version, CreatedAt, UpdatedAt, DeletedAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by; texts sort by code point.
    CustomerSortField of Column { CreatedAt, UpdatedAt, Name, Email => EmailKey }
}

/// The data of every customer event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerData {
    /// The customer after the event.
    pub customer: Customer,
    /// The status before the event; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_status: Option<CustomerStatus>,
}

impl Record for Customer {
    type FilterField = CustomerField;
    type SortField = CustomerSortField;
    type Data = CustomerData;

    const NAME: &'static str = STREAM;
    const READ: Action = Action::ReadCustomers;
    const WRITE: Action = Action::WriteCustomers;
    const EVENTS: &'static [(Change, &'static str)] = &[
        (Change::Created, "CustomerCreated"),
        (Change::Updated, "CustomerUpdated"),
        (Change::Deleted, "CustomerDeleted"),
        (Change::Restored, "CustomerRestored"),
    ];
    const UNIQUE: &'static [Unique] = &[Unique {
        field: "email",
        value: "email address",
        constraint: ["customer_email", "customer.email_key"],
    }];
    const ID: Column = Column::Id;

    head!();

    fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        let email = email::spellings(&self.email);
        self.search_text = fold(&format!("{}\n{email}", self.name));
    }

    fn keys(&self) -> Vec<Option<String>> {
        let address = self.address_key.as_ref().unwrap_or(&self.email_key);
        vec![Some(address.clone())]
    }

    fn key_columns() -> Vec<Expr> {
        vec![CustomerField::Email.column()]
    }

    fn into_data(self, before: Option<&Self>) -> CustomerData {
        CustomerData {
            customer: self,
            previous_status: before.map(|before| before.status),
        }
    }

    fn of_data(data: &CustomerData) -> &Self {
        &data.customer
    }
}

impl Counted for Customer {
    type Status = CustomerStatus;

    const COUNTS: &'static str = "customer_statistics";

    fn status(&self) -> CustomerStatus {
        self.status
    }

    fn status_before(data: &CustomerData) -> Option<CustomerStatus> {
        data.previous_status
    }
}
