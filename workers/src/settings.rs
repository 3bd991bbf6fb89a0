//! Settings of the workers, and the defaults of all settings. A setting is declared once, as a flag with its default, its unit and
//! its help; `gateway::config` reads it from everywhere else.

use std::{net::SocketAddr, time::Duration};

use clap::Args;

use crate::{duration, numbers};

/// Settings of the workers, whether they run in a process of their own or inside a gateway.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Workers")]
pub struct WorkSettings {
    /// Run the workers inside this gateway (implied for SQLite)
    #[arg(long, env = "MILLRACE_WITH_WORKERS")]
    pub with_workers: bool,
    /// How long a process keeps parts of followers without renewing its lease [default: 2s, with SQLite 10s]
    #[arg(long, env = "MILLRACE_LEASE", value_parser = duration::within("100ms", "1h"))]
    pub lease: Option<Duration>,
    /// Maximum number of events that a follower applies in one transaction; it begins with at most 500, and applies more while it is
    /// far behind [default: 4000, with SQLite 500, as mutations wait for it]
    #[arg(long, env = "MILLRACE_BATCH_EVENTS", value_parser = numbers::within(1..=10_000_u64))]
    pub batch_events: Option<u64>,
    /// Maximum number of events that `millrace rebuild` writes in one transaction; with SQLite, mutations wait for it [default: 10000,
    /// with SQLite 1000]
    #[arg(long, env = "MILLRACE_REBUILD_BATCH_EVENTS", value_parser = numbers::within(1..=100_000_u64))]
    pub rebuild_batch_events: Option<u64>,
    /// Maximum number of connections to Postgres of `millrace work`
    #[arg(long, env = "MILLRACE_WORKERS_CONNECTIONS", default_value_t = 4, value_parser = numbers::within(1..=10_000_u32))]
    pub workers_connections: u32,
    /// Address at which `millrace work` answers /health/live and /health/ready; port 0 takes a free one; without it there are no probes
    #[arg(long, env = "MILLRACE_HEALTH_LISTEN")]
    pub health_listen: Option<SocketAddr>,
}

/// Returns settings with their declared defaults, whatever the environment contains.
///
/// # Panics
/// When one of them has no default.
#[must_use]
pub fn defaults<T: Args>() -> T {
    let without_environment = |arg: clap::Arg| arg.env(clap::builder::Resettable::Reset);
    let command = T::augment_args(clap::Command::new("defaults")).mut_args(without_environment);
    let declared = command
        .try_get_matches_from(["defaults"])
        .and_then(|matches| T::from_arg_matches(&matches));
    declared.expect("every setting has a default")
}
