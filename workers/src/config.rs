//! The configuration of the `workers` process: flags, environment and `.env`. Unknown `MILLRACE_*` variables are errors.
//! Nothing else in this crate reads the environment.

use std::{net::SocketAddr, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};
use workers::{
    duration, numbers,
    operating::{DeadLettersSettings, EpochSettings, StatusSettings},
    rebuilding::RebuildSettings,
    retention::{ArchiveSettings, PruneSettings, RetentionSettings},
    settings::{check_variables, database_url, read_dotenv, redis_url, variables},
    signal_settings::SignalSettings,
};

/// Millrace workers: keep the read models of a distributed Millrace.
///
/// Any number of these may run beside any number of gateways on the same database; they share the work. Every flag but
/// those of subcommands can also be set in the environment or in a file `.env`.
#[derive(Parser, Debug, Clone)]
#[command(name = "workers", version, max_term_width = 100)]
pub(crate) struct Config {
    /// Database: `postgres://…`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = database_url)]
    pub(crate) database_url: String,
    /// Redis, the bus between processes; without it the log itself is the bus
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_parser = redis_url)]
    pub(crate) redis_url: Option<String>,
    /// First part of every key in Redis; the same for all processes of one Millrace
    #[arg(long, env = "MILLRACE_REDIS_PREFIX", default_value = "millrace")]
    pub(crate) redis_prefix: String,
    /// Connections to Postgres
    #[arg(long, env = "MILLRACE_WORKERS_CONNECTIONS", default_value_t = 4, value_parser = numbers::within(1..=10_000_u32))]
    pub(crate) max_connections: u32,
    /// Longest time between two looks at the log, in milliseconds
    #[arg(long, env = "MILLRACE_POLL_INTERVAL_MS", default_value_t = 100, value_parser = numbers::within(1..=60_000_u64))]
    pub(crate) poll_interval_ms: u64,
    /// How long a part stays with a process that does not renew its lease, in milliseconds
    #[arg(long, env = "MILLRACE_LEASE_MS", default_value_t = 2_000, value_parser = numbers::within(100..=3_600_000_u64))]
    pub(crate) lease_ms: u64,
    /// How long to wait at the start for a database that is not there yet
    #[arg(long, env = "MILLRACE_WAIT_FOR_DATABASE", default_value = "30s", value_parser = duration::parse)]
    pub(crate) wait_for_database: Duration,
    /// Address at which probes find /health/live and /health/ready; port 0 takes a free one; without it there is none
    #[arg(long, env = "MILLRACE_HEALTH_LISTEN")]
    pub(crate) health_listen: Option<SocketAddr>,
    /// Events applied in one transaction at most
    #[arg(long, env = "MILLRACE_BATCH_EVENTS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) batch_events: u64,
    #[command(flatten)]
    pub(crate) signals: SignalSettings,
    #[command(flatten)]
    pub(crate) retention: RetentionSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do in place of running.
#[derive(Subcommand, Debug, Clone)]
pub(crate) enum Command {
    /// Build a read model anew from the log, beside the live one, and put it in its place
    ///
    /// Workers and gateways may go on running. A rebuild that was interrupted goes on where it was.
    Rebuild(RebuildSettings),
    /// Write events to files, in the order of the log
    ///
    /// Safe to interrupt and repeat: it goes on where it was. Also takes out what was erased since.
    Archive(ArchiveSettings),
    /// Remove events from the log that everybody has passed
    ///
    /// Streams that are state, such as those of posts, stay. Subscribers whose cursor is older are told CURSOR_EXPIRED.
    Prune(PruneSettings),
    /// List, show, replay or discard dead letters: events that a follower or a handler has given up
    DeadLetters(DeadLettersSettings),
    /// Show how the workers stand: followers and their lag, handlers, breakers
    Status(StatusSettings),
    /// Show the epoch of the log, or begin a new one
    ///
    /// Cursors name the epoch they are of. When the database turns out to be another one, or an older state of itself, a new epoch
    /// begins by itself; begin one by hand when it cannot know. Every cursor of the epoch before is refused from then on.
    Epoch(EpochSettings),
}

impl Config {
    /// Reads `.env`, the environment and the command line; exits with an explanation on errors.
    pub(crate) fn load() -> Self {
        let read = read_dotenv().and_then(|()| check_variables(variables()));
        if let Err(message) = read {
            fail(message);
        }
        Self::parse()
    }

    /// See `MILLRACE_LEASE_MS`.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

fn fail(message: String) -> ! {
    Config::command()
        .error(clap::error::ErrorKind::UnknownArgument, message)
        .exit()
}

/// Ends the process, as a setting is not valid.
pub(crate) fn refuse(message: String) -> ! {
    Config::command()
        .error(clap::error::ErrorKind::ValueValidation, message)
        .exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_listed() {
        let names = workers::settings::names_of(&Config::command());
        assert_eq!(names, workers::settings::OF_WORKERS);
    }
}
