//! The domains: their tables, rules, commands, queries and events, one folder each. Only this crate touches their tables
//! and appends to the log; `schema` and `workers` call it. It knows no GraphQL and no transport.

pub mod customers;
mod idempotency;
mod paging;
mod violations;

use events::EventLog;

pub use idempotency::{Idempotency, KeyReused, remove_expired_answers};
pub use paging::{Direction, Edge, Page, PageRequest, SortKey};
pub use violations::{Violation, Violations};

/// Who is calling, and under which names the call is known.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// A user's id, `anonymous`, or the name of a process.
    pub actor: String,
    /// The request that this is part of.
    pub request_id: Option<String>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The client's promise that a repeat is a repeat.
    pub idempotency: Option<Idempotency>,
}

impl CommandContext {
    /// The context of a process that acts on its own behalf.
    pub fn process(name: &str) -> Self {
        Self {
            actor: name.to_owned(),
            request_id: None,
            traceparent: None,
            idempotency: None,
        }
    }

    fn meta(&self) -> events::Meta {
        events::Meta {
            actor: self.actor.clone(),
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
}

/// What the domains can be told.
#[derive(Debug, Clone)]
pub struct EntitiesConfig {
    /// How many hot customers are kept in memory; 0 turns the cache off.
    pub customer_cache_capacity: u64,
}

impl Entities {
    /// The domains over `log`.
    pub fn new(log: EventLog, config: &EntitiesConfig) -> Self {
        Self {
            customers: customers::Customers::new(log.clone(), config.customer_cache_capacity),
            log,
        }
    }

    /// The followers that keep the read models of all domains.
    pub fn followers() -> Vec<std::sync::Arc<dyn events::Follower>> {
        vec![std::sync::Arc::new(customers::StatisticsFollower)]
    }
}

/// The contracts of all events of all domains: JSON Schema by type and version, as committed in `entities/events.json`.
pub fn event_schemas() -> serde_json::Value {
    customers::event_schemas().into()
}
