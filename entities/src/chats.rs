//! Chats and their messages. Only members see anything of a chat: for everybody else, whatever their role, it does not exist. A
//! direct chat always has the same two users; the members of a group come and go. Each user's list of chats is a stream of its
//! own, `inbox`, to which events are appended together with the chat's. What became of a user's messages is told in a stream of theirs, too,
//! `receipts`.

mod chat;
mod commands;
mod error;
mod events;
mod finding;
mod inbox;
mod loading;
mod mark;
mod member;
pub(crate) mod membership;
mod message;
mod personal;
mod queries;
mod receipts;
mod rules;
mod typing;

pub use chat::{Chat, ChatId, ChatKind};
pub use commands::CreateChat;
pub use error::{ChatError, ChatRefusal};
pub(crate) use events::event_contracts;
pub use events::{
    ChatEvent, ChatEventKind, INBOX_STREAM, InboxEvent, InboxEventKind, RECEIPT_STREAM,
    ReceiptEvent, ReceiptEventKind, STREAM,
};
pub use inbox::OwnChats;
pub use loading::ChatOfUser;
pub use member::{ChatMember, ChatRole};
pub use message::{ChatMessage, MessageId};
pub(crate) use personal::{PERSONAL_DATA, erase_rows};
pub use queries::{ChatField, ChatSort, ChatSortField};
pub use receipts::{MessageReceipt, MessageReceipts, MessageState, SentMessage};
pub use typing::Typing;

use std::sync::Arc;

use ::events::EventLog;
use typing::Typists;

use crate::{gathering::Gathering, histories::Histories};

/// The commands and queries of chats.
#[derive(Clone)]
pub struct Chats {
    log: EventLog,
    of_users: Gathering<ChatOfUser, Chat>,
    messages: Gathering<MessageId, ChatMessage>,
    histories: Histories,
    /// Limits how often a user announces that they are typing.
    typists: Arc<Typists>,
}

impl Chats {
    pub(crate) fn new(log: EventLog) -> Self {
        Self {
            of_users: loading::of_users(&log),
            messages: loading::messages(&log),
            histories: Histories::new(&log, STREAM),
            log,
            typists: Arc::default(),
        }
    }
}
