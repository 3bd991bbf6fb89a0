//! The parts of a record that are specific to customers: inputs with their rules, filter, sort fields, events.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, Condition, DbBackend};
use serde::{Deserialize, Serialize};

use super::customer::{Column, Customer, CustomerStatus};
use crate::{
    access::Action,
    record::{Change, Counted, Record, SortField, Unique, head, set},
    searching::contains,
    text::{Fields, email, fold, written},
};

/// The kind of stream of customers.
pub const STREAM: &str = "customer";

/// The input that creates a customer.
#[derive(Debug, Clone)]
pub struct CreateCustomer {
    /// 1 to 200 characters.
    pub name: String,
    /// Unique among the customers that are not deleted.
    pub email: String,
    /// A telephone number.
    pub phone: Option<String>,
    /// The first status.
    pub status: CustomerStatus,
}

/// The input that updates a customer. `None` keeps a value, and `Some(None)` removes it.
#[derive(Debug, Clone, Default)]
pub struct UpdateCustomer {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<Option<String>>,
    pub status: Option<CustomerStatus>,
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

/// The fields that a list can be sorted by; texts sort by code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerSortField {
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
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
    type New = CreateCustomer;
    type Update = UpdateCustomer;
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

    fn create(new: CreateCustomer) -> Self {
        Self {
            name: new.name,
            email: new.email,
            phone: new.phone,
            status: new.status,
            ..Self::default()
        }
    }

    fn apply(&mut self, update: UpdateCustomer) {
        set(&mut self.name, update.name);
        email::set(&mut self.email, &mut self.address_key, update.email);
        set(&mut self.phone, update.phone);
        set(&mut self.status, update.status);
    }

    fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        let email = email::spellings(&self.email);
        self.search_text = fold(&format!("{}\n{email}", self.name));
    }

    fn check_new(new: &mut CreateCustomer, fields: &mut Fields) {
        fields.text("name", &mut new.name, written::name);
        fields.text("email", &mut new.email, email::checked);
        fields.given("phone", new.phone.as_mut(), written::phone);
    }

    fn check_update(update: &mut UpdateCustomer, fields: &mut Fields) {
        fields.given("name", update.name.as_mut(), written::name);
        fields.given("email", update.email.as_mut(), email::checked);
        let phone = update.phone.as_mut().and_then(Option::as_mut);
        fields.given("phone", phone, written::phone);
    }

    fn condition(filter: &CustomerFilter, backend: DbBackend) -> Condition {
        let status = filter
            .status
            .as_ref()
            .map(|it| Column::Status.is_in(it.iter().copied()));
        Condition::all()
            .add(contains(backend, "customer", filter.search.as_deref()))
            .add_option(status)
            .add_option(filter.created_from.map(|from| Column::CreatedAt.gte(from)))
            .add_option(
                filter
                    .created_before
                    .map(|before| Column::CreatedAt.lt(before)),
            )
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

impl SortField for CustomerSortField {
    type Column = Column;

    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::UpdatedAt => Column::UpdatedAt,
            Self::Name => Column::Name,
            Self::Email => Column::EmailKey,
        }
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
