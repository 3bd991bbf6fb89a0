//! The queries of chats.

use async_graphql::{Context, ID, Object};
use entities::{
    Filter,
    chats::{ChatField, ChatId, ChatSort, Chats, MessageId, RECEIPT_STREAM, STREAM},
    record::SortField,
    users::{self, UserId},
};
use events::{Interest, StreamKey};

use super::{
    counting::ChatStatistics,
    inputs::{ChatFilter, ChatSortField},
    object::{Chat, Message},
};
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::Result,
    id,
    price::{COUNT, cost},
    reads::Reads,
    request::{Read, reading, reads, viewer},
    sort::{SortInput, order},
    statistics,
};

pub(crate) type ChatConnection = Connection<Chat, ChatTotals>;

#[derive(Default)]
pub(crate) struct ChatsQuery;

/// The total of a list of chats.
pub(crate) struct ChatTotals(Filter<ChatField>);

#[Object]
impl ChatTotals {
    /// The number of your chats that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let chats = &reading(ctx, Read::Noted).chats;
        Ok(chats.count_chats(viewer(ctx)?, &self.0).await?)
    }
}

/// Returns the chat with this id if the viewer is a member, for `chat` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: ChatId) -> Result<Option<Chat>> {
    let chats = &reading(ctx, Read::Stream(id.stream())).chats;
    let found = chats.find_chat(viewer(ctx)?, id).await;
    Ok(found?.map(Chat))
}

/// Notes what a list of the user's chats is read from: their inbox, which tells of chats that come and go, and all chats of which they
/// are a member, any of which may move to the top. What became of the user's messages changes no list.
async fn note_chats(reads: &Reads, chats: &Chats, user_id: UserId) -> Result<()> {
    if !reads.is_recording() {
        return Ok(());
    }
    let topics = chats.own_chats(user_id).topics().await?.into_iter();
    for topic in topics.filter(|topic| topic.kind != RECEIPT_STREAM) {
        let stream = topic.id.map(|id| StreamKey {
            kind: topic.kind,
            id,
        });
        reads.note(stream.map_or(Read::Kind(topic.kind), Read::Stream));
    }
    Ok(())
}

/// Returns the message with this id if the viewer is a member of its chat, for `node`.
pub(crate) async fn find_message(ctx: &Context<'_>, id: MessageId) -> Result<Option<Message>> {
    let chats = &reading(ctx, Read::Noted).chats;
    let found = chats.find_message(viewer(ctx)?, id).await?;
    reading(
        ctx,
        match &found {
            Some(message) => Read::Stream(message.chat_id.stream()),
            None => Read::Kind(STREAM),
        },
    );
    Ok(found.map(Message::from))
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

    /// The chats that you are a member of, with the most recent activity first unless sorted otherwise. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
    async fn chats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the chats that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the chats that come before this cursor.")] before: Option<String>,
        #[graphql(desc = "Restricts the list to matching chats.")] filter: Option<ChatFilter>,
        #[graphql(desc = "The order of the list.")] sort: Option<SortInput<ChatSortField>>,
    ) -> Result<Option<ChatConnection>> {
        let sort: ChatSort = order(sort);
        let filter = crate::filter::filter(filter)?;
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<ChatSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let (viewer, chats) = (viewer(ctx)?, &reading(ctx, Read::Noted).chats);
        if let (Some(reads), Some(user_id)) = (reads(ctx), viewer.user_id()) {
            note_chats(reads, chats, user_id).await?;
            // Chats are found by the names of their members.
            if filter.is_search() {
                reads.note(Read::Kind(users::STREAM));
            }
        }
        let page = chats.list_chats(viewer, &filter, sort, &request).await?;
        connect(page, sort, ChatTotals(filter), Chat).map(Some)
    }

    /// Counts of all chats by kind and by day, for administrators. They follow changes within moments.
    async fn chat_statistics(&self, ctx: &Context<'_>) -> Result<Option<ChatStatistics>> {
        statistics::read(ctx).await
    }
}
