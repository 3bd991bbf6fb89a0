//! The subscriptions of chats.

use async_graphql::{Context, ID, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    chats::{STREAM, Typing},
    grants::Requirement,
};
use events::{EventSource, StreamKey, Topic};
use futures::{Stream, StreamExt};

use super::{counting::ChatStatistics, event::ChatEvent, inputs::chat_id, own::MyChatsEvent};
use crate::{
    error::Result,
    following::{follow_as, require},
    request::{entities, viewer},
    statistics,
    users::UserRef,
};

/// A user who is typing in a chat.
#[derive(SimpleObject)]
pub(crate) struct TypingUser {
    /// The user who is typing, who may be yourself.
    user: UserRef,
    /// When the user last reported that they are typing.
    at: DateTime<Utc>,
}

#[derive(Default)]
pub(crate) struct ChatsSubscription;

#[Subscription]
impl ChatsSubscription {
    /// The events in a chat. With `after`, it starts with the events since that cursor, which may be `extensions.cursor` of
    /// any response. Every event is delivered once, in order. It ends with NOT_FOUND when you are no longer a member.
    async fn chat_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chat's global id.")] id: ID,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ChatEvent>>> {
        let chat_id = chat_id("id", &id)?;
        require(ctx, Requirement::Member { chat_id }).await?;
        let topic = Topic {
            kind: STREAM,
            id: Some(chat_id.uuid()),
        };
        let is_replay = ctx.data::<EventSource>()?.is_replay();
        follow_as(ctx, topic, move |event, cursor| {
            ChatEvent::decode(event, cursor, is_replay)
        })
    }

    /// The events in your chats, and changes to the list of your chats, including chats that you join while subscribed.
    /// With `after`, it starts with the events since that cursor, which may be `extensions.cursor` of any response. Every
    /// event is delivered once, in order.
    async fn my_chats(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<MyChatsEvent>>> {
        require(ctx, Requirement::OwnChats).await?;
        let user_id = viewer(ctx)?.require_user()?;
        let chats = entities(ctx).chats.own_chats(user_id);
        let is_replay = ctx.data::<EventSource>()?.is_replay();
        follow_as(ctx, chats, move |event, cursor| {
            MyChatsEvent::decode(event, cursor, is_replay, user_id)
        })
    }

    /// The users who are typing in a chat, each time they report it; treat a report as current for a few seconds. It cannot
    /// be resumed. It ends with NOT_FOUND when you are no longer a member.
    async fn typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chat's global id.")] id: ID,
    ) -> Result<impl Stream<Item = Result<TypingUser>>> {
        let chat_id = chat_id("id", &id)?;
        require(ctx, Requirement::Member { chat_id }).await?;
        let stream = StreamKey {
            kind: STREAM,
            id: chat_id.uuid(),
        };
        let whispers = ctx.data::<EventSource>()?.follow_whispers(stream);
        Ok(whispers.map(|message| {
            let message = message?;
            let typing = Typing::decode(&message)?;
            Ok(TypingUser {
                user: typing.user_id.into(),
                at: typing.at,
            })
        }))
    }

    /// The statistics now, and again whenever they have changed.
    async fn chat_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<ChatStatistics>>> {
        statistics::follow(ctx).await
    }
}
