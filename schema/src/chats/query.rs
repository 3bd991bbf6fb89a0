//! The queries of chats.

use async_graphql::{
    Context, ID, Object,
    connection::{Connection, EmptyFields},
};
use entities::{
    SortKey,
    chats::{ChatError, ChatId, Chats, STREAM},
    users::UserId,
};
use events::{Interest, StreamKey};
use serde::{Deserialize, Serialize};

use super::object::Chat;
use crate::{
    connection::{ListCursor, PageArguments, connect},
    error::Result,
    id,
    reads::Reads,
    request::{Read, reading, reads, viewer},
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
    let chats = &reading(ctx, Read::Stream(id.stream())).chats;
    let found = chats.find_chat(viewer(ctx)?, id).await;
    Ok(found?.map(Chat))
}

/// Notes what a list of the user's chats is read from: their inbox, which tells of chats that come and go, and all chats of which they
/// are a member, any of which may move to the top.
async fn note_chats(reads: &Reads, chats: &Chats, user_id: UserId) -> Result<()> {
    if !reads.is_recording() {
        return Ok(());
    }
    for topic in chats.own_chats(user_id).topics().await? {
        let stream = topic.id.map(|id| StreamKey {
            kind: topic.kind,
            id,
        });
        reads.note(stream.map_or(Read::Kind(topic.kind), Read::Stream));
    }
    Ok(())
}

#[Object]
impl ChatsQuery {
    /// Looks up a chat that you are a member of. NOT_FOUND for all others, whether they exist or not.
    async fn chat(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chat's global id.")] id: ID,
    ) -> Result<Option<Chat>> {
        match find(ctx, id::decode("id", &id)?).await? {
            None => Err(ChatError::NotFound(STREAM).into()),
            found => Ok(found),
        }
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
        let (viewer, chats) = (viewer(ctx)?, &reading(ctx, Read::Noted).chats);
        if let (Some(reads), Some(user_id)) = (reads(ctx), viewer.user_id()) {
            note_chats(reads, chats, user_id).await?;
        }
        let page = chats.list_chats(viewer, &request).await?;
        let order = ChatOrder::LastActivity;
        Ok(Some(connect(page, order, EmptyFields, Chat)))
    }
}
