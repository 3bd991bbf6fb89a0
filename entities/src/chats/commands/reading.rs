//! Marks messages as read. It changes the member and not the chat, so readers do not wait for writers.

use ::events::now;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect, Set};

use super::{Result, Work};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed,
    chats::{Chat, ChatError, ChatId, Chats, InboxEventKind, STREAM, chat, member, rules},
    idempotency,
};

impl Chats {
    /// Marks messages up to a number as read, by default all. A lower number than before does nothing.
    #[boxed]
    pub async fn mark_chat_read(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        up_to: Option<i64>,
    ) -> Result<Chat> {
        authorize(&context.viewer, Action::UseChats)?;
        let user_id = context.viewer.require_user()?;
        rules::check_up_to(up_to)?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    // The member's row is locked, not the chat's: readers wait for nothing but their own removal.
                    let member = member::Entity::find_by_id((chat_id, user_id))
                        .lock_exclusive()
                        .one(&**tx)
                        .await?
                        .ok_or(ChatError::NotFound(STREAM))?;
                    let context = &context;
                    let work = read_in_tx(Work { tx, context }, member, up_to);
                    idempotency::once(tx, context, work).await
                })
            })
            .await
    }
}

async fn read_in_tx(work: Work<'_>, mut member: member::Model, up_to: Option<i64>) -> Result<Chat> {
    let chat = chat::Entity::find_by_id(member.chat_id)
        .one(&**work.tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))?;
    let number = up_to.unwrap_or(chat.last_number).min(chat.last_number);
    if number <= member.last_read_number {
        return Ok(chat);
    }
    let mut row = member.clone().into_active_model();
    row.last_read_number = Set(number);
    row.update(&**work.tx).await?;
    member.last_read_number = number;
    work.append_to_inboxes(InboxEventKind::Read, &[member], now())
        .await?;
    Ok(chat)
}
