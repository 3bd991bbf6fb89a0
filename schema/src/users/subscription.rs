//! The subscriptions of users.

use async_graphql::{Context, Enum, ID, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::{Action, Requirement},
    users::{self, STREAM, UserEvent},
};
use events::{Event, EventSource, Topic};
use futures::Stream;

use super::{
    KIND,
    availability::{self, AvailabilityChange},
    object::User,
};
use crate::{
    following::{follow_as, require},
    id,
    request::entities,
};

/// What can happen to a user.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::UserEventKind")]
pub(crate) enum UserChangeType {
    /// They registered.
    Registered,
    /// Their name or bio changed.
    ProfileUpdated,
    /// Their password changed.
    PasswordChanged,
    /// They chose another availability.
    AvailabilityChanged,
    /// They got another role.
    RoleChanged,
    /// They were deactivated.
    Deactivated,
    /// What was personal to them was erased.
    Erased,
}

/// Something that happened to a user.
#[derive(SimpleObject)]
pub(crate) struct UserChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    change_type: UserChangeType,
    /// Who did it.
    actor: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The user's version after the change.
    version: i64,
    /// The user after the change; `availability` and `lastSeenAt` are those of now.
    user: User,
}

impl UserChange {
    fn new(event: &Event, cursor: String) -> events::Result<Self> {
        let UserEvent { kind, user, .. } = UserEvent::decode(event)?;
        Ok(Self {
            cursor,
            change_type: kind.into(),
            actor: event.meta.actor.clone(),
            occurred_at: event.occurred_at,
            version: user.version,
            user: user.into(),
        })
    }
}

/// What subscribers to users must be allowed.
const READ_USERS: Requirement = Requirement::Action(Action::ReadUsers);

#[derive(Default)]
pub(crate) struct UsersSubscription;

#[Subscription]
impl UsersSubscription {
    /// Changes to one user, or to all. With `after` it begins with everything that happened since that cursor; every
    /// change comes once, in order. Connecting and disconnecting are not changes; see `availabilityChanged`.
    async fn user_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this user's changes.")] id: Option<ID>,
        #[graphql(
            name = "after",
            desc = "Changes after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<UserChange>>> {
        let id = id.map(|id| id::decode_as(KIND, "id", &id)).transpose()?;
        require(ctx, READ_USERS).await?;
        follow_as(ctx, Topic { kind: STREAM, id }, UserChange::new)
    }

    /// Whether these users are here: first as it is now, one item for each of them, then whenever it changes. Who reads
    /// too slowly gets what is then in place of the changes, again one item for each. There is nothing to resume:
    /// subscribe again to get what is then.
    async fn availability_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The users' global ids, 1 to 100.")] user_ids: Vec<ID>,
    ) -> Result<impl Stream<Item = Result<AvailabilityChange>>> {
        let ids = availability::decode_ids(&user_ids)?;
        require(ctx, READ_USERS).await?;
        Ok(availability::follow(
            ctx.data::<EventSource>()?,
            entities(ctx),
            ids,
        ))
    }
}
