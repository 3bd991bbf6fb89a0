//! The gateway's configuration: flags, environment and a `.env` file, in this order of precedence. Unknown
//! `MILLRACE_*` variables are errors, so that a misspelled limit is not silently the default. Nothing else in this
//! crate reads the environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::cache::CacheSettings;
use crate::connections::ConnectionSettings;
use crate::http::HttpSettings;
use crate::import::StudentsFile;
use crate::limits::Limits;
use crate::live::SubscriptionSettings;
use crate::seed::SeedSettings;
use crate::server::ServerSettings;
use crate::sign_in::{self, SignInSettings};
use crate::websocket::WebSocketSettings;
use entities::users::Secret;
use workers::{
    duration, numbers,
    operating::{DeadLettersSettings, EpochSettings, StatusSettings},
    rebuilding::RebuildSettings,
    retention::{ArchiveSettings, PruneSettings, RetentionSettings},
    settings::{check_variables, database_url, read_dotenv, redis_url, variables},
    signal_settings::SignalSettings,
};

/// Millrace: a GraphQL gateway whose every mutation is an event and whose every event can be subscribed to.
///
/// Without a subcommand it serves. Every flag of that can also be set in the environment or in a file `.env`.
#[derive(Parser, Clone, Debug)]
#[command(name = "gateway", version, max_term_width = 100)]
pub struct Config {
    #[command(flatten)]
    pub store: StoreSettings,
    #[command(flatten)]
    pub cache: CacheSettings,
    #[command(flatten)]
    pub server: ServerSettings,
    #[command(flatten)]
    pub connections: ConnectionSettings,
    #[command(flatten)]
    pub http: HttpSettings,
    #[command(flatten)]
    pub websocket: WebSocketSettings,
    #[command(flatten)]
    pub subscriptions: SubscriptionSettings,
    #[command(flatten)]
    pub sign_in: SignInSettings,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub signals: SignalSettings,
    #[command(flatten)]
    pub retention: RetentionSettings,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where state lives.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Storage")]
pub struct StoreSettings {
    /// Database: `sqlite://path` (embedded) or `postgres://…` (distributed)
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/millrace.db",
        hide_env_values = true,
        value_parser = database_url,
        global = true
    )]
    pub database_url: String,
    /// Redis, the bus between processes; without it the log itself is the bus
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_parser = redis_url)]
    pub redis_url: Option<String>,
    /// Bring the database up to date before serving (implied for SQLite)
    #[arg(long, env = "MILLRACE_MIGRATE", value_parser = BoolishValueParser::new())]
    pub migrate: bool,
    /// First part of every key in Redis; the same for all processes of one Millrace
    #[arg(long, env = "MILLRACE_REDIS_PREFIX", default_value = "millrace")]
    pub redis_prefix: String,
    /// Connections to Postgres for requests; one user, or one network of those who have not signed in, reads with half of them at most
    #[arg(long, env = "MILLRACE_MAX_CONNECTIONS", default_value_t = 16, value_parser = numbers::within(1..=10_000_u32))]
    pub max_connections: u32,
    /// Longest time between two looks at the log, in milliseconds
    #[arg(long, env = "MILLRACE_POLL_INTERVAL_MS", default_value_t = 100, value_parser = numbers::within(1..=60_000_u64))]
    pub poll_interval_ms: u64,
    /// Hot customers kept in memory; 0 turns the cache off
    #[arg(
        long,
        env = "MILLRACE_CUSTOMER_CACHE_CAPACITY",
        default_value_t = 10_000,
        value_parser = numbers::within(0..=1_000_000_000_u64)
    )]
    pub customer_cache_capacity: u64,
    /// Run the workers inside this process (implied for SQLite)
    #[arg(long, env = "MILLRACE_WITH_WORKERS", value_parser = BoolishValueParser::new())]
    pub with_workers: bool,
    /// How long the workers' parts stay with a process that does not renew its lease, in milliseconds [default: 2000, with SQLite
    /// 10000]
    #[arg(long, env = "MILLRACE_LEASE_MS", value_parser = numbers::within(100..=3_600_000_u64))]
    pub lease_ms: Option<u64>,
    /// How long to wait at the start for a database that is not there yet
    #[arg(long, env = "MILLRACE_WAIT_FOR_DATABASE", default_value = "30s", value_parser = duration::parse)]
    pub wait_for_database: Duration,
    /// Create 25 customers when the log is empty; with SQLite and no users yet also two users, a chat, posts and students
    #[arg(long, env = "MILLRACE_DEMO_DATA", value_parser = BoolishValueParser::new())]
    pub demo_data: bool,
}

#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Bring the database up to date and exit
    Migrate,
    /// Create customers, or posts with likes and comments, and exit
    Seed(SeedSettings),
    /// Build a read model anew from the log, beside the live one, and put it in its place
    ///
    /// Gateways and workers may go on running; with SQLite, mutations then wait for its writes every now and then. A rebuild that
    /// was interrupted goes on where it was.
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
    /// Import a large file and exit
    Import {
        #[command(subcommand)]
        what: ImportCommand,
    },
    /// Create an administrator, or make a user one with a new password
    ///
    /// The password is taken from MILLRACE_ADMIN_PASSWORD, or made and printed.
    Admin {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// The password; better set in the environment, where other users do not see it
        #[arg(long, env = "MILLRACE_ADMIN_PASSWORD", hide_env_values = true, value_parser = sign_in::secret)]
        password: Option<Secret>,
    },
}

/// What to import.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum ImportCommand {
    /// Students, from a CSV file
    Students(StudentsFile),
}

impl Config {
    /// Reads `.env`, the environment and the command line. Exits for `--help`, `--version` and on errors, as command
    /// line programs do.
    #[must_use]
    pub fn load() -> Self {
        let read = read_dotenv().and_then(|()| check_variables(variables()));
        if let Err(message) = read {
            fail(message);
        }
        Self::parse()
    }

    /// Everything at its default; reads neither environment nor command line.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            store: StoreSettings {
                database_url: "sqlite://data/millrace.db".into(),
                redis_url: None,
                migrate: false,
                redis_prefix: "millrace".into(),
                max_connections: 16,
                poll_interval_ms: 100,
                customer_cache_capacity: 10_000,
                with_workers: false,
                lease_ms: None,
                wait_for_database: Duration::from_secs(30),
                demo_data: false,
            },
            cache: CacheSettings::default(),
            server: ServerSettings::default(),
            connections: ConnectionSettings::default(),
            http: HttpSettings::default(),
            websocket: WebSocketSettings::default(),
            subscriptions: SubscriptionSettings::default(),
            sign_in: SignInSettings::default(),
            limits: Limits::default(),
            signals: SignalSettings::default(),
            retention: RetentionSettings::default(),
            command: None,
        }
    }
}

/// Parses the default listen address; in one place because flag and default must agree.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

fn fail(message: String) -> ! {
    Config::command()
        .error(clap::error::ErrorKind::UnknownArgument, message)
        .exit()
}

/// Ends the process, as a setting is not valid.
pub fn refuse(message: String) -> ! {
    Config::command()
        .error(clap::error::ErrorKind::ValueValidation, message)
        .exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> Result<(), String> {
        check_variables([(name.to_owned(), String::new())].into_iter())
    }

    #[test]
    fn flags_are_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn the_names_are_listed() {
        let names = workers::settings::names_of(&Config::command());
        assert_eq!(names, workers::settings::OF_GATEWAY);
    }

    #[test]
    fn defaults_are_those_of_the_flags() {
        let parsed = Config::try_parse_from(["gateway"]).expect("no flag is required");
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::defaults()));
    }

    #[test]
    fn unknown_settings_name_the_nearest() {
        assert_eq!(check("MILLRACE_LISTEN"), Ok(()));
        assert_eq!(check("MILLRACE_BATCH_EVENTS"), Ok(()), "the workers'");
        assert_eq!(check("PATH"), Ok(()));
        let message = check("MILLRACE_MAX_DEPHT").expect_err("a misspelled setting");
        assert!(
            message.ends_with("did you mean MILLRACE_MAX_DEPTH?"),
            "{message}"
        );
    }

    #[test]
    fn subcommands_take_the_database() {
        let config = Config::try_parse_from([
            "gateway",
            "seed",
            "--customers",
            "7",
            "--database-url",
            "sqlite://x",
        ])
        .expect("a valid command line");
        let seed = SeedSettings {
            customers: Some(7),
            posts: None,
            likes: 15,
            comments: 4,
        };
        assert_eq!(config.command, Some(Command::Seed(seed)));
        assert_eq!(config.store.database_url, "sqlite://x");
    }
}
