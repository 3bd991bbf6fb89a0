//! Chats and their messages. Only members see anything of a chat: to everybody else, whatever their role, it does not
//! exist. A direct chat is of two users for ever, a group of users who come and go.

mod chat;
mod member;
pub(crate) mod membership;

pub use chat::{Chat, ChatKind};
pub use member::{ChatMember, ChatRole};
