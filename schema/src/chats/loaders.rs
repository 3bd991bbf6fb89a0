//! Loaders: what a page shows of its chats is read in one statement each, however many there are. They keep nothing, so
//! the schema has one of each for all requests, and requests at the same moment share a statement.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::{
    Context, Result,
    dataloader::{DataLoader, Loader},
};
use entities::chats::{Chat, ChatMember, ChatMessage, ChatOfUser, Chats};
use uuid::Uuid;

use crate::error::from_log;

/// Resolvers of one page ask within microseconds of each other; on a busy machine the thread may be interrupted meanwhile.
const DELAY: Duration = Duration::from_micros(300);
/// A statement has up to two parameters for each.
const BATCH_KEYS: usize = 500;

/// Members of a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MembersOf(Uuid);

/// Last message of a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct LastMessageOf(Uuid);

/// A message by id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MessageById(Uuid);

/// Messages that a user has not read in a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct UnreadBy(ChatOfUser);

/// Everything of chats; each type of key is a batch of its own.
pub(crate) struct ChatLoader(Chats);

type Failure = Arc<events::Error>;

impl Loader<MembersOf> for ChatLoader {
    type Value = Arc<[ChatMember]>;
    type Error = Failure;

    async fn load(&self, keys: &[MembersOf]) -> Result<HashMap<MembersOf, Self::Value>, Failure> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.0.load_members(&ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, members)| (MembersOf(id), members.into()))
            .collect())
    }
}

impl Loader<LastMessageOf> for ChatLoader {
    type Value = ChatMessage;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[LastMessageOf],
    ) -> Result<HashMap<LastMessageOf, ChatMessage>, Failure> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.0.load_last_messages(&ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, message)| (LastMessageOf(id), message))
            .collect())
    }
}

impl Loader<MessageById> for ChatLoader {
    type Value = ChatMessage;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[MessageById],
    ) -> Result<HashMap<MessageById, ChatMessage>, Failure> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.0.load_messages(&ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, message)| (MessageById(id), message))
            .collect())
    }
}

impl Loader<UnreadBy> for ChatLoader {
    type Value = i64;
    type Error = Failure;

    async fn load(&self, keys: &[UnreadBy]) -> Result<HashMap<UnreadBy, i64>, Failure> {
        let keys: Vec<ChatOfUser> = keys.iter().map(|key| key.0).collect();
        let found = self.0.load_unread_counts(&keys).await?;
        Ok(found
            .into_iter()
            .map(|(key, count)| (UnreadBy(key), count))
            .collect())
    }
}

impl Loader<ChatOfUser> for ChatLoader {
    type Value = Chat;
    type Error = Failure;

    async fn load(&self, keys: &[ChatOfUser]) -> Result<HashMap<ChatOfUser, Chat>, Failure> {
        Ok(self.0.load_chats_of_users(keys).await?)
    }
}

/// The loader, for the schema's data.
pub(crate) fn loaders(chats: &Chats) -> DataLoader<ChatLoader> {
    DataLoader::new(ChatLoader(chats.clone()), tokio::spawn)
        .delay(DELAY)
        .max_batch_size(BATCH_KEYS)
}

async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<ChatLoader as Loader<K>>::Value>>
where
    K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
    ChatLoader: Loader<K, Error = Failure>,
{
    let loader = ctx.data::<DataLoader<ChatLoader>>()?;
    loader.load_one(key).await.map_err(|cause| from_log(&cause))
}

/// The members of a chat that the caller may see, in the order in which they joined.
pub(super) async fn load_members(ctx: &Context<'_>, chat_id: Uuid) -> Result<Arc<[ChatMember]>> {
    Ok(load(ctx, MembersOf(chat_id)).await?.unwrap_or_default())
}

/// The last message of a chat that the caller may see.
pub(super) async fn load_last_message(
    ctx: &Context<'_>,
    chat_id: Uuid,
) -> Result<Option<ChatMessage>> {
    load(ctx, LastMessageOf(chat_id)).await
}

/// A message of a chat that the caller may see, as it is now.
pub(super) async fn load_message(ctx: &Context<'_>, id: Uuid) -> Result<Option<ChatMessage>> {
    load(ctx, MessageById(id)).await
}

/// How many messages the user has not read; none in a chat that they are no member of.
pub(super) async fn load_unread_count(ctx: &Context<'_>, key: ChatOfUser) -> Result<i64> {
    Ok(load(ctx, UnreadBy(key)).await?.unwrap_or_default())
}

/// The chat as it is now, if the user is a member.
pub(super) async fn load_chat_of_user(ctx: &Context<'_>, key: ChatOfUser) -> Result<Option<Chat>> {
    load(ctx, key).await
}
