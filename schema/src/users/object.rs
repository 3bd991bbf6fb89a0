//! The user as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::users;

use super::{KIND, loaders::load_presence};
use crate::{
    connection::checked,
    error::from_access,
    history, id,
    request::{entities, viewer},
};

/// What a user may do; each role may also do what those before it may.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::Role")]
pub(crate) enum Role {
    /// Uses chats and posts, submits signals, and sees other users.
    Member,
    /// Works with customers and students, and sees the email addresses and histories of users.
    Staff,
    /// Gives roles, deactivates users and erases what is personal to them, and operates the log and its workers.
    Admin,
}

/// Whether a user wants to be talked to.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::Availability")]
pub(crate) enum Availability {
    /// Connected.
    Online,
    /// Connected, and not looking.
    Away,
    /// Connected, and not to be disturbed.
    Busy,
    /// Not connected, or not to be seen.
    Offline,
}

/// Somebody who can sign in.
pub(crate) struct User {
    row: Arc<users::User>,
    /// Whether the answer goes to this user, although the request came from nobody yet.
    has_just_signed_in: bool,
}

impl From<users::User> for User {
    fn from(row: users::User) -> Self {
        Arc::new(row).into()
    }
}

impl From<Arc<users::User>> for User {
    fn from(row: Arc<users::User>) -> Self {
        Self {
            row,
            has_just_signed_in: false,
        }
    }
}

impl User {
    /// The user who gets a session with the answer.
    pub(super) fn signed_in(row: users::User) -> Self {
        Self {
            row: Arc::new(row),
            has_just_signed_in: true,
        }
    }

    async fn shown_availability(&self, ctx: &Context<'_>) -> Result<users::ShownAvailability> {
        let presence = load_presence(ctx, self.row.id).await?;
        Ok(self.row.shown_availability(presence))
    }
}

#[Object]
impl User {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        id::encode(KIND, self.row.id)
    }

    /// The name, 1 to 100 characters.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// What the user says about themselves.
    async fn bio(&self) -> Option<&str> {
        self.row.bio.as_deref()
    }

    /// What the user may do.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// The address to sign in with; null unless it is your own, or you are STAFF or ADMIN.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let viewer = viewer(ctx)?;
        // The role first: what it allows is the same for all who have it, and can be shared between subscribers.
        let is_shown = viewer.role() >= Some(users::Role::Staff)
            || self.has_just_signed_in
            || viewer.user_id() == Some(self.row.id);
        Ok(is_shown.then_some(self.row.email.as_str()))
    }

    /// What the user chose with `setAvailability` while they have an open socket to any gateway, else OFFLINE. A user
    /// counts as connected for a few seconds after the last socket closed, so that a reconnect is not seen.
    async fn availability(&self, ctx: &Context<'_>) -> Result<Availability> {
        Ok(self.shown_availability(ctx).await?.availability.into())
    }

    /// When the user's last connection ended. Null while they are connected, when they never were, and for those who
    /// chose to be OFFLINE.
    async fn last_seen_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.shown_availability(ctx).await?.last_seen_at)
    }

    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// When the user registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When the user was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// When the user was deactivated; null unless they are.
    async fn deactivated_at(&self) -> Option<DateTime<Utc>> {
        self.row.deactivated_at
    }

    /// All that happened to the user, oldest first. FORBIDDEN unless it is your own, or you are STAFF or ADMIN.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        let limit = checked("first", first)?;
        let after_version = history::decode_after(after.as_deref())?;
        let entities = entities(ctx);
        let epoch = entities.log.tail().cursor().epoch;
        let page = entities
            .users
            .read_history(viewer(ctx)?, self.row.id, after_version, limit)
            .await
            .map_err(from_access)?;
        Ok(Some(history::connect(page, after_version, epoch)))
    }
}
