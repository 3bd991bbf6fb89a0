//! Settings of the caches of hot rows.

use std::time::Duration;

use clap::Args;
use entities::CacheConfig;

use crate::{duration, numbers};

/// Settings of the caches.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cache")]
pub struct CacheSettings {
    /// Maximum number of customers cached in memory; 0 turns the cache off
    #[arg(
        long,
        env = "MILLRACE_CUSTOMER_CACHE_CAPACITY",
        default_value_t = 10_000,
        value_parser = numbers::within(0..=1_000_000_000_u64)
    )]
    pub customer_cache_capacity: u64,
    /// Maximum number of students cached in memory; 0 turns the cache off
    #[arg(
        long,
        env = "MILLRACE_STUDENT_CACHE_CAPACITY",
        default_value_t = 10_000,
        value_parser = numbers::within(0..=1_000_000_000_u64)
    )]
    pub student_cache_capacity: u64,
    /// How long a cached row is used before it is loaded again, even if no event changed it
    #[arg(long, env = "MILLRACE_CACHE_LIFETIME", default_value = "5m", value_parser = duration::positive)]
    pub cache_lifetime: Duration,
    /// How much longer a cached row may be shown, marked as stale, when it cannot be loaded
    #[arg(long, env = "MILLRACE_CACHE_STALE_LIFETIME", default_value = "1h", value_parser = duration::parse)]
    pub cache_stale_lifetime: Duration,
    /// How long a load may take before the cached row is shown as stale; the load continues
    #[arg(long, env = "MILLRACE_CACHE_SOFT_TIMEOUT", default_value = "500ms", value_parser = duration::parse)]
    pub cache_soft_timeout: Duration,
    /// Time limit of a load
    #[arg(long, env = "MILLRACE_CACHE_HARD_TIMEOUT", default_value = "5s", value_parser = duration::positive)]
    pub cache_hard_timeout: Duration,
}

impl From<&CacheSettings> for CacheConfig {
    fn from(settings: &CacheSettings) -> Self {
        Self {
            capacity: settings.student_cache_capacity,
            lifetime: settings.cache_lifetime,
            stale_lifetime: settings.cache_stale_lifetime,
            soft_timeout: settings.cache_soft_timeout,
            hard_timeout: settings.cache_hard_timeout,
        }
    }
}
