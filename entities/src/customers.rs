//! Customers: people and companies that one does business with. An address is unique among the customers that are not
//! deleted, whatever its case, and free again after its customer's deletion; a restore fails if it was taken since.

mod commands;
mod customer;
mod error;
mod events;
mod queries;
mod rules;
mod statistics;

pub use commands::{ChangeCustomer, CreateCustomer, UpdateCustomer};
pub use customer::{Customer, CustomerStatus};
pub use error::CustomerError;
pub use events::{CustomerEvent, CustomerEventKind, STREAM, event_schemas};
pub use queries::{CustomerFilter, CustomerSort, CustomerSortField};
pub use statistics::{
    CustomerStatistics, DayCount, STATISTICS_FOLLOWER, StatisticsFollower, StatusCount,
};

use ::events::EventLog;

use crate::cache::{Cache, CacheConfig, CacheFigures};

/// The commands and queries of customers.
#[derive(Clone)]
pub struct Customers {
    log: EventLog,
    cache: Cache<Customer>,
}

impl Customers {
    pub(crate) fn new(log: EventLog, config: CacheConfig) -> Self {
        let cache = Cache::new(&log, config);
        Self { log, cache }
    }

    /// What the cache of hot customers has done.
    pub fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }
}
