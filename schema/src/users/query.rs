//! The queries of users.

use async_graphql::{Context, ID, Object};
use entities::{
    Filter,
    access::{Action, authorize},
    record::SortField,
    users::{self, UserId},
};

use super::{
    counting::UserStatistics,
    inputs::{UserFilter, UserSortField},
    loaders::load_user,
    object::User,
};
use crate::{
    connection::{Connection, ListCursor, PageArguments, connect},
    error::Result,
    id,
    price::{COUNT, cost},
    request::{Read, reading, viewer},
    sort::{SortInput, order},
    statistics,
};

pub(crate) type UserConnection = Connection<User, UserTotals>;

#[derive(Default)]
pub(crate) struct UsersQuery;

/// The total of a list of users.
pub(crate) struct UserTotals(Filter<users::UserField>);

#[Object]
impl UserTotals {
    /// The number of users that match the filter. Counting reads all of them, so request it only where it is shown.
    #[graphql(directive = cost::apply(COUNT.to_owned()))]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let users = &reading(ctx, Read::Kind(users::STREAM)).users;
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
        let viewer = viewer(ctx)?;
        let me = viewer.user_id().map(UserId::stream);
        let users = &reading(ctx, me.map_or(Read::Noted, Read::Stream)).users;
        let found = users.me(viewer).await;
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
        #[graphql(desc = "The order of the list.")] sort: Option<SortInput<UserSortField>>,
    ) -> Result<Option<UserConnection>> {
        let sort: users::UserSort = order(sort);
        let filter = crate::filter::filter(filter)?;
        let arguments = PageArguments::from((first, after, last, before));
        let request = arguments.request(|cursor: &ListCursor<users::UserSort>| {
            cursor.sort == sort && sort.field.accepts(&cursor.edge.key)
        })?;
        let users = &reading(ctx, Read::Kind(users::STREAM)).users;
        let page = users
            .list_users(viewer(ctx)?, &filter, sort, &request)
            .await?;
        let totals = UserTotals(filter);
        connect(page, sort, totals, User::from).map(Some)
    }

    /// Counts of active users by role, and of registrations by day. They follow changes within moments.
    async fn user_statistics(&self, ctx: &Context<'_>) -> Result<Option<UserStatistics>> {
        statistics::read(ctx).await
    }
}
