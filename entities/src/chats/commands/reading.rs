//! Marks messages as delivered and as read. It changes the member and not the chat, so readers do not wait for writers.

use ::events::now;
use sea_orm::{EntityTrait, QuerySelect};

use super::{Result, Work, marks};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed,
    chats::{
        Chat, ChatError, ChatId, Chats, InboxEventKind, STREAM, chat, mark::MarkKind, member, rules,
    },
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
        self.mark(context, chat_id, up_to, MarkKind::Seen).await
    }

    /// Marks messages up to a number as delivered, by default all. A lower number than before does nothing.
    #[boxed]
    pub async fn mark_chat_delivered(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        up_to: Option<i64>,
    ) -> Result<Chat> {
        self.mark(context, chat_id, up_to, MarkKind::Delivered)
            .await
    }

    async fn mark(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        up_to: Option<i64>,
        kind: MarkKind,
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
                    let work = mark_in_tx(Work { tx, context }, member, kind, up_to);
                    idempotency::once(tx, context, work).await
                })
            })
            .await
    }
}

async fn mark_in_tx(
    work: Work<'_>,
    mut member: member::Model,
    kind: MarkKind,
    up_to: Option<i64>,
) -> Result<Chat> {
    let chat = chat::Entity::find_by_id(member.chat_id)
        .one(&**work.tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))?;
    let number = up_to.unwrap_or(chat.last_number).min(chat.last_number);
    let at = now();
    let has_moved = marks::advance_in_tx(&work, &member, kind, number, at).await?;
    if has_moved && kind == MarkKind::Seen {
        member.last_read_number = number;
        work.append_to_inboxes(InboxEventKind::Read, &[member], at)
            .await?;
    }
    Ok(chat)
}
