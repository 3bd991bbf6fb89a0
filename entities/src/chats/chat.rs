//! The chat and its table.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{id::ids, stored_enum::stored_enum};

ids! {
    /// A chat's id.
    ChatId = Id<OfChat>, "chat";
}

stored_enum! {
    /// What sort of chat it is.
    pub enum ChatKind {
        /// Between two users, who cannot leave it. Each pair has at most one, and it has no title.
        Direct,
        /// Of users who come and go, with a title.
        Group,
    }
}

/// A chat as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "chat")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Chat")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChatId,
    /// What sort of chat it is.
    pub kind: ChatKind,
    /// What a group is called.
    pub title: Option<String>,
    /// The title as it is searched: see `text::fold`.
    #[serde(skip)]
    pub search_text: Option<String>,
    /// The users of a direct chat, by which it is unique.
    #[serde(skip)]
    pub pair_key: Option<String>,
    /// How many members it has.
    pub member_count: i32,
    /// The number of the last message; 0 before the first.
    pub last_number: i64,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When the last message was sent, or the chat created.
    pub last_activity_at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A chat.
pub type Chat = Model;
