//! Chats in GraphQL. See `entities::chats` for the rules.

mod counting;
mod event;
mod inputs;
mod loaders;
mod mutation;
mod object;
mod own;
mod query;
mod receipts;
mod subscription;

pub(crate) use loaders::loader;
pub(crate) use mutation::ChatsMutation;
pub(crate) use object::{Chat, Message, MessageConnection};
pub(crate) use query::{ChatConnection, ChatsQuery, find, find_message};
pub(crate) use subscription::ChatsSubscription;
