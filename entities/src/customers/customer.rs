//! The customer and its table.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::address::PostalAddress;
use crate::{id::Id, stored_enum::stored_enum};

stored_enum! {
    /// Where the relation to a customer stands.
    #[derive(Default)]
    pub enum CustomerStatus {
        /// Known, but no customer yet.
        #[default]
        Prospect,
        /// Doing business.
        Active,
        /// On hold.
        Suspended,
        /// The relation has ended; the customer is kept.
        Closed,
    }
}

/// A customer as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Customer")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    /// As people write it.
    pub name: String,
    /// As it was entered.
    pub email: String,
    /// The address in lower case, by which it is unique: see `text::email`.
    #[serde(skip)]
    pub email_key: String,
    /// What the address is compared by in place of that, if it was stored before addresses were brought into one form.
    #[serde(skip)]
    pub address_key: Option<String>,
    /// Name and address as they are searched: see `text::fold`.
    #[serde(skip)]
    pub search_text: String,
    /// A telephone number, as it was entered.
    pub phone: Option<String>,
    /// The postal address; none in events of before version 2.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    #[serde(default)]
    pub address: Option<PostalAddress>,
    /// What filters compare: the city without case.
    #[serde(skip)]
    pub city_key: Option<String>,
    /// The region without case.
    #[serde(skip)]
    pub region_key: Option<String>,
    /// The postal code without case.
    #[serde(skip)]
    pub postal_code_key: Option<String>,
    /// The country of the address.
    #[serde(skip)]
    pub country: Option<String>,
    /// Where the relation stands.
    pub status: CustomerStatus,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A customer.
pub type Customer = Model;

/// A customer's id.
pub type CustomerId = Id<Customer>;
