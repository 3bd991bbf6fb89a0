//! Settings of the caches of hot rows.

use std::time::Duration;

use clap::Args;
use entities::CacheConfig;

use crate::{duration, numbers};

/// Settings of the caches.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cache")]
pub struct CacheSettings {
    /// Hot students kept in memory; 0 turns their cache off
    #[arg(
        long,
        env = "MILLRACE_STUDENT_CACHE_CAPACITY",
        default_value_t = 10_000,
        value_parser = numbers::within(0..=1_000_000_000_u64)
    )]
    pub student_cache_capacity: u64,
    /// After this a hot row is loaded again even if no event changed it
    #[arg(long, env = "MILLRACE_CACHE_LIFETIME", default_value = "5m", value_parser = duration::positive)]
    pub cache_lifetime: Duration,
    /// How much longer it may be shown, marked as stale, when it cannot be loaded
    #[arg(long, env = "MILLRACE_CACHE_STALE_LIFETIME", default_value = "1h", value_parser = duration::parse)]
    pub cache_stale_lifetime: Duration,
    /// How long a load may take before what is known is shown as stale, while the load goes on
    #[arg(long, env = "MILLRACE_CACHE_SOFT_TIMEOUT", default_value = "500ms", value_parser = duration::parse)]
    pub cache_soft_timeout: Duration,
    /// How long a load may take at all
    #[arg(long, env = "MILLRACE_CACHE_HARD_TIMEOUT", default_value = "5s", value_parser = duration::positive)]
    pub cache_hard_timeout: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        let config = CacheConfig::default();
        Self {
            student_cache_capacity: config.capacity,
            cache_lifetime: config.lifetime,
            cache_stale_lifetime: config.stale_lifetime,
            cache_soft_timeout: config.soft_timeout,
            cache_hard_timeout: config.hard_timeout,
        }
    }
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
