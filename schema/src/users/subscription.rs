//! The subscriptions of users.

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::Action,
    grants::Requirement,
    users::{self, STREAM, UserEvent, UserId},
};
use events::{Event, EventSource, Topic};
use futures::Stream;

use super::{
    availability::{self, AvailabilityChange},
    counting::UserStatistics,
    object::User,
};
use crate::{
    actor::ActorRef,
    error::Result,
    following::{follow_as, require},
    id,
    request::entities,
    statistics,
};

/// The type of a change to a user.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::UserEventKind")]
pub(crate) enum UserChangeType {
    /// The user registered.
    Registered,
    /// The name, username, avatar or bio changed.
    ProfileUpdated,
    /// The password changed.
    PasswordChanged,
    /// The user chose another availability.
    AvailabilityChanged,
    /// The role changed.
    RoleChanged,
    /// The user was deactivated.
    Deactivated,
    /// The user was made active again.
    Reactivated,
    /// The personal data of the user was erased.
    Erased,
}

/// A change to a user.
#[derive(SimpleObject)]
pub(crate) struct UserChange {
    /// The cursor of the change. Subscribe with `after` to resume behind it.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    change_type: UserChangeType,
    /// Who caused it.
    actor: ActorRef,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The user's version after the change.
    version: i64,
    /// The user after the change. `availability` and `lastSeenAt` show the current values.
    user: User,
}

impl UserChange {
    fn new(event: &Event, cursor: String) -> events::Result<Self> {
        let UserEvent {
            kind,
            user,
            is_whole,
        } = UserEvent::decode(event)?;
        Ok(Self {
            cursor,
            change_type: kind.into(),
            actor: event.meta.actor.as_str().into(),
            occurred_at: event.occurred_at,
            version: user.version,
            user: User::of_event(user, is_whole),
        })
    }
}

/// The permission that subscribers to users require.
const READ_USERS: Requirement = Requirement::Action(Action::ReadUsers);

#[derive(Default)]
pub(crate) struct UsersSubscription;

#[Subscription]
impl UsersSubscription {
    /// The changes of one user, or of all users. With `after`, it starts with the changes since that cursor, which may be
    /// `extensions.cursor` of any response. Every change is delivered once, in order. Connecting and disconnecting are not
    /// changes; see `availabilityChanged`.
    async fn user_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the subscription to changes of the user with this global id.")]
        id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<UserChange>>> {
        let id = id.map(|id| id::decode("id", &id)).transpose()?;
        let id = id.map(UserId::uuid);
        require(ctx, READ_USERS).await?;
        follow_as(ctx, Topic { kind: STREAM, id }, UserChange::new)
    }

    /// The availability of users: first the current value of each, then every change. A client that reads too slowly gets
    /// the current value of each again in place of the changes it missed. It cannot be resumed; subscribe again to get the
    /// current values.
    async fn availability_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ids of 1 to 100 users.")] user_ids: Vec<ID>,
    ) -> Result<impl Stream<Item = Result<AvailabilityChange>>> {
        let ids = availability::decode_ids(&user_ids)?;
        require(ctx, READ_USERS).await?;
        Ok(availability::follow(
            ctx.data::<EventSource>()?,
            entities(ctx),
            ids,
        ))
    }

    /// The statistics now, and again whenever they have changed.
    async fn user_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<UserStatistics>>> {
        statistics::follow(ctx).await
    }
}
