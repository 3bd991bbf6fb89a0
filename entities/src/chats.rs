//! Chats and their messages. Only members see anything of a chat: to everybody else, whatever their role, it does not
//! exist. A direct chat is of two users for ever, a group of users who come and go. Each user's list of chats is a stream
//! of its own, `inbox`, appended to with the chat's events.

mod chat;
mod commands;
mod error;
mod events;
mod inbox;
mod loading;
mod member;
pub(crate) mod membership;
mod message;
mod personal;
mod queries;
mod rules;
mod typing;

pub use chat::{Chat, ChatId, ChatKind};
pub use commands::CreateChat;
pub use error::{ChatError, ChatRefusal};
pub use events::{
    ChatEvent, ChatEventKind, INBOX_STREAM, InboxEvent, InboxEventKind, STREAM, event_schemas,
};
pub use inbox::OwnChats;
pub use loading::ChatOfUser;
pub use member::{ChatMember, ChatRole};
pub use message::{ChatMessage, MessageId};
pub(crate) use personal::{PERSONAL_DATA, erase_rows};
pub use typing::Typing;

use std::sync::Arc;

use ::events::EventLog;
use typing::Typists;

/// The commands and queries of chats.
#[derive(Clone)]
pub struct Chats {
    log: EventLog,
    /// How often a user says to be typing.
    typists: Arc<Typists>,
}

impl Chats {
    pub(crate) fn new(log: EventLog) -> Self {
        let typists = Arc::default();
        Self { log, typists }
    }
}
