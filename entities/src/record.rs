//! Records: rows with a version and a stream of events, which are created, updated, deleted and restored as a whole. What all
//! of them do alike is here, once; a domain says what is its own in an implementation of `Record`: its columns, its rules, its
//! filter. Customers are the simplest example, and `make domain` writes another.
//!
//! Each command changes the row and appends its event in one transaction, or does nothing. The row is locked before it is
//! changed, so that of concurrent updates each sees the one before it; `expected_version` turns that into a conflict. Every
//! event carries the whole record after it, so that readers need no other source.

mod commands;
mod counting;
mod event;
mod import;
mod queries;
mod warming;

pub use commands::{Target, set};
pub use counting::{Counted, Counts, CountsFollower, DayCount, StatusCount};
pub use event::{Change, RecordEvent};
pub use import::{
    Existing, ImportMode, ImportOutcome, ImportRecords, Importable, Imported, MAX_IMPORT_ROWS,
};
pub use queries::{Sort, SortField};
pub use warming::WarmingFollower;

pub(crate) use commands::refused;
pub(crate) use event::event_schemas;

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use events::EventLog;
use schemars::JsonSchema;
use sea_orm::{
    Condition, DbBackend, EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait,
    sea_query::Expr,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    access::Action,
    cache::{Cache, CacheConfig, CacheFigures, CachedRow},
    id::{Id, Kind},
    text::Fields,
};

/// A row of a domain, and what the domain says about it.
pub trait Record:
    Clone
    + Debug
    + Eq
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
    + FromQueryResult
    + ModelTrait<Entity: EntityTrait<Model = Self, ActiveModel: Send>>
    + IntoActiveModel<<<Self as ModelTrait>::Entity as EntityTrait>::ActiveModel>
{
    /// Input of the command that creates one.
    type New: Clone + Send + Sync + 'static;
    /// Input of the command that updates one: what is `None` stays as it is.
    type Update: Clone + Send + Sync + 'static;
    /// Which records a list has.
    type Filter: Send + Sync;
    /// What a list can be sorted by.
    type SortField: SortField<Column = <Self::Entity as EntityTrait>::Column>;
    /// The data of its events. The shape is a contract: `SCHEMA_VERSION` grows with every change.
    type Data: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static;

    /// What one is called in messages and global ids, such as `customer`; also the kind of its streams.
    const NAME: &'static str;
    /// What one has to be allowed to read them.
    const READ: Action;
    /// What one has to be allowed to change them.
    const WRITE: Action;
    /// What can happen to one, by the names that the log has for it.
    const EVENTS: &'static [(Change, &'static str)];
    /// The version of the shape of `Data`.
    const SCHEMA_VERSION: i16 = 1;
    /// Grows when the shape of the row itself changes: processes of two releases may share a cache.
    const SHAPE: u16 = 1;
    /// Where records are kept warm in the cache that all processes share: the kind of stream, under a record's id, of what happens
    /// to it there. It is also the name of the follower, and the actor of its events.
    const CACHE_STREAM: Option<&'static str> = None;
    /// What no two records may have alike.
    const UNIQUE: &'static [Unique];
    /// The column of the id.
    const ID: <Self::Entity as EntityTrait>::Column;

    /// What it has as every record has it.
    fn head(&self) -> Head<Id<Self>>;
    /// Sets that.
    fn set_head(&mut self, head: Head<Id<Self>>);
    /// The record that input describes, without its head and what is derived.
    fn create(new: Self::New) -> Self;
    /// Sets what is given.
    fn apply(&mut self, update: Self::Update);
    /// Sets what is derived from other fields, such as keys by which something is unique, and texts that are searched.
    fn derive_keys(&mut self);
    /// Brings the input into the form in which it is stored, and notes what is wrong with it.
    fn check_new(new: &mut Self::New, fields: &mut Fields);
    /// The same for an update.
    fn check_update(update: &mut Self::Update, fields: &mut Fields);
    /// Which rows are in a list, deleted or not.
    fn condition(filter: &Self::Filter, backend: DbBackend) -> Condition;
    /// Whether a list has the deleted records instead of the others.
    fn shows_deleted(_: &Self::Filter) -> bool {
        false
    }
    /// The data of an event after which the record is as it is here, and before which it was as given.
    fn into_data(self, before: Option<&Self>) -> Self::Data;
    /// The record after an event.
    fn of_data(data: &Self::Data) -> &Self;

    /// The kind of stream that such a change happens in.
    fn stream_of(change: Change) -> &'static str {
        match (change, Self::CACHE_STREAM) {
            (Change::Cached, Some(stream)) => stream,
            _ => Self::NAME,
        }
    }
}

type ActiveModel<R> = <<R as ModelTrait>::Entity as EntityTrait>::ActiveModel;

/// The record itself is the kind of its ids.
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

/// What every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<I> {
    /// Its id.
    pub id: I,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// The two methods of `Record` that copy the head out of the fields of these names, and back.
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

/// A value that no two records which are not deleted may have.
#[derive(Debug)]
pub struct Unique {
    /// The field of the input.
    pub field: &'static str,
    /// What the value is called in messages.
    pub value: &'static str,
    /// How a violated constraint names it: Postgres by its index, SQLite by its table and column.
    pub constraint: [&'static str; 2],
}

/// The commands and queries of the records of one domain.
#[derive(Clone)]
pub struct Records<R: Record> {
    log: EventLog,
    cache: Cache<R>,
}

impl<R: Record> Records<R> {
    pub(crate) fn new(log: EventLog, config: CacheConfig) -> Self {
        let cache = Cache::new(&log, config);
        Self { log, cache }
    }

    /// What the cache of hot records has done.
    pub fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }
}

/// A column of the table under its plain name, as rows of all records have it.
fn column(name: &'static str) -> Expr {
    Expr::col(name)
}
