//! The queries. Deleted customers are left out unless they are asked for.

use ::events::{HistoryPage, StreamKey};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Customer, CustomerStatus, Customers, STREAM,
    customer::{Column, Entity},
};
use crate::{
    Direction, Edge, Page, PageRequest, SortKey,
    access::{AccessError, Action, Viewer, authorize},
    boxed,
    cache::Cached,
    paging::Sorted,
    searching::contains,
};

/// Which customers a list has.
#[derive(Debug, Clone, Default)]
pub struct CustomerFilter {
    /// Part of the name or the address, whatever its case.
    pub search: Option<String>,
    /// Any of these.
    pub status: Option<Vec<CustomerStatus>>,
    /// Created at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// The deleted ones instead of the others.
    pub deleted: bool,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerSortField {
    /// When it was created.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// By name, by code point.
    Name,
    /// By address in lower case, by code point.
    Email,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerSort {
    /// The first criterion; the second is the id.
    pub field: CustomerSortField,
    /// Of both.
    pub direction: Direction,
}

impl CustomerSortField {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::UpdatedAt => Column::UpdatedAt,
            Self::Name => Column::Name,
            Self::Email => Column::EmailKey,
        }
    }

    fn key(self, customer: &Customer) -> SortKey {
        match self {
            Self::CreatedAt => SortKey::Time(customer.created_at),
            Self::UpdatedAt => SortKey::Time(customer.updated_at),
            Self::Name => SortKey::Text(customer.name.clone()),
            Self::Email => SortKey::Text(customer.email_key.clone()),
        }
    }

    /// Whether a key could have come from this column.
    pub fn accepts(self, key: &SortKey) -> bool {
        match self {
            Self::CreatedAt | Self::UpdatedAt => matches!(key, SortKey::Time(_)),
            Self::Name | Self::Email => matches!(key, SortKey::Text(_)),
        }
    }
}

impl CustomerFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let deleted = match self.deleted {
            true => Column::DeletedAt.is_not_null(),
            false => Column::DeletedAt.is_null(),
        };
        let mut condition = Condition::all().add(deleted);
        let search = self.search.as_deref();
        condition = condition.add(contains(backend, "customer", search));
        if let Some(status) = &self.status {
            condition = condition.add(Column::Status.is_in(status.iter().copied()));
        }
        if let Some(from) = self.created_from {
            condition = condition.add(Column::CreatedAt.gte(from));
        }
        if let Some(before) = self.created_before {
            condition = condition.add(Column::CreatedAt.lt(before));
        }
        condition
    }
}

impl Customers {
    /// The customer, unless it is unknown or deleted.
    #[boxed]
    pub async fn find_customer(
        &self,
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<Cached<Option<Customer>>, AccessError> {
        authorize(viewer, Action::ReadCustomers)?;
        let reader = self.log.database().reader.clone();
        let load = async move {
            let found = Entity::find_by_id(id).one(&reader).await?;
            Ok(found.filter(|customer| customer.deleted_at.is_none()))
        };
        Ok(self.cache.get(id, load).await?)
    }

    /// A page of a sorted list.
    #[boxed]
    pub async fn list_customers(
        &self,
        viewer: &Viewer,
        filter: &CustomerFilter,
        sort: CustomerSort,
        request: &PageRequest,
    ) -> Result<Page<Customer>, AccessError> {
        authorize(viewer, Action::ReadCustomers)?;
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
            id: row.id,
        }))
    }

    /// How many customers a list has in all.
    #[boxed]
    pub async fn count_customers(
        &self,
        viewer: &Viewer,
        filter: &CustomerFilter,
    ) -> Result<u64, AccessError> {
        authorize(viewer, Action::ReadCustomers)?;
        Ok(Entity::find()
            .filter(filter.condition(self.log.database().backend()))
            .count(&self.log.database().reader)
            .await?)
    }

    /// What happened to one customer, oldest first.
    #[boxed]
    pub async fn read_history(
        &self,
        viewer: &Viewer,
        id: Uuid,
        after_version: i64,
        limit: u64,
    ) -> Result<HistoryPage, AccessError> {
        authorize(viewer, Action::ReadCustomers)?;
        let stream = StreamKey { kind: STREAM, id };
        Ok(self.log.read_stream(stream, after_version, limit).await?)
    }
}
