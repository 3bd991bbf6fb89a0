//! The queries of users.

use async_graphql::{Context, ID, Object, connection::Connection};
use entities::{
    access::{Action, authorize},
    record::SortField,
    users::{self, UserId},
};

use super::{
    inputs::{UserFilter, UserSort},
    loaders::load_user,
    object::User,
};
use crate::{
    connection::{ListCursor, PageArguments, connect},
    error::Result,
    id,
    price::{COUNT, cost},
    request::{entities, viewer},
};

pub(crate) type UserConnection = Connection<ListCursor<users::UserSort>, User, UserTotals>;

#[derive(Default)]
pub(crate) struct UsersQuery;

/// The total of a list of users.
pub(crate) struct UserTotals(users::UserFilter);

#[Object]
impl UserTotals {
    /// The number of users that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let users = &entities(ctx).users;
        Ok(users.count_users(viewer(ctx)?, &self.0).await?)
    }
}

/// Returns the user with this id, for `user` and `node`.
pub(crate) async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<User>> {
    authorize(viewer(ctx)?, Action::ReadUsers)?;
    Ok(load_user(ctx, id).await?.map(User::from))
}

#[Object]
impl UsersQuery {
    /// The user who is signed in. Null without a session.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let found = entities(ctx).users.me(viewer(ctx)?).await;
        Ok(found?.map(User::from))
    }

    /// Looks up a user, including deactivated ones. Null when no user has this id.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] id: ID,
    ) -> Result<Option<User>> {
        find(ctx, id::sought(&id)).await
    }

    /// The users, newest first unless sorted otherwise. Page forward with `first` and
    /// `after`, or backward with `last` and `before`. Without them, returns the first 20.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a connection are the field's"
    )]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Returns the users that come after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the users that come before this cursor.")] before: Option<String>,
        #[graphql(desc = "Restricts the list to matching users.")] filter: Option<UserFilter>,
        #[graphql(desc = "The order of the list.")] sort: Option<UserSort>,
    ) -> Result<Option<UserConnection>> {
        let sort: users::UserSort = sort.unwrap_or_default().into();
        let filter: users::UserFilter = filter.unwrap_or_default().into();
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<users::UserSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let (viewer, users) = (viewer(ctx)?, &entities(ctx).users);
        let page = users.list_users(viewer, &filter, sort, &request).await?;
        let totals = UserTotals(filter);
        Ok(Some(connect(page, sort, totals, User::from)))
    }
}
