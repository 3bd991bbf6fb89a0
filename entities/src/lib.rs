//! The domains: their tables, rules, commands, queries and events, one folder each. Only this crate touches their tables
//! and appends to the log; `schema` and `workers` call it. It knows no GraphQL and no transport.

pub mod access;
mod bulk;
mod cache;
pub mod chats;
pub mod customers;
mod idempotency;
mod paging;
pub mod posts;
pub mod users;
mod violations;

use std::sync::Arc;

use access::{Grants, Viewer};
use events::EventLog;
use users::{Users, UsersConfig};

pub use idempotency::{Idempotency, KeyReused, remove_expired_answers};
pub use paging::{Direction, Edge, Page, PageRequest, SortKey};
pub use violations::{Violation, Violations};

/// Who is calling, and under which names the call is known.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// On whose behalf.
    pub viewer: Viewer,
    /// The request that this is part of.
    pub request_id: Option<String>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The client's promise that a repeat is a repeat.
    pub idempotency: Option<Idempotency>,
}

impl CommandContext {
    /// The context of a process that acts on its own behalf.
    pub fn process(name: &'static str) -> Self {
        Self {
            viewer: Viewer::Process(name),
            request_id: None,
            traceparent: None,
            idempotency: None,
        }
    }

    fn meta(&self) -> events::Meta {
        events::Meta {
            actor: self.viewer.actor(),
            correlation_id: self.request_id.clone(),
            causation_id: None,
            traceparent: self.traceparent.clone(),
            idempotency_key: self.idempotency.as_ref().map(|it| it.key.clone()),
        }
    }
}

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
    /// What open subscriptions are allowed.
    pub grants: Grants,
}

/// What the domains can be told.
pub struct EntitiesConfig {
    /// How many hot customers are kept in memory; 0 turns the cache off.
    pub customer_cache_capacity: u64,
    /// About users and signing in.
    pub users: UsersConfig,
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
            customers: customers::Customers::new(log.clone(), config.customer_cache_capacity),
            grants: Grants::new(&log, users.clone()),
            chats: chats::Chats::new(log.clone()),
            posts: posts::Posts::new(log.clone()),
            users,
            log,
        })
    }

    /// The followers that keep the read models of all domains.
    pub fn followers() -> Vec<Arc<dyn events::Follower>> {
        vec![
            Arc::new(customers::StatisticsFollower),
            Arc::new(posts::PostsFollower::live()),
        ]
    }
}

/// The contracts of all events of all domains: JSON Schema by type and version, as committed in `entities/events.json`.
pub fn event_schemas() -> serde_json::Value {
    let domains = [
        customers::event_schemas(),
        users::event_schemas(),
        chats::event_schemas(),
        posts::event_schemas(),
    ];
    domains
        .into_iter()
        .flatten()
        .collect::<serde_json::Map<_, _>>()
        .into()
}
