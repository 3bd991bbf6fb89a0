//! The user and its table. The password is in a table of its own, so that no event, answer or log can carry it by
//! accident.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    access::{Role, UserId},
    stored_enum::stored_enum,
    text::fold,
};

stored_enum! {
    /// Whether a user wants to be talked to.
    pub enum Availability {
        /// Here.
        Online,
        /// Not looking.
        Away,
        /// Here, and not to be disturbed.
        Busy,
        /// Not here, or not to be seen.
        Offline,
    }
}

/// A user as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "app_user")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "User")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The address to sign in with, as it was entered.
    pub email: String,
    /// The address in lower case, by which it is unique: see `text::email`.
    #[serde(skip)]
    pub email_key: String,
    /// What the address is compared by in place of that, if it was stored before addresses were brought into one form.
    #[serde(skip)]
    pub address_key: Option<String>,
    /// As others see it.
    pub name: String,
    /// The name as it is searched: see `text::fold`.
    #[serde(skip)]
    pub search_text: String,
    /// The name to be found by, in lower case; unique.
    #[serde(default)]
    pub username: Option<String>,
    /// What the user says about themselves.
    pub bio: Option<String>,
    /// The hash of the picture that shows them.
    #[serde(default)]
    pub avatar: Option<String>,
    /// What the user may do.
    pub role: Role,
    /// What the user chose; shown while they are connected.
    pub availability: Availability,
    /// Grows by one with every event.
    pub version: i64,
    /// When the user registered.
    pub created_at: DateTime<Utc>,
    /// When the user was changed last.
    pub updated_at: DateTime<Utc>,
    /// When the user was deactivated, if they are.
    pub deactivated_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A user.
pub type User = Model;

impl Model {
    /// Returns whether the personal data of the user was erased.
    pub(super) fn is_erased(&self) -> bool {
        self.email == no_address(self.id.uuid())
    }

    /// Returns the role, unless the user is deactivated.
    pub(crate) fn active_role(&self) -> Option<Role> {
        self.deactivated_at.is_none().then_some(self.role)
    }

    /// Returns what others know of the user, and try first as a password.
    pub(super) fn known_texts(&self) -> Vec<&str> {
        let always = [&*self.email, &*self.name];
        always.into_iter().chain(self.username.as_deref()).collect()
    }

    /// Sets what is derived from the name and the address.
    pub(crate) fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        self.search_text = fold(&self.name);
    }
}

/// The domain of the addresses that nobody may have.
pub(super) const ERASED_DOMAIN: &str = "erased.invalid";

/// Returns an address that belongs to nobody, and differs for each user: that of a user whose personal data was erased.
pub(super) fn no_address(id: Uuid) -> String {
    format!("erased-{}@{ERASED_DOMAIN}", id.simple())
}
