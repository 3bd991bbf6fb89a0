//! The subscriptions of chats.

use async_graphql::{Context, ID, Object, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    chats::{self, STREAM, Typing},
    grants::{Grant, Requirement},
};
use events::{Cursor, EventSource, StreamKey, Topic};
use futures::{Stream, StreamExt};

use super::{
    event::ChatEvent, happened::Happened, inputs::chat_id, object::get_user, own::MyChatsEvent,
};
use crate::{
    error::{from_access, from_cursor, from_event, from_feed, from_log},
    request::{entities, viewer},
    users::User,
};

/// Somebody is typing.
pub(crate) struct TypingUser(Typing);

#[Object]
impl TypingUser {
    /// Who; perhaps you.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        get_user(ctx, self.0.user_id).await
    }

    /// When they said so.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Now, and for as long as the subscription is open.
async fn require(ctx: &Context<'_>, requirement: Requirement) -> Result<()> {
    let granted = ctx.data::<Grant>()?.require(requirement).await;
    granted.map_err(from_access)
}

fn decode_after(after: Option<String>) -> Result<Option<Cursor>> {
    after
        .map(|after| after.parse().map_err(from_cursor))
        .transpose()
}

#[derive(Default)]
pub(crate) struct ChatsSubscription;

#[Subscription]
impl ChatsSubscription {
    /// All that happens in one chat. With `after` it begins with everything that happened since that cursor; every event
    /// comes once, in order. It ends with NOT_FOUND when you are no member any more.
    async fn chat_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "chatId", desc = "The chat's global id.")] id: ID,
        #[graphql(
            desc = "Events after this cursor: of an event, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ChatEvent>>> {
        let chat_id = chat_id(&id)?;
        let after = decode_after(after)?;
        require(ctx, Requirement::Member { chat_id }).await?;
        let topic = Topic {
            kind: STREAM,
            id: Some(chat_id),
        };
        let source = ctx.data::<EventSource>()?.clone();
        let is_replay = source.is_replay();
        let events = source.follow(topic, after);
        Ok(events.map(move |event| {
            let event = event.map_err(from_feed)?;
            Ok(ChatEvent {
                happened: Happened::new(&event, source.cursor_behind(&event), is_replay),
                event: chats::ChatEvent::decode(&event).map_err(|cause| from_event(&cause))?,
            })
        }))
    }

    /// All that happens in your chats, and to the list of them: the chats that you are in, also those you come into while
    /// you follow. With `after` it begins with what happened since that cursor; every event comes once, in order.
    async fn my_chats(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Events after this cursor: of an event, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<MyChatsEvent>>> {
        let after = decode_after(after)?;
        require(ctx, Requirement::OwnChats).await?;
        let user_id = viewer(ctx)?.require_user().map_err(from_access)?;
        let entities = entities(ctx);
        let source = ctx.data::<EventSource>()?.clone();
        let is_replay = source.is_replay();
        let events = source.follow_set(entities.chats.own_chats(user_id), after);
        Ok(events.map(move |event| {
            let event = event.map_err(from_feed)?;
            let happened = Happened::new(&event, source.cursor_behind(&event), is_replay);
            MyChatsEvent::decode(&event, happened, user_id).map_err(|cause| from_event(&cause))
        }))
    }

    /// Who is typing in a chat, each time they say so; take it for true for a few seconds. There is nothing to resume. It
    /// ends with NOT_FOUND when you are no member any more.
    async fn typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "chatId", desc = "The chat's global id.")] id: ID,
    ) -> Result<impl Stream<Item = Result<TypingUser>>> {
        let chat_id = chat_id(&id)?;
        require(ctx, Requirement::Member { chat_id }).await?;
        let stream = StreamKey {
            kind: STREAM,
            id: chat_id,
        };
        let whispers = ctx.data::<EventSource>()?.follow_whispers(stream);
        Ok(whispers.map(|message| {
            let message = message.map_err(from_feed)?;
            let typing = Typing::decode(&message).map_err(|cause| from_log(&cause))?;
            Ok(TypingUser(typing))
        }))
    }
}
