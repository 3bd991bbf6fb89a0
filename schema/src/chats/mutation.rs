//! The mutations of chats.

use async_graphql::{Context, ID, Object};
use entities::chats::ChatOfUser;

use super::{
    inputs::{
        AddChatMembersInput, CreateChatInput, DeleteMessageInput, LeaveChatInput,
        MarkChatDeliveredInput, MarkChatReadInput, RemoveChatMemberInput, RenameChatInput,
        SendMessageInput, SetTypingInput, UpdateMessageInput, chat_id, message_id, user_id,
        user_ids,
    },
    object::{Chat, Message},
};
use crate::{
    error::Result,
    payloads::{Reply, payloads},
    request::{command_context, entities, viewer},
};

payloads! {
    "createChat" => CreateChatPayload { chat: Chat = "The new chat, or the existing direct chat." }
    "renameChat" => RenameChatPayload { chat: Chat = "The chat with its new title." }
    "addChatMembers" => AddChatMembersPayload { chat: Chat = "The chat with its new members." }
    "removeChatMember" => RemoveChatMemberPayload { chat: Chat = "The chat without the member." }
    "leaveChat" => LeaveChatPayload { chat_id: ID = "The global id of the chat that you left, and can no longer see." }
    "sendMessage" => SendMessagePayload { message: Message = "The new message." }
    "updateMessage" => UpdateMessagePayload { message: Message = "The message with its new text." }
    "deleteMessage" => DeleteMessagePayload { message: Message = "The message without its text." }
    "markChatDelivered" => MarkChatDeliveredPayload { chat: Chat = "The chat with its messages marked as delivered." }
    "markChatRead" => MarkChatReadPayload { chat: Chat = "The chat with its messages marked as read." }
}

pub(crate) struct SetTypingPayload {
    of: ChatOfUser,
}

/// The result of `setTyping`.
#[Object]
impl SetTypingPayload {
    /// The chat in which you are typing. Null when you are no longer a member.
    async fn chat(&self, ctx: &Context<'_>) -> Result<Option<Chat>> {
        let chat = entities(ctx).chats.load_chat_of_user(self.of).await?;
        Ok(chat.map(Chat))
    }
}

#[derive(Default)]
pub(crate) struct ChatsMutation;

#[Object]
impl ChatsMutation {
    /// Creates a chat. You become a member, and the owner if it is a group. Two users have at most one direct chat:
    /// creating it again returns the existing one. VALIDATION when a user does not exist or is deactivated.
    async fn create_chat(
        &self,
        ctx: &Context<'_>,
        input: CreateChatInput,
    ) -> Reply<CreateChatPayload> {
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let chat = chats.create_chat(context, input.try_into()?).await?;
        Ok(Some(CreateChatPayload { chat: Chat(chat) }))
    }

    /// Changes the title of a group. Requires membership.
    async fn rename_chat(
        &self,
        ctx: &Context<'_>,
        input: RenameChatInput,
    ) -> Reply<RenameChatPayload> {
        let id = chat_id("id", &input.id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let expected = input.expected_version;
        let chat = chats.rename_chat(context, id, expected, &input.title);
        let chat = chat.await?;
        Ok(Some(RenameChatPayload { chat: Chat(chat) }))
    }

    /// Adds users to a group, all or none. Requires membership. New members can read all earlier messages, which do not
    /// count as unread. CONFLICT when the group would exceed 500 members.
    async fn add_chat_members(
        &self,
        ctx: &Context<'_>,
        input: AddChatMembersInput,
    ) -> Reply<AddChatMembersPayload> {
        let id = chat_id("id", &input.id)?;
        let user_ids = user_ids("userIds", &input.user_ids)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let chat = chats.add_members(context, id, user_ids).await?;
        Ok(Some(AddChatMembersPayload { chat: Chat(chat) }))
    }

    /// Removes another member from a group. FORBIDDEN unless you are its owner.
    async fn remove_chat_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveChatMemberInput,
    ) -> Reply<RemoveChatMemberPayload> {
        let id = chat_id("id", &input.id)?;
        let user_id = user_id(&input.user_id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let chat = chats.remove_member(context, id, user_id).await?;
        Ok(Some(RemoveChatMemberPayload { chat: Chat(chat) }))
    }

    /// Leaves a group. When the owner leaves, the longest-standing member becomes the owner. CONFLICT for a direct chat.
    async fn leave_chat(
        &self,
        ctx: &Context<'_>,
        input: LeaveChatInput,
    ) -> Reply<LeaveChatPayload> {
        let id = chat_id("id", &input.id)?;
        let chats = &entities(ctx).chats;
        chats.leave_chat(command_context(ctx)?, id).await?;
        Ok(Some(LeaveChatPayload { chat_id: input.id }))
    }

    /// Sends a message, and marks all earlier messages of the chat as read by you.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        input: SendMessageInput,
    ) -> Reply<SendMessagePayload> {
        let id = chat_id("chatId", &input.chat_id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let message = chats.send_message(context, id, input.text).await?.into();
        Ok(Some(SendMessagePayload { message }))
    }

    /// Changes the text of a message that you sent. FORBIDDEN for messages by others, CONFLICT for deleted ones.
    async fn update_message(
        &self,
        ctx: &Context<'_>,
        input: UpdateMessageInput,
    ) -> Reply<UpdateMessagePayload> {
        let id = message_id(&input.id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let message = chats.edit_message(context, id, input.text).await?.into();
        Ok(Some(UpdateMessagePayload { message }))
    }

    /// Deletes a message that you sent, for all members and for good: nobody can restore it. Its number stays in use. FORBIDDEN for messages by others.
    async fn delete_message(
        &self,
        ctx: &Context<'_>,
        input: DeleteMessageInput,
    ) -> Reply<DeleteMessagePayload> {
        let id = message_id(&input.id)?;
        let chats = &entities(ctx).chats;
        let message = chats
            .delete_message(command_context(ctx)?, id)
            .await?
            .into();
        Ok(Some(DeleteMessagePayload { message }))
    }

    /// Marks messages as delivered to you, either all or those up to a number: what a client says when it has received them.
    /// Their senders see it. Messages that you have read are delivered, too.
    async fn mark_chat_delivered(
        &self,
        ctx: &Context<'_>,
        input: MarkChatDeliveredInput,
    ) -> Reply<MarkChatDeliveredPayload> {
        let id = chat_id("id", &input.id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let chat = chats.mark_chat_delivered(context, id, input.up_to).await?;
        Ok(Some(MarkChatDeliveredPayload { chat: Chat(chat) }))
    }

    /// Marks messages as read, either all or those up to a number. Their senders see it.
    async fn mark_chat_read(
        &self,
        ctx: &Context<'_>,
        input: MarkChatReadInput,
    ) -> Reply<MarkChatReadPayload> {
        let id = chat_id("id", &input.id)?;
        let (context, chats) = (command_context(ctx)?, &entities(ctx).chats);
        let chat = chats.mark_chat_read(context, id, input.up_to).await?;
        Ok(Some(MarkChatReadPayload { chat: Chat(chat) }))
    }

    /// Tells the members who have the chat open that you are typing. Repeat it every few seconds while you type; it is not
    /// stored.
    async fn set_typing(
        &self,
        ctx: &Context<'_>,
        input: SetTypingInput,
    ) -> Reply<SetTypingPayload> {
        let chat_id = chat_id("id", &input.id)?;
        let viewer = viewer(ctx)?;
        entities(ctx).chats.set_typing(viewer, chat_id).await?;
        let user_id = viewer.require_user()?;
        Ok(Some(SetTypingPayload {
            of: ChatOfUser { chat_id, user_id },
        }))
    }
}
