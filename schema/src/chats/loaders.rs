//! Loaders: the parts of a page's chats are read in one statement each, however many there are. They cache nothing, so the
//! schema has one of each for all requests, and concurrent requests share a statement. Members and last messages are loaded
//! with their users: those of several chats would be requested at different moments.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{Context, dataloader::Loader};
use async_trait::async_trait;
use entities::{
    chats::{
        self, Chat, ChatId, ChatMember, ChatMessage, ChatOfUser, Chats, INBOX_STREAM, MessageId,
    },
    users::{User, Users},
};
use events::StreamKey;

use crate::{
    batches::{Batches, Noted},
    error::Result,
    reads::{Read, Reads},
    request::reads,
    users::{load_all, note_users},
};

/// Members of a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MembersOf {
    chat_id: ChatId,
    with_users: bool,
}

/// Last message of a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct LastMessageOf {
    chat_id: ChatId,
    with_author: bool,
}

/// A message by id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MessageById(MessageId);

/// Messages that a user has not read in a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct UnreadBy(ChatOfUser);

/// A member or a message, and the user if they were asked for.
pub(super) type WithUser<T> = (T, Option<Arc<User>>);

/// Everything of chats; each type of key is a batch of its own.
pub(crate) struct ChatLoader {
    chats: Chats,
    users: Users,
}

type Failure = Arc<events::Error>;

#[async_trait]
impl Loader<MembersOf> for ChatLoader {
    type Value = Vec<WithUser<ChatMember>>;
    type Error = Failure;

    async fn load(&self, keys: &[MembersOf]) -> Result<HashMap<MembersOf, Self::Value>, Failure> {
        let ids: Vec<ChatId> = keys.iter().map(|key| key.chat_id).collect();
        let members = self.chats.load_members(&ids).await?;
        let wanted = keys.iter().filter(|key| key.with_users);
        let shown = wanted.filter_map(|key| members.get(&key.chat_id)).flatten();
        let shown = shown.map(|member| member.user_id).collect();
        let users = load_all(&self.users, shown).await?;
        let of = |key: &MembersOf| {
            let members = members.get(&key.chat_id)?;
            let with_user = |member: &ChatMember| {
                let user = users.get(&member.user_id).filter(|_| key.with_users);
                (member.clone(), user.cloned())
            };
            Some((*key, members.iter().map(with_user).collect()))
        };
        Ok(keys.iter().filter_map(of).collect())
    }
}

#[async_trait]
impl Loader<LastMessageOf> for ChatLoader {
    type Value = WithUser<ChatMessage>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[LastMessageOf],
    ) -> Result<HashMap<LastMessageOf, Self::Value>, Failure> {
        let ids: Vec<ChatId> = keys.iter().map(|key| key.chat_id).collect();
        let messages = self.chats.load_last_messages(&ids).await?;
        let wanted = keys.iter().filter(|key| key.with_author);
        let shown = wanted.filter_map(|key| messages.get(&key.chat_id));
        let shown = shown.map(|message| message.author_id).collect();
        let authors = load_all(&self.users, shown).await?;
        let of = |key: &LastMessageOf| {
            let message = messages.get(&key.chat_id)?;
            let author = authors.get(&message.author_id).filter(|_| key.with_author);
            Some((*key, (message.clone(), author.cloned())))
        };
        Ok(keys.iter().filter_map(of).collect())
    }
}

#[async_trait]
impl Loader<MessageById> for ChatLoader {
    type Value = ChatMessage;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[MessageById],
    ) -> Result<HashMap<MessageById, ChatMessage>, Failure> {
        let ids: Vec<MessageId> = keys.iter().map(|key| key.0).collect();
        let found = self.chats.load_messages(&ids).await?;
        let found = found.into_iter();
        Ok(found.map(|(id, it)| (MessageById(id), it)).collect())
    }
}

#[async_trait]
impl Loader<UnreadBy> for ChatLoader {
    type Value = i64;
    type Error = Failure;

    async fn load(&self, keys: &[UnreadBy]) -> Result<HashMap<UnreadBy, i64>, Failure> {
        let keys: Vec<ChatOfUser> = keys.iter().map(|key| key.0).collect();
        let found = self.chats.load_unread_counts(&keys).await?;
        let found = found.into_iter();
        Ok(found.map(|(key, it)| (UnreadBy(key), it)).collect())
    }
}

#[async_trait]
impl Loader<ChatOfUser> for ChatLoader {
    type Value = Chat;
    type Error = Failure;

    async fn load(&self, keys: &[ChatOfUser]) -> Result<HashMap<ChatOfUser, Chat>, Failure> {
        Ok(self.chats.load_chats_of_users(keys).await?)
    }
}

impl Noted<MembersOf> for ChatLoader {
    fn note(reads: &Reads, key: &MembersOf, found: Option<&Self::Value>) {
        reads.note(Read::Stream(key.chat_id.stream()));
        let members = found.into_iter().flatten();
        note_users(reads, members.map(|(member, _)| member.user_id));
    }
}

impl Noted<LastMessageOf> for ChatLoader {
    fn note(reads: &Reads, key: &LastMessageOf, found: Option<&Self::Value>) {
        reads.note(Read::Stream(key.chat_id.stream()));
        note_users(reads, found.into_iter().map(|(it, _)| it.author_id));
    }
}

impl Noted<MessageById> for ChatLoader {
    fn note(reads: &Reads, _: &MessageById, _: Option<&ChatMessage>) {
        reads.note(Read::Kind(chats::STREAM));
    }
}

impl Noted<UnreadBy> for ChatLoader {
    fn note(reads: &Reads, UnreadBy(key): &UnreadBy, _: Option<&i64>) {
        <Self as Noted<ChatOfUser>>::note(reads, key, None);
    }
}

/// What a user has read is told in the inbox.
impl Noted<ChatOfUser> for ChatLoader {
    fn note(reads: &Reads, key: &ChatOfUser, _: Option<&Chat>) {
        reads.note(Read::Stream(key.chat_id.stream()));
        reads.note(Read::Stream(StreamKey {
            kind: INBOX_STREAM,
            id: key.user_id.uuid(),
        }));
    }
}

/// Returns the loader for the schema's data.
pub(crate) fn loader(chats: &Chats, users: &Users) -> Batches<ChatLoader> {
    Batches::new(ChatLoader {
        chats: chats.clone(),
        users: users.clone(),
    })
}

async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<ChatLoader as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    ChatLoader: Loader<K, Error = Failure> + Noted<K>,
{
    let loader = ctx.data::<Batches<ChatLoader>>()?;
    Ok(loader.load_one(reads(ctx), key).await?)
}

/// Returns the members of a chat that the caller may see, in the order in which they joined, with their users if this field of
/// members selects them.
pub(super) async fn load_members(
    ctx: &Context<'_>,
    chat_id: ChatId,
) -> Result<Vec<WithUser<ChatMember>>> {
    let key = MembersOf {
        chat_id,
        with_users: ctx.look_ahead().field("user").exists(),
    };
    Ok(load(ctx, key).await?.unwrap_or_default())
}

/// Returns the last message of a chat that the caller may see, with its author if this field of a message selects them.
pub(super) async fn load_last_message(
    ctx: &Context<'_>,
    chat_id: ChatId,
) -> Result<Option<WithUser<ChatMessage>>> {
    let key = LastMessageOf {
        chat_id,
        with_author: ctx.look_ahead().field("author").exists(),
    };
    load(ctx, key).await
}

/// Returns the current message of a chat that the caller may see.
pub(super) async fn load_message(ctx: &Context<'_>, id: MessageId) -> Result<Option<ChatMessage>> {
    load(ctx, MessageById(id)).await
}

/// Returns the number of messages that the user has not read; 0 in a chat of which they are not a member.
pub(super) async fn load_unread_count(ctx: &Context<'_>, key: ChatOfUser) -> Result<i64> {
    Ok(load(ctx, UnreadBy(key)).await?.unwrap_or_default())
}

/// Returns the current chat, if the user is a member.
pub(super) async fn load_chat_of_user(ctx: &Context<'_>, key: ChatOfUser) -> Result<Option<Chat>> {
    load(ctx, key).await
}
