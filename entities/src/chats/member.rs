//! The member of a chat and its table.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::ChatId;
use crate::{access::UserId, stored_enum::stored_enum};

stored_enum! {
    /// What a member may do in a chat besides what every member may.
    pub enum ChatRole {
        /// Removes others. A group has one owner as long as it has members; a direct chat has none.
        Owner,
        /// Nothing.
        Member,
    }
}

/// A member as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "chat_member")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChatMember")]
pub struct Model {
    /// The chat.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chat_id: ChatId,
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// What the member may do.
    pub role: ChatRole,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// The member has read the messages up to this number; none after it is their own.
    #[serde(skip)]
    pub last_read_number: i64,
    /// The member has received the messages up to this number, and those that they have read.
    #[serde(skip)]
    pub last_delivered_number: i64,
    /// The messages up to this number were there before the member; unknown for members of versions that did not note it.
    #[serde(skip)]
    pub joined_number: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns a new member, to whom the messages up to `number` are nothing new.
    pub(super) const fn new(
        chat_id: ChatId,
        user_id: UserId,
        role: ChatRole,
        joined_at: DateTime<Utc>,
        number: i64,
    ) -> Self {
        Self {
            chat_id,
            user_id,
            role,
            joined_at,
            last_read_number: number,
            last_delivered_number: number,
            joined_number: Some(number),
        }
    }

    /// Returns the number up to which the member has received messages.
    pub(super) fn received_number(&self) -> i64 {
        self.last_delivered_number.max(self.last_read_number)
    }
}

/// A member of a chat.
pub type ChatMember = Model;
