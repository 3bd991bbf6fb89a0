//! Creates and renames chats. A second direct chat of the same two users is the first one: the unique key of the pair decides,
//! also between two that are created at once.

use ::events::{Tx, now};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use super::{Details, Locked, Result, Work, insert_members_in_tx, time_in};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed,
    chats::{
        Chat, ChatError, ChatEventKind, ChatId, ChatKind, ChatMember, ChatRole, Chats,
        InboxEventKind, STREAM,
        chat::{Column, Entity},
        membership::{get_member_in_tx, require_active_in_tx},
        rules::{self, NewChat},
    },
    idempotency,
    text::fold,
};

/// The input of `create_chat`.
#[derive(Debug, Clone)]
pub struct CreateChat {
    /// The kind of chat.
    pub kind: ChatKind,
    /// 1 to 200 characters for a group; none for a direct chat.
    pub title: Option<String>,
    /// The other members.
    pub member_ids: Vec<UserId>,
}

impl Chats {
    /// Creates a chat of the caller and others. For a direct chat that exists already it returns that chat.
    #[boxed]
    pub async fn create_chat(&self, context: CommandContext, input: CreateChat) -> Result<Chat> {
        authorize(&context.viewer, Action::UseChats)?;
        let creator = context.viewer.require_user()?;
        let new = rules::check_new(input, creator)?;
        self.log
            .write(move |tx| {
                let (context, new) = (context.clone(), new.clone());
                Box::pin(async move {
                    let context = &context;
                    let work = create_in_tx(Work { tx, context }, creator, new);
                    let chat: Chat = idempotency::once(tx, context, work).await?;
                    // The stored answer may be about a chat that the caller has left since.
                    get_member_in_tx(tx, chat.id, creator).await?;
                    Ok(chat)
                })
            })
            .await
    }

    /// Changes the title of a group. Setting the same title again succeeds and appends no event. Fails with a conflict when the chat
    /// is at another version than the expected one.
    #[boxed]
    pub async fn rename_chat(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        expected_version: Option<i64>,
        title: &str,
    ) -> Result<Chat> {
        let title = rules::check_title(title)?;
        self.in_chat(context, chat_id, move |work, locked| {
            Box::pin(rename_in_tx(work, locked, expected_version, title.clone()))
        })
        .await
    }
}

async fn create_in_tx(work: Work<'_>, creator: UserId, new: NewChat) -> Result<Chat> {
    let at = now();
    let mut chat = Chat {
        id: ChatId::generate(),
        kind: new.kind,
        search_text: new.title.as_deref().map(fold),
        title: new.title,
        pair_key: new.pair_key,
        member_count: new.others.len() as i32 + 1,
        last_number: 0,
        version: 0,
        created_at: at,
        last_activity_at: at,
    };
    if !insert_in_tx(work.tx, &chat).await? {
        return find_pair_in_tx(work.tx, &chat).await;
    }
    require_active_in_tx(work.tx, "memberIds", &new.others, Some(creator)).await?;
    let mut user_ids = new.others;
    user_ids.insert(creator);
    let role = |user_id| match chat.kind {
        ChatKind::Group if user_id == creator => ChatRole::Owner,
        _ => ChatRole::Member,
    };
    let members: Vec<ChatMember> = user_ids
        .into_iter()
        .map(|user_id| ChatMember::new(chat.id, user_id, role(user_id), at, 0))
        .collect();
    insert_members_in_tx(work.tx, &members).await?;
    let details = Details {
        members: members.clone(),
        ..Details::default()
    };
    work.append(&mut chat, ChatEventKind::Created, details, at)
        .await?;
    work.append_to_inboxes(InboxEventKind::Joined, &members, at)
        .await?;
    Ok(chat)
}

/// Inserts the chat; returns whether it is new. Waits for another transaction that is creating the direct chat of the same
/// pair.
async fn insert_in_tx(tx: &Tx<'_>, chat: &Chat) -> Result<bool> {
    let row = Chat {
        version: 1,
        ..chat.clone()
    };
    let once_a_pair = OnConflict::column(Column::PairKey).do_nothing().to_owned();
    let inserted = Entity::insert(row.into_active_model())
        .on_conflict(once_a_pair)
        .exec_without_returning(&**tx)
        .await?;
    Ok(inserted == 1)
}

async fn find_pair_in_tx(tx: &Tx<'_>, chat: &Chat) -> Result<Chat> {
    Entity::find()
        .filter(Column::PairKey.eq(chat.pair_key.as_deref()))
        .one(&**tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))
}

async fn rename_in_tx(
    work: Work<'_>,
    locked: Locked,
    expected_version: Option<i64>,
    title: String,
) -> Result<Chat> {
    let mut chat = locked.chat;
    rules::check_group(&chat)?;
    ChatError::check_version(STREAM, expected_version, chat.version)?;
    if chat.title.as_ref() == Some(&title) {
        return Ok(chat);
    }
    chat.search_text = Some(fold(&title));
    chat.title = Some(title);
    let at = time_in(&chat);
    work.append(&mut chat, ChatEventKind::Renamed, Details::default(), at)
        .await?;
    work.store_chat(&chat).await?;
    Ok(chat)
}
