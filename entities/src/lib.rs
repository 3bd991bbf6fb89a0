//! The domains: their tables, rules, commands, queries and events, one folder each. Only this crate touches their tables
//! and appends to the log; `schema` and `workers` call it. It knows no GraphQL and no transport.

pub mod access;
mod bulk;
mod cache;
pub mod chats;
mod command;
pub mod customers;
pub mod erasure;
pub mod grants;
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
pub mod students;
mod text;
pub mod users;
mod violations;

use std::sync::Arc;

use access::{AccessError, Action, Viewer, authorize};
use events::EventLog;
use grants::Grants;
use record::{CountsFollower, WarmingFollower};
use users::{Users, UsersConfig};

/// Boxes the future of an `async fn`, so that it is compiled in this crate, once, and not again in each crate that awaits it. Every
/// public one that is not generic has it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use cache::{CacheConfig, CacheFigures, Cached};
pub use command::{
    CommandContext, CommandError, Failure, Idempotency, KeyReused, Missing, Refusal,
};
pub use idempotency::remove_expired_answers;
pub use paging::{Direction, Edge, Page, PageRequest, SortKey};
pub use rekeying::{AddressConflict, derive_again};
pub use violations::{Violation, Violations};

/// The kinds of streams of all domains.
const STREAMS: &[&str] = &[
    customers::STREAM,
    users::STREAM,
    users::SESSION_STREAM,
    users::PRESENCE_STREAM,
    chats::STREAM,
    chats::INBOX_STREAM,
    posts::STREAM,
    students::STREAM,
    students::CACHE_STREAM,
    signals::STREAM,
    operations::STREAM,
    events::ERASURE_STREAM,
];

/// Those whose data is shown to nobody but whom it concerns, not even in the log.
const WITHHELD_STREAMS: &[&str] = &[chats::STREAM, chats::INBOX_STREAM];

/// What of the log is kept when it is pruned. Posts are their streams; the versions of the others named here are nowhere
/// but in the log.
const KEEPS: events::Keeps = events::Keeps {
    whole: &[posts::STREAM],
    last: &[
        students::CACHE_STREAM,
        operations::STREAM,
        events::ERASURE_STREAM,
    ],
};

/// All domains of one process.
#[derive(Clone)]
pub struct Entities {
    /// The log under them.
    pub log: EventLog,
    /// Customers.
    pub customers: customers::Customers,
    /// Users, their sessions and presence.
    pub users: Users,
    /// Chats and their messages.
    pub chats: chats::Chats,
    /// Posts, their comments and likes.
    pub posts: posts::Posts,
    /// Students.
    pub students: students::Students,
    /// Signals.
    pub signals: signals::Signals,
    /// Read models, and building them anew.
    pub read_models: read_models::ReadModels,
    /// Erasing what is personal to users.
    pub erasures: erasure::Erasures,
    /// The log, the workers and what was given up.
    pub operations: operations::Operations,
    /// What open subscriptions are allowed.
    pub grants: Grants,
}

/// What the domains can be told.
pub struct EntitiesConfig {
    /// How many hot customers are kept in memory; 0 turns the cache off.
    pub customer_cache_capacity: u64,
    /// How hot rows are kept; the capacity is that of students.
    pub cache: CacheConfig,
    /// About users and signing in.
    pub users: UsersConfig,
    /// About signals.
    pub signals: signals::SignalsConfig,
}

/// What handlers can be told.
#[derive(Clone, Default)]
pub struct HandlersConfig {
    /// Those of signals.
    pub signals: signals::SignalWork,
}

impl Entities {
    /// The domains over `log`.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn new(log: EventLog, config: EntitiesConfig) -> Result<Self, String> {
        // The caches observe the log before the grants do: a grant that turns stale is then checked against news.
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

    /// Operations on the workers, for processes that have no use for the domains.
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

    /// The names of the followers whose read models show what happens in this kind of stream.
    pub fn read_models_of(kind: &str) -> Vec<&'static str> {
        let followers = Self::followers();
        let interested = followers.iter().filter(|follower| follower.wants(kind));
        interested.map(|follower| follower.name()).collect()
    }

    /// The followers that keep the read models of all domains.
    pub fn followers() -> Vec<Arc<dyn events::Follower>> {
        vec![
            Arc::new(CountsFollower::<customers::Customer>::default()),
            Arc::new(posts::PostsFollower::live()),
            Arc::new(posts::TrendingFollower),
        ]
    }

    /// What of the log is kept when it is pruned.
    pub fn keeps() -> events::Keeps {
        KEEPS
    }

    /// What is personal, and where it is kept.
    pub fn eraser() -> Arc<dyn events::Eraser> {
        Arc::new(erasure::AllDomains)
    }

    /// The handlers of all domains: what is slow, or reaches out.
    pub fn handlers(log: &EventLog, config: &HandlersConfig) -> Vec<Arc<dyn events::Handler>> {
        signals::handlers(log, &config.signals)
    }

    /// The read models that can be built anew.
    pub fn read_models() -> Vec<Arc<dyn events::ReadModel>> {
        vec![Arc::new(posts::PostsModel)]
    }

    /// The followers that keep nothing in the database, but what all processes share.
    pub fn warming_followers(log: &EventLog) -> Vec<Arc<dyn events::Follower>> {
        let students = WarmingFollower::<students::Student>::new(log);
        students.into_iter().map(|it| Arc::new(it) as _).collect()
    }

    /// What the caches of this process have done, by the kind of what they keep.
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

/// The contracts of all events of all domains: JSON Schema by type and version, as committed in `entities/events.json`.
pub fn event_schemas() -> serde_json::Value {
    let domains = [
        record::event_schemas::<customers::Customer>(),
        users::event_schemas(),
        chats::event_schemas(),
        posts::event_schemas(),
        record::event_schemas::<students::Student>(),
        operations::event_schemas(),
        erasure::event_schemas(),
        signals::event_schemas(),
    ];
    domains
        .into_iter()
        .flatten()
        .collect::<serde_json::Map<_, _>>()
        .into()
}
