//! Records: rows with a version and a stream of events, which are created, updated, deleted and restored as a whole. This
//! module has what all records share; a domain adds its own columns, rules and filter in an implementation of `Record`.
//! Customers are the simplest example, and `make domain` writes another.
//!
//! Each command changes the row and appends its event in one transaction, or does nothing. The row is locked before it is
//! changed, so that concurrent updates follow each other and each sees the one before; `expected_version` turns that into a
//! conflict. Every event carries the whole record after it, so that readers need no other source.

mod bulk;
mod commands;
mod counting;
mod event;
mod group;
mod import;
mod inputs;
mod queries;
mod warming;

pub use bulk::{BulkMode, Outcome};
pub use commands::{Edit, Target, set};
pub use counting::Counted;
pub use event::{Change, RecordEvent};
pub use group::Order;
pub use import::{Existing, ImportOutcome, ImportRecords, Importable, Imported, MAX_IMPORT_ROWS};
pub use inputs::Inputs;
pub use queries::{Sort, SortField};
pub use warming::WarmingFollower;

pub(crate) use commands::refused;
pub(crate) use event::event_contracts;
pub(crate) use inputs::{inputs, replace};
pub(crate) use queries::sort_fields;

use std::{fmt::Debug, time::Duration};

use chrono::{DateTime, Utc};
use events::{Bounds, EventLog, Together};
use group::Commands;
use schemars::JsonSchema;
use sea_orm::{EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait, sea_query::Expr};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Filter, Violations,
    access::Action,
    cache::{Cache, CacheConfig, CacheFigures, CachedRow},
    filter::FilterField,
    gathering::Gathering,
    histories::Histories,
    id::{Id, Kind},
};

/// A row of a domain, with the domain's own rules.
pub trait Record:
    Clone
    + Debug
    + Eq
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
    + Inputs
    + FromQueryResult
    + ModelTrait<Entity: EntityTrait<Model = Self, ActiveModel: Send>>
    + IntoActiveModel<<<Self as ModelTrait>::Entity as EntityTrait>::ActiveModel>
{
    /// The fields that a list can be filtered by.
    type FilterField: FilterField;
    /// The fields that a list can be sorted by.
    type SortField: SortField<Column = <Self::Entity as EntityTrait>::Column>;
    /// The data of the record's events. Its shape is a contract: `SCHEMA_VERSION` grows with every change.
    type Data: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static;

    /// The name of a record in messages and global ids, such as `customer`; also the kind of its streams.
    const NAME: &'static str;
    /// The action that a caller must be allowed in order to read records.
    const READ: Action;
    /// The action that a caller must be allowed in order to change records.
    const WRITE: Action;
    /// The changes that can happen to a record, with their event types in the log.
    const EVENTS: &'static [(Change, &'static str)];
    /// The version of the shape of `Data`.
    const SCHEMA_VERSION: i16 = 1;
    /// The version of the row's own shape: processes of two releases may share a cache.
    const SHAPE: u16 = 1;
    /// The kind of stream that tells when a record was put into the cache that all processes share; `None` if records are not
    /// kept warm there. It is also the name of the follower, and the actor of its events.
    const CACHE_STREAM: Option<&'static str> = None;
    /// The values that no two records may share.
    const UNIQUE: &'static [Unique];
    /// The column of the id.
    const ID: <Self::Entity as EntityTrait>::Column;

    /// Returns the fields that every record has.
    fn head(&self) -> Head<Id<Self>>;
    /// Sets the fields that every record has.
    fn set_head(&mut self, head: Head<Id<Self>>);
    /// Sets the fields that are derived from others, such as keys that are unique, and texts that are searched.
    fn derive_keys(&mut self);
    /// Fills in what a row or an event of an earlier version lacks, as far as the rest says it.
    fn complete(&mut self) {}
    /// Returns why values that are right by themselves are not right together. It is asked after an update, which may give only some,
    /// and not after an import, which gives all of them.
    fn check(&self) -> Result<(), Violations> {
        Ok(())
    }
    /// Returns the unique values, in the order of `UNIQUE`.
    fn keys(&self) -> Vec<Option<String>>;
    /// Returns the expressions for the unique values, as the unique indexes have them.
    fn key_columns() -> Vec<Expr>;
    /// Returns whether an event may change a list: what is in it, in which order, or how many match. It is asked for every event while
    /// somebody watches the list; where the event does not tell, the answer is yes.
    fn may_change(_: &Filter<Self::FilterField>, _: &RecordEvent<Self>) -> bool {
        true
    }
    /// Returns the data of an event that led from `before` to this record.
    fn into_data(self, before: Option<&Self>) -> Self::Data;
    /// Returns the record after an event.
    fn of_data(data: &Self::Data) -> &Self;

    /// Returns the kind of stream in which such a change is an event.
    fn stream_of(change: Change) -> &'static str {
        match (change, Self::CACHE_STREAM) {
            (Change::Cached, Some(stream)) => stream,
            _ => Self::NAME,
        }
    }
}

type ActiveModel<R> = <<R as ModelTrait>::Entity as EntityTrait>::ActiveModel;

/// The record type itself is the kind of its ids.
impl<R: Record> Kind for R {
    const NAME: &'static str = R::NAME;
}

impl<R: Record> CachedRow for R {
    const STREAM: &'static str = R::NAME;
    const SHAPE: u16 = R::SHAPE;

    fn is_ended_by(event_type: &str) -> bool {
        let mut events = R::EVENTS.iter();
        events.any(|(change, name)| *change == Change::Deleted && *name == event_type)
    }

    fn restore(&mut self) {
        self.derive_keys();
    }
}

/// The fields that every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<I> {
    /// The id of the record.
    pub id: I,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Writes the two methods of `Record` that copy the head out of the fields of these names, and back.
macro_rules! head {
    () => {
        fn head(&self) -> $crate::record::Head<$crate::id::Id<Self>> {
            $crate::record::Head {
                id: self.id,
                version: self.version,
                created_at: self.created_at,
                updated_at: self.updated_at,
                deleted_at: self.deleted_at,
            }
        }

        fn set_head(&mut self, head: $crate::record::Head<$crate::id::Id<Self>>) {
            self.id = head.id;
            self.version = head.version;
            self.created_at = head.created_at;
            self.updated_at = head.updated_at;
            self.deleted_at = head.deleted_at;
        }
    };
}
pub(crate) use head;

/// A value that no two records share unless one is deleted.
#[derive(Debug)]
pub struct Unique {
    /// The field of the input.
    pub field: &'static str,
    /// The name of the value in messages.
    pub value: &'static str,
    /// The name of the constraint in the database's error: Postgres names the index, SQLite the table and column.
    pub constraint: [&'static str; 2],
}

impl Unique {
    /// Returns the column.
    fn column(&self) -> &'static str {
        let [_, column] = self.constraint;
        column.rsplit('.').next().unwrap_or(column)
    }
}

/// The commands and queries of the records of one domain.
#[derive(Clone)]
pub struct Records<R: Record> {
    log: EventLog,
    cache: Cache<R>,
    /// Commits commands in groups. SQLite has one writer, and groups of all writes: see `EventLog::write`.
    groups: Option<Together<Commands<R>>>,
    by_id: Gathering<Id<R>, R>,
    histories: Histories,
}

impl<R: Record> Records<R> {
    pub(crate) fn new(log: EventLog, config: CacheConfig) -> Self {
        let cache = Cache::new(&log, config);
        let database = log.database();
        let groups = (!database.is_embedded()).then(|| {
            // One group at a time is the largest, and so the cheapest: two did nine tenths of the mutations of one, or fewer.
            let bounds = Bounds {
                members: 64,
                slow_after: Duration::from_millis(50),
                most_slow: 7,
                patience: database.acquire_timeout(),
            };
            Together::new(Commands::new(log.clone()), bounds)
        });
        Self {
            by_id: queries::by_id(&log),
            histories: Histories::new(&log, R::NAME),
            log,
            cache,
            groups,
        }
    }

    /// Returns the counters of the cache of hot records.
    pub fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }
}

/// Returns a column that the tables of all records have, by its name.
fn column(name: &'static str) -> Expr {
    Expr::col(name)
}
