//! The parts of a record that are specific to customers: inputs with their rules, the fields of filters and orders, events.

use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use serde::{Deserialize, Serialize};

use super::{
    address::{self, PostalAddress, country_form},
    customer::{Column, Customer, CustomerId, CustomerStatus},
};
use crate::{
    Filter,
    access::Action,
    filter::{FilterField, Operand, filter_fields},
    record::{Change, Counted, Record, RecordEvent, Unique, head, inputs, sort_fields},
    text::{email, fold, trimmed_fold, written},
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
        /// The postal address.
        address: Option<PostalAddress>, by address::check;
        /// Where the relation stands.
        status: CustomerStatus;
    }
}

filter_fields! {
    /// The fields that a list can be filtered by.
    CustomerField of Column until DeletedAt {
        Id of CustomerId, Name, Email => [AddressKey, EmailKey] by email::form, Phone,
        City => [CityKey] by trimmed_fold, Region => [RegionKey] by trimmed_fold,
        PostalCode => [PostalCodeKey] by trimmed_fold, Country => [Country] by country_form,
        Status, Version, CreatedAt, UpdatedAt, DeletedAt,
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
    const SCHEMA_VERSION: i16 = 2;
    const SHAPE: u16 = 2;
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
        let address = self.address.as_ref();
        self.city_key = address.map(|it| fold(&it.city));
        self.region_key = address.and_then(|it| it.region.as_deref()).map(fold);
        self.postal_code_key = address.and_then(|it| it.postal_code.as_deref()).map(fold);
        self.country = address.map(|it| it.country.clone());
    }

    fn keys(&self) -> Vec<Option<String>> {
        let address = self.address_key.as_ref().unwrap_or(&self.email_key);
        vec![Some(address.clone())]
    }

    fn key_columns() -> Vec<Expr> {
        vec![CustomerField::Email.column()]
    }

    fn may_change(filter: &Filter<CustomerField>, event: &RecordEvent<Self>) -> bool {
        let customer = event.record();
        let may_select = |status: Option<CustomerStatus>| {
            filter.may_select(&|field, test| match field {
                CustomerField::Status => test.holds(&Operand::of(&status?)),
                CustomerField::CreatedAt => test.holds(&Operand::Time(customer.created_at)),
                _ => None,
            })
        };
        // Events of before it was recorded do not tell the status that a customer had.
        may_select(Some(customer.status))
            || event.change != Change::Created && may_select(event.data.previous_status)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Test;

    const ALL: [CustomerStatus; 2] = [CustomerStatus::Prospect, CustomerStatus::Active];

    fn in_status(statuses: &[CustomerStatus]) -> Filter<CustomerField> {
        let operands = statuses.iter().map(Operand::of);
        Filter::Is(CustomerField::Status, Test::OneOf(operands.collect()))
    }

    /// Filters, and whether each selects a customer in this status.
    fn filters(status: CustomerStatus) -> [(Filter<CustomerField>, bool); 4] {
        let active = in_status(&[CustomerStatus::Active]);
        let is_active = status == CustomerStatus::Active;
        [
            (Filter::default(), true),
            (in_status(&[]), false),
            (active.clone(), is_active),
            (Filter::Not(Box::new(active)), !is_active),
        ]
    }

    /// The event that brings a customer from one status to another.
    fn event(change: Change, [before, after]: [CustomerStatus; 2]) -> RecordEvent<Customer> {
        let customer = Customer {
            status: after,
            ..Customer::default()
        };
        let previous_status = (change != Change::Created).then_some(before);
        let data = CustomerData {
            customer,
            previous_status,
        };
        RecordEvent {
            change,
            data,
            is_older: false,
        }
    }

    #[test]
    fn an_event_counts_for_a_list_that_may_show_its_customer_before_or_after() {
        for (change, _) in Customer::EVENTS {
            for statuses in ALL.map(|before| ALL.map(|after| [before, after])).concat() {
                let event = event(*change, statuses);
                let [before, after] = statuses.map(filters);
                for ((filter, shown_before), (_, shown_after)) in before.into_iter().zip(after) {
                    let is_shown = *change != Change::Created && shown_before || shown_after;
                    let counts = Customer::may_change(&filter, &event);
                    assert_eq!(counts, is_shown, "{event:?} {filter:?}");
                }
            }
        }
    }

    #[test]
    fn what_an_old_event_does_not_tell_counts() {
        let mut old = event(Change::Updated, [CustomerStatus::Prospect; 2]);
        let filter = in_status(&[CustomerStatus::Active]);
        assert!(!Customer::may_change(&filter, &old));
        old.data.previous_status = None;
        assert!(Customer::may_change(&filter, &old));
    }
}
