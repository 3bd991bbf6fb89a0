//! The subscriptions of users.

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::Action,
    grants::{Grant, Requirement},
    users::{self, STREAM, UserEvent},
};
use events::{Cursor, EventSource, Topic};
use futures::{Stream, StreamExt};

use super::{
    KIND,
    availability::{self, AvailabilityChange},
    object::User,
};
use crate::{
    error::{from_access, from_cursor, from_event, from_feed},
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
pub(crate) struct UserChange {
    cursor: Cursor,
    actor: String,
    occurred_at: DateTime<Utc>,
    event: UserEvent,
}

#[Object]
impl UserChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn change_type(&self) -> UserChangeType {
        self.event.kind.into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// The user's version after the change.
    async fn version(&self) -> i64 {
        self.event.user.version
    }

    /// The user after the change; `availability` and `lastSeenAt` are those of now.
    async fn user(&self) -> User {
        self.event.user.clone().into()
    }
}

/// Now, and for as long as the subscription is open.
async fn require_users(ctx: &Context<'_>) -> Result<()> {
    let requirement = Requirement::Action(Action::ReadUsers);
    let granted = ctx.data::<Grant>()?.require(requirement).await;
    granted.map_err(from_access)
}

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
            desc = "Changes after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<UserChange>>> {
        let id = id.map(|id| id::decode_as(KIND, "id", &id)).transpose()?;
        let after = after
            .map(|after| after.parse().map_err(from_cursor))
            .transpose()?;
        require_users(ctx).await?;
        let topic = Topic { kind: STREAM, id };
        let source = ctx.data::<EventSource>()?.clone();
        let changes = source.follow(topic, after);
        Ok(changes.map(move |event| {
            let event = event.map_err(from_feed)?;
            Ok(UserChange {
                cursor: source.cursor_behind(&event),
                actor: event.meta.actor.clone(),
                occurred_at: event.occurred_at,
                event: UserEvent::decode(&event).map_err(|cause| from_event(&cause))?,
            })
        }))
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
        require_users(ctx).await?;
        Ok(availability::follow(
            ctx.data::<EventSource>()?,
            entities(ctx),
            ids,
        ))
    }
}
