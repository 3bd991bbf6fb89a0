//! The queries on records. A single record is read through the cache, together with those that others ask for; a list is read
//! from the table. Deleted records are left out unless the filter asks about them.

use std::{collections::HashMap, sync::Arc};

use ::events::{
    DatabaseConnection, EventLog, HistoryPage,
    sql::{is_one_of, query},
};
use sea_orm::{
    ColumnTrait, ColumnType, EntityName, EntityTrait, PaginatorTrait, QueryFilter, QueryTrait,
    Select,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Record, Records};
use crate::{
    Direction, Filter, Page, PageRequest, SortKey, Versions,
    access::{AccessError, Viewer, authorize},
    boxed,
    cache::Cached,
    gathering::Gathering,
    id::{Id, uuids},
    paging::Sorted,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// The fields that a list can be sorted by.
pub trait SortField: Copy + PartialEq + Serialize + DeserializeOwned + Send + Sync {
    /// The columns of the table.
    type Column: ColumnTrait;

    /// Returns the column of the field.
    fn column(self) -> Self::Column;

    /// Returns whether a key can be a value of this column.
    fn accepts(self, key: &SortKey) -> bool {
        match self.column().def().get_column_type() {
            ColumnType::String(_) | ColumnType::Text => matches!(key, SortKey::Text(_)),
            ColumnType::TimestampWithTimeZone => matches!(key, SortKey::Time(_)),
            _ => matches!(key, SortKey::Number(_)),
        }
    }
}

/// Writes the enum of the fields that a list can be sorted by. The column of a field is the one of its name, or the one given.
macro_rules! sort_fields {
    ($(#[$doc:meta])* $name:ident of $column:ident { $($field:ident $(=> $key:ident)?),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($field),+
        }

        impl $crate::record::SortField for $name {
            type Column = $column;

            fn column(self) -> $column {
                match self {
                    $(Self::$field => $crate::record::sort_fields!(@column $column $field $($key)?),)+
                }
            }
        }
    };
    (@column $column:ident $field:ident) => { $column::$field };
    (@column $column:ident $field:ident $key:ident) => { $column::$key };
}
pub(crate) use sort_fields;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sort<F> {
    /// The first criterion; the second is the id.
    pub field: F,
    /// The direction of both criteria.
    pub direction: Direction,
}

impl<F: SortField> Sort<F> {
    /// Returns the order of rows with this column of ids.
    pub(crate) fn by(self, id: F::Column) -> Sorted<F::Column> {
        Sorted {
            column: self.field.column(),
            id,
            direction: self.direction,
        }
    }
}

impl<R: Record> Records<R> {
    /// Returns the record, unless it is unknown or deleted.
    #[boxed]
    pub async fn find(&self, viewer: &Viewer, id: Id<R>) -> Result<Cached<Option<R>>> {
        authorize(viewer, R::READ)?;
        let by_id = self.by_id.clone();
        // It is asked for when the cache begins the load, which is after everything that the answer must show.
        let load = async move { by_id.load(id).await };
        Ok(self.cache.get(id.uuid(), load).await?)
    }

    /// Returns a page of a sorted list.
    #[boxed]
    pub async fn list(
        &self,
        viewer: &Viewer,
        filter: &Filter<R::FilterField>,
        sort: Sort<R::SortField>,
        request: &PageRequest,
    ) -> Result<Page<R>> {
        authorize(viewer, R::READ)?;
        let sorted = sort.by(R::ID);
        let rows = self.matching(filter);
        let queries = &self.log.database().queries;
        Ok(request.read(rows, &sorted, queries).await?)
    }

    /// Returns the number of records in the whole list.
    #[boxed]
    pub async fn count(&self, viewer: &Viewer, filter: &Filter<R::FilterField>) -> Result<u64> {
        authorize(viewer, R::READ)?;
        let rows = self.matching(filter);
        Ok(rows.count(&self.log.database().queries).await?)
    }

    /// Returns events of one record, oldest first.
    #[boxed]
    pub async fn history(
        &self,
        viewer: &Viewer,
        id: Id<R>,
        of: Versions,
    ) -> Result<Arc<HistoryPage>> {
        authorize(viewer, R::READ)?;
        Ok(self.histories.page(id.uuid(), of).await?)
    }

    /// Returns who wrote this version of a record, as the log names them; `None` when the log no longer has the event. A caller who
    /// got the record may know.
    #[boxed]
    pub async fn actor_of(&self, id: Id<R>, version: i64) -> Result<Option<String>> {
        Ok(self.histories.actor(id.uuid(), version).await?)
    }

    fn matching(&self, filter: &Filter<R::FilterField>) -> Select<R::Entity> {
        let table = R::Entity::default();
        let condition = filter.condition(self.log.database().backend(), table.table_name());
        R::Entity::find().filter(condition)
    }
}

/// Returns the loads of records by id, unless they are unknown or deleted.
pub(super) fn by_id<R: Record>(log: &EventLog) -> Gathering<Id<R>, R> {
    let reader = log.database().reader.clone();
    // The text is made once: making it takes longer than reading a row.
    let select = R::Entity::find().build(reader.get_database_backend()).sql;
    Gathering::new(move |ids| {
        let (reader, select) = (reader.clone(), select.clone());
        async move { read(&reader, &select, &ids).await.map_err(Arc::new) }
    })
}

async fn read<R: Record>(
    reader: &DatabaseConnection,
    select: &str,
    ids: &[Id<R>],
) -> ::events::Result<HashMap<Id<R>, R>> {
    let mut values = Vec::new();
    let condition = match ids {
        // Postgres keeps its plan for this, and makes a new one for each short array.
        [id] => {
            values.push(id.uuid().into());
            "id = $1".to_owned()
        }
        ids => is_one_of(
            reader.get_database_backend(),
            "id",
            &uuids(ids),
            &mut values,
        ),
    };
    let rows = query(reader, &format!("{select} where {condition}"), values).await?;
    let mut found = HashMap::with_capacity(ids.len());
    for row in &rows {
        let record = R::from_query_result(row, "")?;
        let head = record.head();
        if head.deleted_at.is_none() {
            found.insert(head.id, record);
        }
    }
    Ok(found)
}
