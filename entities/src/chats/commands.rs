//! The commands on chats: each changes rows and appends its events in one transaction, or does nothing. The chat's row is
//! locked before the caller's membership is read, so that a command and the removal of its caller follow each other. Locks are
//! always taken in the order of chat, users, inboxes by user id, so that commands never deadlock.

mod creating;
mod marks;
mod members;
mod messages;
mod reading;

use std::sync::Arc;

use ::events::{StreamKey, Tx, now, sql::query_one_as};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};

use super::{
    Chat, ChatError, ChatEventKind, ChatId, ChatMember, ChatMessage, Chats, INBOX_STREAM,
    InboxEventKind, STREAM,
    chat::{ActiveModel, Entity},
    events::{ChatData, InboxData},
    member,
    membership::get_member_in_tx,
};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    event_kinds::EventData,
    idempotency,
};

pub use creating::CreateChat;

type Result<T, E = ChatError> = std::result::Result<T, E>;

/// A chat whose row is locked, and the caller's membership in it.
struct Locked {
    chat: Chat,
    member: ChatMember,
}

/// A transaction with the context of its caller.
struct Work<'a> {
    tx: &'a Tx<'a>,
    context: &'a CommandContext,
}

impl Chats {
    /// Runs `work` with the chat locked, if the caller is a member. Membership is checked even for a repeat that has a stored
    /// answer, so that nobody gets answers about a chat that they have left.
    async fn in_chat<T>(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        work: impl for<'a> Fn(Work<'a>, Locked) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
    ) -> Result<T>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
    {
        authorize(&context.viewer, Action::UseChats)?;
        let user_id = context.viewer.require_user()?;
        let work = Arc::new(work);
        self.log
            .write(move |tx| {
                let (context, work) = (context.clone(), work.clone());
                Box::pin(async move {
                    let locked = lock_in_tx(tx, chat_id, user_id).await?;
                    let context = &context;
                    idempotency::once(tx, context, work(Work { tx, context }, locked)).await
                })
            })
            .await
    }
}

async fn lock_in_tx(tx: &Tx<'_>, chat_id: ChatId, user_id: UserId) -> Result<Locked> {
    let chat = Entity::find_by_id(chat_id)
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))?;
    let member = get_member_in_tx(tx, chat_id, user_id).await?;
    Ok(Locked { chat, member })
}

async fn insert_members_in_tx(tx: &Tx<'_>, members: &[ChatMember]) -> Result<()> {
    let rows = members
        .iter()
        .cloned()
        .map(IntoActiveModel::into_active_model);
    member::Entity::insert_many(rows)
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

/// The subject of an event, besides the chat.
#[derive(Default)]
struct Details {
    members: Vec<ChatMember>,
    new_owner: Option<ChatMember>,
    message: Option<ChatMessage>,
}

impl Work<'_> {
    /// Appends the chat's next event. `store_chat` stores the row, once for all events of the command.
    async fn append(
        &self,
        chat: &mut Chat,
        kind: ChatEventKind,
        details: Details,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let stream = chat.id.stream();
        let expected = chat.version;
        chat.version += 1;
        let data = ChatData {
            chat: chat.clone(),
            members: details.members,
            new_owner: details.new_owner,
            message: details.message,
        };
        let event = kind.event(&data, at);
        self.tx
            .append(stream, expected, event, &self.context.meta())
            .await?;
        Ok(())
    }

    async fn store_chat(&self, chat: &Chat) -> Result<()> {
        let row: ActiveModel = chat.clone().into_active_model().reset_all();
        Entity::update(row).exec(&**self.tx).await?;
        Ok(())
    }

    /// Appends to the inboxes of these members, which must be sorted by user. This comes after the chat's events: a follower of
    /// both receives a departure, and then nothing more of the chat.
    async fn append_to_inboxes(
        &self,
        kind: InboxEventKind,
        members: &[ChatMember],
        at: DateTime<Utc>,
    ) -> Result<()> {
        for member in members {
            let stream = StreamKey {
                kind: INBOX_STREAM,
                id: member.user_id.uuid(),
            };
            let version = self.next_inbox_version(member.user_id).await?;
            let data = InboxData {
                user_id: member.user_id,
                chat_id: member.chat_id,
                last_read_number: member.last_read_number,
            };
            let event = kind.event(&data, at);
            self.tx
                .append(stream, version - 1, event, &self.context.meta())
                .await?;
        }
        Ok(())
    }

    /// Locks the inbox until the transaction ends, and returns its next version.
    async fn next_inbox_version(&self, user_id: UserId) -> Result<i64> {
        let sql = "insert into chat_inbox (user_id, version) values ($1, 1)
                   on conflict (user_id) do update set version = chat_inbox.version + 1 returning version";
        let version = query_one_as(&**self.tx, sql, vec![user_id.into()]).await?;
        Ok(version.ok_or_else(|| sea_orm::DbErr::RecordNotFound("an upsert".to_owned()))?)
    }
}

/// Returns the time of a change: never before the chat's last activity, whatever the clocks of the processes say.
fn time_in(chat: &Chat) -> DateTime<Utc> {
    now().max(chat.last_activity_at)
}
