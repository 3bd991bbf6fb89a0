//! Sends, edits and deletes messages. The chat's row numbers the messages, so the numbers have no gaps and follow the order of
//! the log.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect, Set};

use super::{Details, Locked, Result, Work, marks, time_in};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed,
    chats::{
        Chat, ChatError, ChatEventKind, ChatId, ChatMessage, ChatRefusal, Chats, MessageId, STREAM,
        mark::MarkKind,
        member,
        message::{Column, Entity},
        rules,
    },
};

/// The name of a message in errors.
const MESSAGE: &str = "message";

impl Chats {
    /// Sends a message. Earlier messages then count as read by the sender.
    #[boxed]
    pub async fn send_message(
        &self,
        context: CommandContext,
        chat_id: ChatId,
        text: String,
    ) -> Result<ChatMessage> {
        let text = rules::check_text(&text)?;
        self.in_chat(context, chat_id, move |work, locked| {
            Box::pin(send_in_tx(work, locked, text.clone()))
        })
        .await
    }

    /// Changes the text of a message. Setting the same text again succeeds and appends no event.
    #[boxed]
    pub async fn edit_message(
        &self,
        context: CommandContext,
        message_id: MessageId,
        text: String,
    ) -> Result<ChatMessage> {
        let edit = set_text(rules::check_text(&text)?);
        self.change_message(context, message_id, ChatEventKind::MessageEdited, edit)
            .await
    }

    /// Deletes a message; its number and author stay, its text is removed. A repeat succeeds and appends no event.
    #[boxed]
    pub async fn delete_message(
        &self,
        context: CommandContext,
        message_id: MessageId,
    ) -> Result<ChatMessage> {
        self.change_message(
            context,
            message_id,
            ChatEventKind::MessageDeleted,
            |message, at| {
                message.text = None;
                message.deleted_at = message.deleted_at.or(Some(at));
                Ok(())
            },
        )
        .await
    }

    async fn change_message(
        &self,
        context: CommandContext,
        message_id: MessageId,
        kind: ChatEventKind,
        edit: impl Fn(&mut ChatMessage, DateTime<Utc>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<ChatMessage> {
        authorize(&context.viewer, Action::UseChats)?;
        // A message never moves to another chat, so this may be read before the chat is locked.
        let chat_id = Entity::find_by_id(message_id)
            .select_only()
            .column(Column::ChatId)
            .into_tuple::<ChatId>()
            .one(&self.log.database().reader)
            .await?
            .ok_or(ChatError::NotFound(MESSAGE))?;
        let edit = Arc::new(edit);
        self.in_chat(context, chat_id, move |work, locked| {
            let edit = edit.clone();
            Box::pin(async move { change_in_tx(work, locked, message_id, kind, &*edit).await })
        })
        .await
        .map_err(|error| match error {
            // A caller outside the chat must not learn whether the message exists.
            ChatError::NotFound(_) => ChatError::NotFound(MESSAGE),
            error => error,
        })
    }
}

fn set_text(text: String) -> impl Fn(&mut ChatMessage, DateTime<Utc>) -> Result<()> {
    move |message, at| {
        if message.deleted_at.is_some() {
            return Err(ChatRefusal::MessageDeleted.into());
        }
        if message.text.as_ref() != Some(&text) {
            message.text = Some(text.clone());
            message.edited_at = Some(at);
        }
        Ok(())
    }
}

async fn send_in_tx(work: Work<'_>, locked: Locked, text: String) -> Result<ChatMessage> {
    let Locked { mut chat, member } = locked;
    // Marks move without the lock of the chat.
    let member = member::Entity::find_by_id((chat.id, member.user_id))
        .lock_exclusive()
        .one(&**work.tx)
        .await?
        .ok_or(ChatError::NotFound(STREAM))?;
    let at = time_in(&chat);
    chat.last_number += 1;
    chat.last_activity_at = at;
    let message = ChatMessage {
        id: MessageId::generate(),
        chat_id: chat.id,
        number: chat.last_number,
        author_id: member.user_id,
        text: Some(text),
        created_at: at,
        edited_at: None,
        deleted_at: None,
    };
    Entity::insert(message.clone().into_active_model())
        .exec_without_returning(&**work.tx)
        .await?;
    // Who sends has seen what was sent before.
    marks::advance_in_tx(&work, &member, MarkKind::Seen, message.number - 1, at).await?;
    let mut reader = member.into_active_model();
    reader.last_read_number = Set(message.number);
    reader.last_delivered_number = Set(message.number);
    reader.update(&**work.tx).await?;
    append(&work, chat, ChatEventKind::MessageSent, message, at).await
}

async fn change_in_tx(
    work: Work<'_>,
    locked: Locked,
    message_id: MessageId,
    kind: ChatEventKind,
    edit: &(dyn Fn(&mut ChatMessage, DateTime<Utc>) -> Result<()> + Send + Sync),
) -> Result<ChatMessage> {
    let before = Entity::find_by_id(message_id)
        .one(&**work.tx)
        .await?
        .ok_or(ChatError::NotFound(MESSAGE))?;
    rules::check_author(&before, locked.member.user_id)?;
    let at = time_in(&locked.chat);
    let mut message = before.clone();
    edit(&mut message, at)?;
    if message == before {
        return Ok(before);
    }
    let row = message.clone().into_active_model().reset_all();
    Entity::update(row).exec(&**work.tx).await?;
    append(&work, locked.chat, kind, message, at).await
}

async fn append(
    work: &Work<'_>,
    mut chat: Chat,
    kind: ChatEventKind,
    message: ChatMessage,
    at: DateTime<Utc>,
) -> Result<ChatMessage> {
    let details = Details {
        message: Some(message.clone()),
        ..Details::default()
    };
    work.append(&mut chat, kind, details, at).await?;
    work.store_chat(&chat).await?;
    Ok(message)
}
