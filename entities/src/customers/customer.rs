//! The customer and its table. The model stays inside this crate's domain code; the API wraps it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    cache::CachedRow,
    text::{email, fold},
};

/// Where the relation to a customer stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CustomerStatus {
    /// Known, but no customer yet.
    #[sea_orm(string_value = "PROSPECT")]
    Prospect,
    /// Doing business.
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    /// On hold.
    #[sea_orm(string_value = "SUSPENDED")]
    Suspended,
    /// The relation has ended; the customer is kept.
    #[sea_orm(string_value = "CLOSED")]
    Closed,
}

/// A customer as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "customer")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Customer")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
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

impl Model {
    /// Sets what is derived from the name and the address.
    pub(crate) fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        let email = email::spellings(&self.email);
        self.search_text = fold(&format!("{}\n{email}", self.name));
    }
}

impl CachedRow for Customer {
    const STREAM: &'static str = super::STREAM;
    const SHAPE: u16 = 1;
    const ENDED_BY: &'static [&'static str] = &["CustomerDeleted"];

    fn restore(&mut self) {
        self.derive_keys();
    }
}
