//! The parts of a record that are specific to customers: inputs with their rules, filter, sort fields, events.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, Condition, DbBackend};
use serde::{Deserialize, Serialize};

use super::customer::{Column, Customer, CustomerStatus};
use crate::{
    access::Action,
    record::{Change, Counted, Record, Unique, head, inputs, sort_fields},
    searching::{contains, is_any},
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

/// Selects the customers of a list.
#[derive(Debug, Clone, Default)]
pub struct CustomerFilter {
    /// A part of the name or the address, whatever its case.
    pub search: Option<String>,
    /// One of these statuses.
    pub status: Option<Vec<CustomerStatus>>,
    /// Created at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Whether to list the deleted customers instead of the others.
    pub deleted: bool,
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
    type Filter = CustomerFilter;
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

    fn condition(filter: &CustomerFilter, backend: DbBackend) -> Condition {
        Condition::all()
            .add(contains(backend, "customer", filter.search.as_deref()))
            .add_option(is_any(Column::Status, filter.status.as_ref()))
            .add_option(filter.created_from.map(|from| Column::CreatedAt.gte(from)))
            .add_option(filter.created_before.map(|end| Column::CreatedAt.lt(end)))
    }

    fn shows_deleted(filter: &CustomerFilter) -> bool {
        filter.deleted
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
