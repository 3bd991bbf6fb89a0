//! Loaders: the parts of a page's chats are read in one statement each, however many there are. They cache nothing, so the
//! schema has one of each for all requests, and concurrent requests share a statement. Members and last messages are loaded
//! with their users: those of several chats would be requested at different moments.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{Context, dataloader::Loader};
use async_trait::async_trait;
use entities::{
    Page, PageOf,
    chats::{
        Chat, ChatId, ChatMember, ChatMessage, ChatOfUser, Chats, INBOX_STREAM, MessageReceipt,
        MessageReceipts, RECEIPT_STREAM, SentMessage,
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

/// A page of the messages of a chat.
#[derive(Clone, PartialEq, Eq, Hash)]
struct MessagesOf {
    page: PageOf<ChatId>,
    with_authors: bool,
}

/// Messages that a user has not read in a chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct UnreadBy(ChatOfUser);

/// What became of a message for each recipient.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RecipientsOf {
    message: SentMessage,
    with_users: bool,
}

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
impl Loader<MessagesOf> for ChatLoader {
    type Value = Arc<Page<WithUser<ChatMessage>>>;
    type Error = Failure;

    async fn load(&self, keys: &[MessagesOf]) -> Result<HashMap<MessagesOf, Self::Value>, Failure> {
        let of: Vec<_> = keys.iter().map(|key| key.page.clone()).collect();
        let pages = self.chats.load_message_pages(&of).await?;
        let wanted = keys.iter().filter(|key| key.with_authors);
        let shown = wanted.filter_map(|key| pages.get(&key.page));
        let shown = shown.flat_map(|page| page.items.iter());
        let shown = shown.map(|(_, message)| message.author_id).collect();
        let authors = load_all(&self.users, shown).await?;
        let of = |key: &MessagesOf| {
            let page = pages.get(&key.page)?.clone();
            let page = page.map(|message| {
                let author = authors.get(&message.author_id).filter(|_| key.with_authors);
                let author = author.cloned();
                (message, author)
            });
            Some((key.clone(), Arc::new(page)))
        };
        Ok(keys.iter().filter_map(of).collect())
    }
}

#[async_trait]
impl Loader<ChatId> for ChatLoader {
    type Value = Chat;
    type Error = Failure;

    async fn load(&self, ids: &[ChatId]) -> Result<HashMap<ChatId, Chat>, Failure> {
        Ok(self.chats.load_chats(ids).await?)
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
impl Loader<SentMessage> for ChatLoader {
    type Value = MessageReceipts;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[SentMessage],
    ) -> Result<HashMap<SentMessage, MessageReceipts>, Failure> {
        Ok(self.chats.load_receipts(keys).await?)
    }
}

#[async_trait]
impl Loader<RecipientsOf> for ChatLoader {
    type Value = Vec<WithUser<MessageReceipt>>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[RecipientsOf],
    ) -> Result<HashMap<RecipientsOf, Self::Value>, Failure> {
        let messages: Vec<SentMessage> = keys.iter().map(|key| key.message).collect();
        let recipients = self.chats.load_recipients(&messages).await?;
        let wanted = keys.iter().filter(|key| key.with_users);
        let shown = wanted
            .filter_map(|key| recipients.get(&key.message))
            .flatten();
        let shown = shown.map(|receipt| receipt.user_id).collect();
        let users = load_all(&self.users, shown).await?;
        let of = |key: &RecipientsOf| {
            let with_user = |receipt: &MessageReceipt| {
                let user = users.get(&receipt.user_id).filter(|_| key.with_users);
                (receipt.clone(), user.cloned())
            };
            let recipients = recipients.get(&key.message)?;
            Some((*key, recipients.iter().map(with_user).collect()))
        };
        Ok(keys.iter().filter_map(of).collect())
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

impl Noted<MessagesOf> for ChatLoader {
    fn note(reads: &Reads, key: &MessagesOf, found: Option<&Self::Value>) {
        reads.note(Read::Stream(key.page.of.stream()));
        let messages = found.into_iter().flat_map(|page| page.items.iter());
        note_users(reads, messages.map(|(_, (it, _))| it.author_id));
    }
}

impl Noted<ChatId> for ChatLoader {
    fn note(reads: &Reads, id: &ChatId, _: Option<&Chat>) {
        reads.note(Read::Stream(id.stream()));
    }
}

/// What a user has read is told in the inbox.
impl Noted<UnreadBy> for ChatLoader {
    fn note(reads: &Reads, UnreadBy(key): &UnreadBy, _: Option<&i64>) {
        reads.note(Read::Stream(key.chat_id.stream()));
        reads.note(Read::Stream(StreamKey {
            kind: INBOX_STREAM,
            id: key.user_id.uuid(),
        }));
    }
}

/// Members come and go in the chat, and what they tell is told to the author.
fn note_receipts(reads: &Reads, message: &SentMessage) {
    reads.note(Read::Stream(message.chat_id.stream()));
    reads.note(Read::Stream(StreamKey {
        kind: RECEIPT_STREAM,
        id: message.author_id.uuid(),
    }));
}

impl Noted<SentMessage> for ChatLoader {
    fn note(reads: &Reads, message: &SentMessage, _: Option<&MessageReceipts>) {
        note_receipts(reads, message);
    }
}

impl Noted<RecipientsOf> for ChatLoader {
    fn note(reads: &Reads, key: &RecipientsOf, found: Option<&Self::Value>) {
        note_receipts(reads, &key.message);
        let recipients = found.into_iter().flatten();
        note_users(reads, recipients.map(|(receipt, _)| receipt.user_id));
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

/// Returns a page of the messages of a chat that the caller may see, with their authors if this field of a connection selects them.
pub(super) async fn load_messages(
    ctx: &Context<'_>,
    page: PageOf<ChatId>,
) -> Result<Page<WithUser<ChatMessage>>> {
    let shown = ctx.look_ahead();
    let in_edges = shown.field("edges").field("node").field("author");
    let with_authors = in_edges.exists() || shown.field("nodes").field("author").exists();
    let page = load(ctx, MessagesOf { page, with_authors }).await?;
    Ok(page.map(Arc::unwrap_or_clone).unwrap_or_default())
}

/// Returns the chat with this id, for callers who got an object below it.
pub(super) async fn load_chat(ctx: &Context<'_>, id: ChatId) -> Result<Option<Chat>> {
    load(ctx, id).await
}

/// Returns the number of messages that the user has not read; 0 in a chat of which they are not a member.
pub(super) async fn load_unread_count(ctx: &Context<'_>, key: ChatOfUser) -> Result<i64> {
    Ok(load(ctx, UnreadBy(key)).await?.unwrap_or_default())
}

/// Returns how many have received and seen a message of the caller.
pub(super) async fn load_receipts(
    ctx: &Context<'_>,
    message: SentMessage,
) -> Result<MessageReceipts> {
    Ok(load(ctx, message).await?.unwrap_or_default())
}

/// Returns what became of a message of the caller for each recipient, with their users if this field of recipients selects them.
pub(super) async fn load_recipients(
    ctx: &Context<'_>,
    message: SentMessage,
) -> Result<Vec<WithUser<MessageReceipt>>> {
    let key = RecipientsOf {
        message,
        with_users: ctx.look_ahead().field("user").exists(),
    };
    Ok(load(ctx, key).await?.unwrap_or_default())
}
