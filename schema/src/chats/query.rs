//! The queries of chats.

use async_graphql::{
    Context, ID, Object,
    connection::{Connection, EmptyFields},
};
use entities::{
    SortKey,
    chats::{ChatId, MessageId},
};
use serde::{Deserialize, Serialize};

use super::object::{Chat, Message};
use crate::{
    connection::{ListCursor, PageArguments, connect},
    error::Result,
    id,
    request::{entities, viewer},
};

pub(crate) type ChatConnection = Connection<ListCursor<ChatOrder>, Chat>;

#[derive(Default)]
pub(crate) struct ChatsQuery;

/// What orders chats: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum ChatOrder {
    #[serde(rename = "chats")]
    LastActivity,
}

/// Returns the chat with this id if the viewer is a member, for `chat` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: ChatId) -> Result<Option<Chat>> {
    let found = entities(ctx).chats.find_chat(viewer(ctx)?, id).await;
    Ok(found?.map(Chat))
}

/// Returns the message with this id if the viewer is a member of its chat, for `node`.
pub(crate) async fn find_message(ctx: &Context<'_>, id: MessageId) -> Result<Option<Message>> {
    let found = entities(ctx).chats.find_message(viewer(ctx)?, id).await;
    Ok(found?.map(Message::from))
}

#[Object]
impl ChatsQuery {
    /// Looks up a chat that you are a member of. Null for all others, whether they exist or not.
    async fn chat(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chat's global id.")] id: ID,
    ) -> Result<Option<Chat>> {
        find(ctx, id::sought(&id)).await
    }

    /// The chats that you are a member of, with the most recent activity first. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    async fn chats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the chats that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the chats that come before this cursor.")] before: Option<String>,
    ) -> Result<Option<ChatConnection>> {
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<ChatOrder>| {
            matches!(cursor.edge.key, SortKey::Time(_))
        })?;
        let (viewer, chats) = (viewer(ctx)?, &entities(ctx).chats);
        let page = chats.list_chats(viewer, &request).await?;
        let order = ChatOrder::LastActivity;
        Ok(Some(connect(page, order, EmptyFields, Chat)))
    }
}
