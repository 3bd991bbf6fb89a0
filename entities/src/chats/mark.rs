//! The mark that moved, and its table: when a member received or saw messages. Written by `commands::marks`, read by `receipts`.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use super::ChatId;
use crate::{access::UserId, stored_enum::stored_enum};

stored_enum! {
    /// What a member tells of messages.
    pub enum MarkKind {
        /// They have arrived.
        Delivered,
        /// They were read.
        Seen,
    }
}

/// A mark that moved.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_mark")]
pub(crate) struct Model {
    /// The chat.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chat_id: ChatId,
    /// The member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// What they told.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: MarkKind,
    /// It is told of the messages up to this number,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// and after this one.
    pub after_number: i64,
    /// When.
    pub at: DateTime<Utc>,
}

impl ActiveModelBehavior for ActiveModel {}
