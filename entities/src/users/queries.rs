//! The queries on users. Deactivated users can still be looked up, as chats show what they wrote; lists include them only on
//! request.

use std::sync::Arc;

use ::events::HistoryPage;
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Role, User, Users,
    user::{Column, Entity},
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey,
    access::{AccessError, Action, UserId, Viewer, authorize},
    boxed,
    id::uuids,
    paging::Sorted,
    searching::contains,
};

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

/// The fields that a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserSortField {
    /// The time of registration.
    CreatedAt,
    /// The name, by code point.
    Name,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSort {
    /// The first criterion; the second is the id.
    pub field: UserSortField,
    /// The direction of both criteria.
    pub direction: Direction,
}

impl UserSortField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::Name => Column::Name,
        }
    }

    fn key(self, user: &User) -> SortKey {
        match self {
            Self::CreatedAt => SortKey::Time(user.created_at),
            Self::Name => SortKey::Text(user.name.clone()),
        }
    }

    /// Returns whether a key can be a value of this column.
    pub fn accepts(self, key: &SortKey) -> bool {
        match self {
            Self::CreatedAt => matches!(key, SortKey::Time(_)),
            Self::Name => matches!(key, SortKey::Text(_)),
        }
    }
}

impl UserFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let mut condition = Condition::all();
        if !self.include_deactivated {
            condition = condition.add(Column::DeactivatedAt.is_null());
        }
        let search = self.search.as_deref();
        condition = condition.add(contains(backend, "app_user", search));
        if let Some(role) = &self.role {
            condition = condition.add(Column::Role.is_in(role.iter().copied()));
        }
        condition
    }
}

impl Users {
    /// Returns the caller, or `None` if they have not signed in.
    #[boxed]
    pub async fn me(&self, viewer: &Viewer) -> Result<Option<User>, AccessError> {
        match viewer.user_id() {
            Some(id) => Ok(self.load_user(id).await?.map(Arc::unwrap_or_clone)),
            None => Ok(None),
        }
    }

    /// Returns the user with this id, deactivated or not.
    #[boxed]
    pub async fn find_user(
        &self,
        viewer: &Viewer,
        id: UserId,
    ) -> Result<Option<User>, AccessError> {
        authorize(viewer, Action::ReadUsers)?;
        Ok(self.load_user(id).await?.map(Arc::unwrap_or_clone))
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
    ) -> Result<Page<User>, AccessError> {
        authorize(viewer, Action::ReadUsers)?;
        let sorted = Sorted {
            column: sort.field.column(),
            id: Column::Id,
            direction: sort.direction,
        };
        let rows = Entity::find().filter(filter.condition(self.log.database().backend()));
        let rows = request
            .select(rows, &sorted)
            .all(&self.log.database().reader)
            .await?;
        Ok(request.page_of(rows, |row| Edge {
            key: sort.field.key(row),
            id: row.id.uuid(),
        }))
    }

    /// Returns the number of users in the whole list.
    #[boxed]
    pub async fn count_users(
        &self,
        viewer: &Viewer,
        filter: &UserFilter,
    ) -> Result<u64, AccessError> {
        authorize(viewer, Action::ReadUsers)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend()))
            .count(&self.log.database().reader)
            .await?)
    }

    /// Returns the events of one user, oldest first: for the user, and for callers who may read everyone's.
    #[boxed]
    pub async fn read_history(
        &self,
        viewer: &Viewer,
        id: UserId,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage, AccessError> {
        // The role is checked first: its permissions are the same for all who have it.
        if let Err(denied) = authorize(viewer, Action::ReadUserDetails)
            && viewer.user_id() != Some(id)
        {
            return Err(denied);
        }
        Ok(self
            .log
            .read_stream(id.stream(), after_version, limit)
            .await?)
    }
}
