//! The queries on users. Deactivated users can still be looked up, as chats show what they wrote; lists include them only on
//! request.

use std::sync::Arc;

use ::events::HistoryPage;
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::{
    Role, User, Users,
    user::{Column, Entity},
};
use crate::{
    Page, PageRequest, Versions,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
    id::uuids,
    record::{Sort, sort_fields},
    searching::{contains, is_any},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// Selects the users of a list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// A part of the name, whatever its case.
    pub search: Option<String>,
    /// One of these roles.
    pub role: Option<Vec<Role>>,
    /// Whether to include deactivated users.
    pub include_deactivated: bool,
}

sort_fields! {
    /// The fields that a list can be sorted by: the time of registration, or the name, by code point.
    UserSortField of Column { CreatedAt, Name }
}

/// The order of a list.
pub type UserSort = Sort<UserSortField>;

impl UserFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let active = (!self.include_deactivated).then(|| Column::DeactivatedAt.is_null());
        Condition::all()
            .add_option(active)
            .add(contains(backend, "app_user", self.search.as_deref()))
            .add_option(is_any(Column::Role, self.role.as_ref()))
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
        filter: &UserFilter,
        sort: UserSort,
        request: &PageRequest,
    ) -> Result<Page<User>> {
        authorize(viewer, Action::ReadUsers)?;
        let sorted = sort.by(Column::Id);
        let database = self.log.database();
        let rows = Entity::find().filter(filter.condition(database.backend()));
        Ok(request.read(rows, &sorted, &database.reader).await?)
    }

    /// Returns the number of users in the whole list.
    #[boxed]
    pub async fn count_users(&self, viewer: &Viewer, filter: &UserFilter) -> Result<u64> {
        authorize(viewer, Action::ReadUsers)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend()))
            .count(&self.log.database().reader)
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
