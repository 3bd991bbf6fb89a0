//! The message and its table.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::ChatId;
use crate::{access::UserId, id::ids};

ids! {
    /// The id of a message in a chat.
    MessageId = Id<OfMessage>, "message";
}

/// A message as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "chat_message")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChatMessage")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    /// The chat.
    pub chat_id: ChatId,
    /// Its place in the chat: 1, 2, 3, … without gaps.
    pub number: i64,
    /// Who sent it.
    pub author_id: UserId,
    /// What it says; nothing once it is deleted.
    pub text: Option<String>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When its text was changed last, if it was.
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A message in a chat.
pub type ChatMessage = Model;
