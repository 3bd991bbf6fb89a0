//! Adds and removes members of groups.

use std::collections::BTreeSet;

use ::events::sql::statement;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QuerySelect, Set,
};

use super::{Details, Locked, Result, Work, insert_members_in_tx, lock_in_tx, time_in};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed,
    chats::{
        Chat, ChatError, ChatEventKind, ChatId, ChatMember, ChatRefusal, ChatRole, Chats,
        InboxEventKind, member,
        membership::{get_member_in_tx, require_active_in_tx},
        rules,
    },
    idempotency,
};

impl Chats {
    /// Adds users to a group; those who are already members keep their role. Earlier messages count as read.
    #[boxed]
    pub async fn add_members(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        user_ids: Vec<UserId>,
    ) -> Result<Chat> {
        let user_ids = rules::check_added(user_ids)?;
        self.in_chat(context, chat_id, move |work, locked| {
            Box::pin(add_in_tx(work, locked, user_ids.clone()))
        })
        .await
    }

    /// Removes another member from a group. Only the owner may do this.
    #[boxed]
    pub async fn remove_member(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        user_id: UserId,
    ) -> Result<Chat> {
        self.in_chat(context, chat_id, move |work, locked| {
            Box::pin(remove_in_tx(work, locked, user_id))
        })
        .await
    }

    /// Removes the caller from a group. When the owner leaves, the member who has been there longest becomes the owner. Unlike
    /// with other commands, a caller who is no longer a member gets the stored answer: it says that they have left.
    #[boxed]
    pub async fn leave_chat(&self, context: CommandContext, chat_id: ChatId) -> Result<()> {
        authorize(&context.viewer, Action::UseChats)?;
        let user_id = context.viewer.require_user()?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let context = &context;
                    let leave = async {
                        let locked = lock_in_tx(tx, chat_id, user_id).await?;
                        leave_in_tx(Work { tx, context }, locked).await
                    };
                    idempotency::once(tx, context, leave).await
                })
            })
            .await
    }
}

async fn add_in_tx(work: Work<'_>, locked: Locked, mut user_ids: BTreeSet<UserId>) -> Result<Chat> {
    let mut chat = locked.chat;
    rules::check_group(&chat)?;
    let present: Vec<UserId> = member::Entity::find()
        .select_only()
        .column(member::Column::UserId)
        .filter(member::Column::ChatId.eq(chat.id))
        .filter(member::Column::UserId.is_in(user_ids.iter().copied()))
        .into_tuple()
        .all(&**work.tx)
        .await?;
    for user_id in present {
        user_ids.remove(&user_id);
    }
    if user_ids.is_empty() {
        return Ok(chat);
    }
    rules::check_room(&chat, user_ids.len())?;
    require_active_in_tx(work.tx, "userIds", &user_ids, None).await?;
    let at = time_in(&chat);
    let members: Vec<ChatMember> = user_ids
        .into_iter()
        .map(|user_id| ChatMember::new(chat.id, user_id, ChatRole::Member, at, chat.last_number))
        .collect();
    insert_members_in_tx(work.tx, &members).await?;
    for member in &members {
        chat.member_count += 1;
        let details = Details {
            members: vec![member.clone()],
            ..Details::default()
        };
        work.append(&mut chat, ChatEventKind::MemberAdded, details, at)
            .await?;
    }
    work.store_chat(&chat).await?;
    work.append_to_inboxes(InboxEventKind::Joined, &members, at)
        .await?;
    Ok(chat)
}

async fn remove_in_tx(work: Work<'_>, locked: Locked, user_id: UserId) -> Result<Chat> {
    rules::check_group(&locked.chat)?;
    rules::check_removal(&locked.member, user_id)?;
    let removed = get_member_in_tx(work.tx, locked.chat.id, user_id).await;
    let removed = removed.map_err(|error| match error {
        ChatError::NotFound(_) => ChatRefusal::MemberNotFound.into(),
        error => error,
    })?;
    depart_in_tx(work, locked.chat, removed, ChatEventKind::MemberRemoved).await
}

async fn leave_in_tx(work: Work<'_>, locked: Locked) -> Result<()> {
    rules::check_group(&locked.chat)?;
    depart_in_tx(work, locked.chat, locked.member, ChatEventKind::MemberLeft).await?;
    Ok(())
}

async fn depart_in_tx(
    work: Work<'_>,
    mut chat: Chat,
    gone: ChatMember,
    kind: ChatEventKind,
) -> Result<Chat> {
    gone.clone().delete(&**work.tx).await?;
    let new_owner = match gone.role {
        ChatRole::Owner => hand_over_in_tx(&work, chat.id).await?,
        ChatRole::Member => None,
    };
    chat.member_count -= 1;
    let at = time_in(&chat);
    let details = Details {
        members: vec![gone.clone()],
        new_owner,
        ..Details::default()
    };
    work.append(&mut chat, kind, details, at).await?;
    work.store_chat(&chat).await?;
    work.append_to_inboxes(InboxEventKind::Left, &[gone], at)
        .await?;
    Ok(chat)
}

/// Makes the member who has been there longest the owner; a deactivated one only if there is no other.
async fn hand_over_in_tx(work: &Work<'_>, chat_id: ChatId) -> Result<Option<ChatMember>> {
    let sql =
        "select m.* from chat_member m join app_user u on u.id = m.user_id where m.chat_id = $1
               order by (u.deactivated_at is not null), m.joined_at, m.user_id limit 1";
    let heir = member::Entity::find()
        .from_raw_sql(statement(&**work.tx, sql, vec![chat_id.into()]))
        .one(&**work.tx)
        .await?;
    let Some(heir) = heir else {
        return Ok(None);
    };
    let mut row = heir.into_active_model();
    row.role = Set(ChatRole::Owner);
    Ok(Some(row.update(&**work.tx).await?))
}
