//! The user as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use entities::users;

use super::{
    loaders::{load_presence, load_sockets, load_user, load_verification},
    session::{UserSession, sessions},
    sockets::UserSockets,
};
use crate::{
    connection::PageArguments,
    error::Result,
    history,
    list::List,
    price::list_size,
    request::{Read, reading, viewer},
    upward::{Given, Up, Upward},
};

/// The role of a user. Each role includes the rights of those before it.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::Role")]
pub(crate) enum Role {
    /// May use chats and posts, submit signals, and see other users.
    Member,
    /// May also work with customers and students, and see the email addresses and histories of users.
    Staff,
    /// May also assign roles, deactivate users, erase their personal data, and operate the event log and its workers.
    Admin,
}

/// The availability of a user.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "users::Availability")]
pub(crate) enum Availability {
    /// Connected.
    Online,
    /// Connected, but not active.
    Away,
    /// Connected, but not to be disturbed.
    Busy,
    /// Not connected, or invisible.
    Offline,
}

/// A page of a user's posts.
pub(crate) struct PostsOfUser {
    pub(crate) author: Arc<users::User>,
    pub(crate) arguments: PageArguments,
    pub(crate) filter: Option<Given<PostFilter>>,
    pub(crate) sort: Option<Given<PostSort>>,
}

/// Which of them.
pub(crate) struct PostFilter;

/// Their order.
pub(crate) struct PostSort;

impl Upward for PostsOfUser {
    const TYPE: &'static str = "PostConnection";
}

impl Upward for PostFilter {
    const TYPE: &'static str = "PostFilter";
}

impl Upward for PostSort {
    const TYPE: &'static str = "PostSort";
}

/// As many sessions as a user has.
const USUAL_SESSIONS: i32 = 10;
/// At so many gateways a user has sockets.
const USUAL_GATEWAYS: i32 = 2;

pub(crate) struct User {
    row: Arc<users::User>,
    /// Whether the answer goes to this user, although the request came from nobody yet.
    has_just_signed_in: bool,
    /// Whether the row is from an event that does not say the username and the avatar.
    is_partial: bool,
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
            is_partial: false,
        }
    }
}

impl User {
    /// Returns the user whom the answer signs in.
    pub(super) fn signed_in(row: users::User) -> Self {
        Self {
            has_just_signed_in: true,
            ..row.into()
        }
    }

    /// Returns the user after an event. What the event does not say is looked up.
    pub(super) fn of_event(row: users::User, is_whole: bool) -> Self {
        Self {
            is_partial: !is_whole,
            ..row.into()
        }
    }

    /// Returns the row, with all that is shown to everybody.
    async fn whole_row(&self, ctx: &Context<'_>) -> Result<Arc<users::User>> {
        let found = match self.is_partial {
            true => load_user(ctx, self.row.id).await?,
            false => None,
        };
        Ok(found.unwrap_or_else(|| self.row.clone()))
    }

    fn is_address_shown(&self, ctx: &Context<'_>) -> Result<bool> {
        let viewer = viewer(ctx)?;
        // The role is checked first: its permissions are the same for all who have it, so the result can be shared between
        // subscribers.
        Ok(viewer.role() >= Some(users::Role::Staff)
            || self.has_just_signed_in
            || viewer.user_id() == Some(self.row.id))
    }

    async fn shown_availability(&self, ctx: &Context<'_>) -> Result<users::ShownAvailability> {
        let presence = load_presence(ctx, self.row.id).await?;
        Ok(self.row.shown_availability(presence))
    }
}

/// Returns the path of a user's picture.
pub(super) fn avatar_url(user: &users::User) -> Option<String> {
    let hash = user.avatar.as_deref()?;
    Some(format!("/avatars/{hash}"))
}

/// A person who can sign in.
#[Object]
impl User {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// The name, 1 to 100 characters.
    pub(super) async fn name(&self) -> &str {
        &self.row.name
    }

    /// The name that the user chose to be found by, in lower case. No two users have the same. Null when they have chosen none.
    async fn username(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.whole_row(ctx).await?.username.clone())
    }

    /// The path of the user's picture on the host of the API, such as `/avatars/…`: 256 by 256 pixels, to be read without a token. Another
    /// picture has another path. Null when the user has none.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(avatar_url(&*self.whole_row(ctx).await?))
    }

    /// What the user says about themselves. Null when they say nothing.
    async fn bio(&self) -> Option<&str> {
        self.row.bio.as_deref()
    }

    /// The role of the user.
    async fn role(&self) -> Role {
        self.row.role.into()
    }

    /// The email address to sign in with. Null unless the user is yourself, or you are STAFF or ADMIN.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let is_shown = self.is_address_shown(ctx)?;
        Ok(is_shown.then_some(self.row.email.as_str()))
    }

    /// When the user showed, with a token from a mail, that the email address is theirs. Null when they did not, and unless the user is
    /// yourself, or you are STAFF or ADMIN.
    async fn email_verified_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        match self.is_address_shown(ctx)? {
            true => load_verification(ctx, self.row.id).await,
            false => Ok(None),
        }
    }

    /// The availability that the user chose with `setAvailability` while they are connected, and OFFLINE otherwise. A user
    /// counts as connected for a few seconds after their last socket closed, so that a reconnect does not show.
    async fn availability(&self, ctx: &Context<'_>) -> Result<Availability> {
        Ok(self.shown_availability(ctx).await?.availability.into())
    }

    /// When the user's last connection ended. Null while they are connected, when they never were, and when they chose to
    /// be OFFLINE.
    async fn last_seen_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.shown_availability(ctx).await?.last_seen_at)
    }

    /// The version, which increases by one with every change. Mutations compare it with `expectedVersion`.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// When the user registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When the user last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// When the user was deactivated. Null for an active user.
    async fn deactivated_at(&self) -> Option<DateTime<Utc>> {
        self.row.deactivated_at
    }

    /// The open sessions of the user, newest first, 100 at most. Null unless the user is yourself.
    #[graphql(directive = list_size::apply(USUAL_SESSIONS))]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<List<UserSession>>> {
        match viewer(ctx)?.user_id() == Some(self.row.id) {
            true => Ok(Some(sessions(ctx).await?.into())),
            false => Ok(None),
        }
    }

    /// The open sockets of the user by gateway, ordered by `since`, whatever availability they chose. A gateway that died is left out when
    /// its lease has expired. A live query is answered again when the user comes or goes, not for each socket. Null unless you are ADMIN.
    #[graphql(directive = list_size::apply(USUAL_GATEWAYS))]
    async fn sockets(&self, ctx: &Context<'_>) -> Result<Option<List<UserSockets>>> {
        if viewer(ctx)?.role() < Some(users::Role::Admin) {
            return Ok(None);
        }
        let sockets = load_sockets(ctx, self.row.id).await?;
        Ok(Some(sockets.into_iter().map(UserSockets::from).collect()))
    }

    /// The posts of the user, newest first unless sorted otherwise. Page forward with `first` and `after`, or backward with `last` and
    /// `before`. Without them, returns the first 20.
    #[expect(clippy::too_many_arguments, reason = "as of a connection")]
    async fn posts(
        &self,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the posts that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the posts that come before this cursor.")] before: Option<String>,
        #[graphql(desc = "Restricts the list to matching posts.")] filter: Option<
            Given<PostFilter>,
        >,
        #[graphql(desc = "The order of the list.")] sort: Option<Given<PostSort>>,
    ) -> Option<Up<PostsOfUser>> {
        Some(Up(PostsOfUser {
            author: self.row.clone(),
            arguments: (first, after, last, before).into(),
            filter,
            sort,
        }))
    }

    /// The events of the user, oldest first. Page forward with `first` and `after`, or backward with `last` and `before`. Without
    /// them, returns the first 20. FORBIDDEN unless the user is yourself, or you are STAFF or ADMIN.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n events, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the events that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n events, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
    ) -> Result<Option<history::History>> {
        let users = &reading(ctx, Read::Stream(self.row.id.stream())).users;
        let viewer = viewer(ctx)?;
        history::connect(ctx, (first, after, last, before), |of| {
            users.history(viewer, self.row.id, of)
        })
        .await
    }
}
