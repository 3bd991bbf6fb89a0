//! Chats, their members and messages as clients see them. A caller who got a chat may see the objects below it; only fields
//! that differ by user ask for the viewer.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    PageOf, SortKey,
    chats::{self, ChatOfUser, SentMessage},
};
use serde::{Deserialize, Serialize};

use super::loaders::{
    WithUser, load_chat, load_last_message, load_members, load_messages, load_unread_count,
};
use super::receipts::{self, MessageReceipts, MessageState};
use crate::{
    actor::ActorRef,
    connection::{Connection, KnownTotal, ListCursor, PageArguments, connect},
    error::{Result, codes, error},
    history,
    list::List,
    price::{RECEIPTS, cost, list_size},
    request::{Read, reading, viewer},
    users::UserRef,
};

/// For the cost of `members`: more than most chats have, and less than a chat can have.
const USUAL_MEMBERS: i32 = 20;

/// The kind of chat.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "chats::ChatKind")]
pub(crate) enum ChatKind {
    /// A conversation between two users. Each pair of users has at most one, it has no title, and neither user can leave it.
    Direct,
    /// A conversation with a title, which users can join and leave.
    Group,
}

/// A member's role in a chat.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "chats::ChatRole")]
pub(crate) enum ChatRole {
    /// The owner of a group, who may also remove members. Every group has exactly one; a direct chat has none.
    Owner,
    /// A member without further rights.
    Member,
}

/// What orders messages: so that a cursor of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum MessageOrder {
    #[serde(rename = "messages")]
    NewestFirst,
}

pub(crate) type MessageConnection = Connection<Message, KnownTotal>;

pub(crate) struct Chat(pub(super) chats::Chat);

/// A conversation that only its members can see.
#[Object]
impl Chat {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The kind of chat.
    async fn kind(&self) -> ChatKind {
        self.0.kind.into()
    }

    /// The title of a group, 1 to 200 characters. Null for a direct chat.
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// The members, at most 500, in the order in which they joined.
    #[graphql(directive = list_size::apply(USUAL_MEMBERS))]
    async fn members(&self, ctx: &Context<'_>) -> Result<List<ChatMember>> {
        let members = load_members(ctx, self.0.id).await?.into_iter();
        Ok(members.map(ChatMember::from).collect())
    }

    /// The number of members.
    async fn member_count(&self) -> i32 {
        self.0.member_count
    }

    /// The most recent message, even if it was deleted. Null when there are no messages.
    async fn last_message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        let last = load_last_message(ctx, self.0.id).await?;
        Ok(last.map(Message::from))
    }

    /// The number of messages by other members after the last one you have read, not counting deleted ones. Sending a
    /// message marks all earlier ones as read.
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<i64> {
        let Some(user_id) = viewer(ctx)?.user_id() else {
            return Ok(0);
        };
        let key = ChatOfUser {
            chat_id: self.0.id,
            user_id,
        };
        load_unread_count(ctx, key).await
    }

    /// The time of the most recent message, or of the creation of the chat when there is none.
    async fn last_activity_at(&self) -> DateTime<Utc> {
        self.0.last_activity_at
    }

    /// The version, which increases by one with every event of the chat.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When the chat was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Who created the chat. Null when the log no longer has that event.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<ActorRef>> {
        let chats = &reading(ctx, Read::Stream(self.0.id.stream())).chats;
        let creator = chats.creator_of(self.0.id).await?;
        Ok(creator.map(ActorRef::from))
    }

    /// The messages of the chat, newest first. Give `first` with `after` to go back in time, or `last`
    /// with `before` to come forward; without both, the newest 20.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the n newest messages, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the messages older than the one with this cursor.")]
        after: Option<String>,
        #[graphql(desc = "Returns the n oldest messages, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the messages newer than the one with this cursor.")]
        before: Option<String>,
    ) -> Result<MessageConnection> {
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<MessageOrder>| {
            matches!(cursor.edge.key, SortKey::Number(_))
        })?;
        let of = self.0.id;
        let page = load_messages(ctx, PageOf { of, request }).await?;
        let order = MessageOrder::NewestFirst;
        // Messages have numbers without gaps, and stay when they are deleted.
        let total_count = self.0.last_number;
        connect(page, order, KnownTotal { total_count }, Message::from)
    }

    /// The events of the chat, oldest first. They do not include the texts of messages, which may have been edited or
    /// deleted since. Page forward with `first` and `after`, or backward with `last` and `before`. Without them, returns the first 20.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n events, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the events that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n events, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<Option<history::History>> {
        let chats = &reading(ctx, Read::Stream(self.0.id.stream())).chats;
        history::connect(ctx, (first, after, last, before), |of| {
            chats.history(&self.0, of)
        })
        .await
    }
}

/// A user in a chat.
#[derive(SimpleObject)]
pub(crate) struct ChatMember {
    /// The user who is a member.
    user: UserRef,
    /// The member's role in the chat.
    role: ChatRole,
    /// When the user became a member.
    joined_at: DateTime<Utc>,
}

impl From<WithUser<chats::ChatMember>> for ChatMember {
    fn from((row, user): WithUser<chats::ChatMember>) -> Self {
        Self {
            user: UserRef::new(row.user_id, user),
            role: row.role.into(),
            joined_at: row.joined_at,
        }
    }
}

/// A message in a chat.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Message {
    #[graphql(skip)]
    key: SentMessage,
    /// The global id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The sequence number of the message in its chat: 1, 2, 3, … without gaps.
    number: i64,
    /// The user who sent the message.
    author: UserRef,
    /// The text, 1 to 10,000 characters. Null when the message was deleted.
    text: Option<String>,
    /// When the message was sent.
    created_at: DateTime<Utc>,
    /// When the text was last edited. Null when it never was.
    edited_at: Option<DateTime<Utc>>,
    /// When the message was deleted. Null when it was not.
    deleted_at: Option<DateTime<Utc>>,
}

impl From<WithUser<chats::ChatMessage>> for Message {
    fn from((row, author): WithUser<chats::ChatMessage>) -> Self {
        Self {
            key: SentMessage {
                id: row.id,
                chat_id: row.chat_id,
                author_id: row.author_id,
            },
            id: row.id.into(),
            number: row.number,
            author: UserRef::new(row.author_id, author),
            text: row.text,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
        }
    }
}

#[ComplexObject]
impl Message {
    /// The chat that it is in, as it is now.
    async fn chat(&self, ctx: &Context<'_>) -> Result<Chat> {
        let chat = load_chat(ctx, self.key.chat_id).await?;
        // Chats are never removed.
        chat.map(Chat)
            .ok_or_else(|| error(codes::INTERNAL, "internal error"))
    }

    /// How far the message has come: as far as to the last of its recipients. Null when somebody else sent it.
    #[graphql(directive = cost::apply(RECEIPTS.to_owned()))]
    async fn state(&self, ctx: &Context<'_>) -> Result<Option<MessageState>> {
        let receipts = receipts::find(ctx, self.key).await?;
        Ok(receipts.map(|receipts| receipts.state()))
    }

    /// How many members have received and seen the message, who, and when. Null when somebody else sent it.
    #[graphql(directive = cost::apply(RECEIPTS.to_owned()))]
    async fn receipts(&self, ctx: &Context<'_>) -> Result<Option<MessageReceipts>> {
        receipts::find(ctx, self.key).await
    }
}

impl From<chats::ChatMessage> for Message {
    fn from(row: chats::ChatMessage) -> Self {
        (row, None).into()
    }
}
