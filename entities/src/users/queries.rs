//! The queries on users. Deactivated users can still be looked up, as chats show what they wrote; lists include them only if the
//! filter asks about them.

use std::sync::Arc;

use ::events::HistoryPage;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::{
    User, Users,
    rules::username_form,
    user::{Column, Entity},
};
use crate::{
    Filter, Page, PageRequest, Versions,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
    filter::{Test, filter_fields},
    id::uuids,
    record::{Sort, sort_fields},
    text::email,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

const TABLE: &str = "app_user";

filter_fields! {
    /// The fields that a list can be filtered by.
    UserField of Column until DeactivatedAt {
        Id of UserId, Email => [AddressKey, EmailKey] by email::form, Name,
        Username => [Username] by username_form, Role, Version,
        CreatedAt, UpdatedAt, DeactivatedAt,
    }
}

sort_fields! {
    /// The fields that a list can be sorted by; texts sort by code point.
    UserSortField of Column { CreatedAt, UpdatedAt, Name, Username }
}

/// The order of a list.
pub type UserSort = Sort<UserSortField>;

/// Checks whether the viewer may list users, and ask about what the filter asks about: who may not see an address could find it out
/// by asking for it.
fn authorize_list(viewer: &Viewer, filter: &Filter<UserField>) -> Result<()> {
    authorize(viewer, Action::ReadUsers)?;
    match filter.asks_about(UserField::Email) {
        true => authorize(viewer, Action::ReadUserDetails),
        false => Ok(()),
    }
}

/// Returns the filter in which a searched text may also be the beginning of a username, with or without the sign before it.
fn with_usernames(filter: &Filter<UserField>) -> Filter<UserField> {
    let each = |parts: &[Filter<UserField>]| parts.iter().map(with_usernames).collect();
    match filter {
        Filter::All(parts) => Filter::All(each(parts)),
        Filter::Any(parts) => Filter::Any(each(parts)),
        Filter::Not(part) => Filter::Not(Box::new(with_usernames(part))),
        Filter::Is(field, test) => Filter::Is(*field, test.clone()),
        Filter::Contains(text) => {
            let start = text.strip_prefix('@').unwrap_or(text).to_owned();
            let begins = Filter::Is(UserField::Username, Test::StartsWith(start));
            Filter::Any(vec![Filter::Contains(text.clone()), begins])
        }
    }
}

impl Users {
    /// Returns the caller, or `None` if they have not signed in.
    #[boxed]
    pub async fn me(&self, viewer: &Viewer) -> Result<Option<User>> {
        match viewer.user_id() {
            Some(id) => Ok(self.load_user(id).await?.map(Arc::unwrap_or_clone)),
            None => Ok(None),
        }
    }

    /// Returns those of the users with these ids that exist, deactivated or not: from memory, and the others in one statement.
    /// It is for loaders, which got the ids from objects that the caller may see.
    #[boxed]
    pub async fn load_users(&self, ids: &[UserId]) -> ::events::Result<Vec<Arc<User>>> {
        let load = |ids: Vec<Uuid>| async move {
            let select = Entity::find().filter(Column::Id.is_in(ids));
            let found = select.all(&self.log.database().reader).await?;
            Ok(found
                .into_iter()
                .map(|user| (user.id.uuid(), Arc::new(user)))
                .collect())
        };
        self.cache.get_many(&uuids(ids), load).await
    }

    /// Returns a page of a sorted list.
    #[boxed]
    pub async fn list_users(
        &self,
        viewer: &Viewer,
        filter: &Filter<UserField>,
        sort: UserSort,
        request: &PageRequest,
    ) -> Result<Page<User>> {
        authorize_list(viewer, filter)?;
        let sorted = sort.by(Column::Id);
        let database = self.log.database();
        let filter = with_usernames(filter);
        let rows = Entity::find().filter(filter.condition(database.backend(), TABLE));
        Ok(request.read(rows, &sorted, &database.queries).await?)
    }

    /// Returns the number of users in the whole list.
    #[boxed]
    pub async fn count_users(&self, viewer: &Viewer, filter: &Filter<UserField>) -> Result<u64> {
        authorize_list(viewer, filter)?;
        let filter = with_usernames(filter);
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend(), TABLE))
            .count(&self.log.database().queries)
            .await?)
    }

    /// Returns events of one user, oldest first: for the user, and for callers who may read everyone's.
    #[boxed]
    pub async fn history(
        &self,
        viewer: &Viewer,
        id: UserId,
        of: Versions,
    ) -> Result<Arc<HistoryPage>> {
        // The role is checked first: its permissions are the same for all who have it.
        if let Err(denied) = authorize(viewer, Action::ReadUserDetails)
            && viewer.user_id() != Some(id)
        {
            return Err(denied);
        }
        Ok(self.histories.page(id.uuid(), of).await?)
    }
}
