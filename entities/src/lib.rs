//! The domains: their tables, rules, commands, queries and events, one folder each. Only this crate touches their tables and
//! appends to the log; `schema` and `workers` call it. It does not know GraphQL or any transport.

pub mod access;
mod bulk;
mod cache;
pub mod chats;
mod children;
mod command;
pub mod counting;
pub mod customers;
pub mod erasure;
mod event_kinds;
pub mod filter;
pub mod gathering;
pub mod grants;
mod histories;
pub mod id;
mod idempotency;
pub mod operations;
mod paging;
pub mod posts;
pub mod read_models;
pub mod record;
mod rekeying;
mod searching;
pub mod signals;
mod stored_enum;
pub mod students;
mod text;
pub mod users;
mod violations;

use std::sync::Arc;

use access::{AccessError, Action, Viewer, authorize};
use counting::CountsFollower;
use events::EventLog;
use grants::Grants;
use record::WarmingFollower;
use users::{Users, UsersConfig};

/// Boxes the future of an `async fn`, so that it is compiled once, in this crate, and not again in each crate that awaits it.
/// Every public `async fn` that is not generic has it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use ::events::{HistoryPage, Versions};
pub use cache::{CacheConfig, CacheFigures, Cached};
pub use children::PageOf;
pub use command::{
    CommandContext, CommandError, Failure, Idempotency, KeyReused, Missing, Refusal,
};
pub use event_kinds::EventContract;
pub use filter::Filter;
pub use idempotency::remove_expired_answers;
pub use paging::{Direction, Edge, Page, PageRequest, SortKey};
pub use rekeying::{AddressConflict, derive_again, is_derived};
pub use violations::{RowReason, RowRefusal, Violation, Violations};

/// The kinds of streams of all domains.
const STREAMS: &[&str] = &[
    customers::STREAM,
    users::STREAM,
    users::SESSION_STREAM,
    users::PRESENCE_STREAM,
    users::EMAIL_STREAM,
    chats::STREAM,
    chats::INBOX_STREAM,
    chats::RECEIPT_STREAM,
    posts::STREAM,
    students::STREAM,
    students::CACHE_STREAM,
    signals::STREAM,
    operations::STREAM,
    events::ERASURE_STREAM,
];

/// The kinds of streams whose data only the users concerned may see, even in the log.
const WITHHELD_STREAMS: &[&str] = &[chats::STREAM, chats::INBOX_STREAM, chats::RECEIPT_STREAM];

/// What retention keeps in the log. Posts are read from their streams, and one that is deleted is nothing but that; older versions of
/// the others named here exist only in the log.
const KEEPS: events::Keeps = events::Keeps {
    whole: &[posts::STREAM],
    ends: &[events::StreamEnd {
        stream: posts::STREAM,
        event_type: posts::PostEventKind::Deleted.name(),
    }],
    last: &[
        students::CACHE_STREAM,
        operations::STREAM,
        users::EMAIL_STREAM,
        events::ERASURE_STREAM,
    ],
};

/// All domains of one process.
#[derive(Clone)]
pub struct Entities {
    /// The log that the domains write to.
    pub log: EventLog,
    /// Customers.
    pub customers: customers::Customers,
    /// Users, their sessions and presence.
    pub users: Users,
    /// Chats and their messages.
    pub chats: chats::Chats,
    /// Posts with their comments and likes.
    pub posts: posts::Posts,
    /// Students.
    pub students: students::Students,
    /// Signals.
    pub signals: signals::Signals,
    /// Read models and their rebuilds.
    pub read_models: read_models::ReadModels,
    /// Erasures of users' personal data.
    pub erasures: erasure::Erasures,
    /// The log, the workers and dead letters.
    pub operations: operations::Operations,
    /// The counts of all domains.
    pub statistics: counting::Statistics,
    /// The grants of open subscriptions.
    pub grants: Grants,
}

/// The configuration of the domains.
pub struct EntitiesConfig {
    /// The largest number of hot customers in memory; 0 turns the cache off.
    pub customer_cache_capacity: u64,
    /// The limits of the caches; the capacity is that of students.
    pub cache: CacheConfig,
    /// The configuration of users and sign-ins.
    pub users: UsersConfig,
    /// The configuration of signals.
    pub signals: signals::SignalsConfig,
}

/// The configuration of the handlers.
#[derive(Clone, Default)]
pub struct HandlersConfig {
    /// The configuration of the work on signals.
    pub signals: signals::SignalWork,
}

impl Entities {
    /// Creates the domains over `log`.
    ///
    /// # Errors
    /// Fails when the configuration is not valid.
    pub fn new(log: EventLog, config: EntitiesConfig) -> Result<Self, String> {
        // The caches observe the log before the grants do, so that a grant that turns stale is checked against current rows.
        let users = Users::new(log.clone(), config.users)?;
        Ok(Self {
            customers: customers::Customers::new(
                log.clone(),
                CacheConfig {
                    capacity: config.customer_cache_capacity,
                    ..config.cache
                },
            ),
            students: students::Students::new(log.clone(), config.cache),
            grants: Grants::new(&log, users.clone()),
            statistics: counting::Statistics::new(log.clone()),
            chats: chats::Chats::new(log.clone()),
            posts: posts::Posts::new(log.clone()),
            read_models: read_models::ReadModels::new(log.clone()),
            erasures: erasure::Erasures::new(log.clone(), users.clone()),
            signals: signals::Signals::new(log.clone(), config.signals),
            operations: Self::operations(&log),
            users,
            log,
        })
    }

    /// Returns the operations on the workers, for processes that do not use the domains.
    pub fn operations(log: &EventLog) -> operations::Operations {
        let handlers = Self::handlers(log, &HandlersConfig::default());
        let followers = Self::followers()
            .into_iter()
            .chain(Self::warming_followers(log));
        operations::Operations::new(
            log.clone(),
            followers.collect(),
            handlers
                .iter()
                .map(operations::KnownHandler::from)
                .collect(),
        )
    }

    /// Returns the names of the followers whose read models show events of this kind of stream.
    pub fn read_models_of(kind: &str) -> Vec<&'static str> {
        let followers = Self::followers();
        let interested = followers.iter().filter(|follower| follower.wants(kind));
        interested.map(|follower| follower.name()).collect()
    }

    /// Returns the followers that keep the read models of all domains.
    pub fn followers() -> Vec<Arc<dyn events::Follower>> {
        vec![
            Arc::new(CountsFollower::<customers::Customer>::default()),
            Arc::new(CountsFollower::<users::User>::default()),
            Arc::new(CountsFollower::<chats::Chat>::default()),
            Arc::new(CountsFollower::<posts::Post>::default()),
            Arc::new(CountsFollower::<students::Student>::default()),
            Arc::new(CountsFollower::<signals::Signal>::default()),
            Arc::new(posts::PostsFollower::live()),
            Arc::new(posts::TrendingFollower),
        ]
    }

    /// Returns what retention keeps in the log.
    pub fn keeps() -> events::Keeps {
        KEEPS
    }

    /// Returns the eraser, which knows what data is personal and where it is kept.
    pub fn eraser() -> Arc<dyn events::Eraser> {
        Arc::new(erasure::AllDomains)
    }

    /// Returns the handlers of all domains, which do slow or outward work.
    pub fn handlers(log: &EventLog, config: &HandlersConfig) -> Vec<Arc<dyn events::Handler>> {
        signals::handlers(log, &config.signals)
    }

    /// Returns the read models that can be rebuilt.
    pub fn read_models() -> Vec<Arc<dyn events::ReadModel>> {
        vec![Arc::new(posts::PostsModel)]
    }

    /// Returns the followers that keep the shared cache warm, and nothing in the database.
    pub fn warming_followers(log: &EventLog) -> Vec<Arc<dyn events::Follower>> {
        let students = WarmingFollower::<students::Student>::new(log);
        students.into_iter().map(|it| Arc::new(it) as _).collect()
    }

    /// Returns the counters of this process's caches, by the kind of row.
    pub fn cache_figures(
        &self,
        viewer: &Viewer,
    ) -> Result<Vec<(&'static str, CacheFigures)>, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(vec![
            (customers::STREAM, self.customers.cache_figures()),
            (students::STREAM, self.students.cache_figures()),
        ])
    }
}

/// Returns the contracts of all events of all domains, as committed in `entities/events.json`.
pub fn event_contracts() -> Vec<EventContract> {
    [
        record::event_contracts::<customers::Customer>(),
        users::event_contracts(),
        chats::event_contracts(),
        posts::event_contracts(),
        record::event_contracts::<students::Student>(),
        operations::event_contracts(),
        vec![erasure::event_contract()],
        signals::event_contracts(),
    ]
    .concat()
}
