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
}

impl ActiveModelBehavior for ActiveModel {}

/// A member of a chat.
pub type ChatMember = Model;
