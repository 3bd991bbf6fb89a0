//! The command line: the subcommands, and every setting with its default, its unit and its help. `sources` defines where else settings
//! are read from, `effective` what `millrace config` prints. Nothing else reads the environment.

mod effective;
mod sources;
mod urls;
mod variables;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::admin::AdminListen;
use crate::cache::CacheSettings;
use crate::connections::ConnectionSettings;
use crate::import::StudentsFile;
use crate::limits::Limits;
use crate::live::SubscriptionSettings;
use crate::logging::{self, LogFormat};
use crate::mail::MailSettings;
use crate::persisted::DocumentSettings;
use crate::rates::RateSettings;
use crate::seed::SeedSettings;
use crate::sign_in::{self, SignInSettings, UserSettings};
use crate::telemetry::TracingSettings;
use crate::transports::{HttpSettings, ServerSettings, WebSocketSettings};
use entities::users::Secret;
use workers::{
    duration, numbers,
    operating::{DeadLettersSettings, EpochSettings, StatusSettings},
    rebuilding::RebuildSettings,
    retention::{ArchiveSettings, PruneSettings, RetentionSettings},
    settings::{WorkSettings, defaults},
    signal_settings::SignalSettings,
};

pub use sources::{Loaded, completions, load, load_again};

/// Millrace: a GraphQL gateway whose every mutation is an event and whose every event can be subscribed to.
///
/// Without a subcommand it serves. Every setting is read, in this order of precedence, from its flag, from its variable in the environment,
/// from the same variable in a file `.env`, and from a TOML file, whose keys are named like the flags.
#[derive(Parser, Debug)]
#[command(name = "millrace", version, max_term_width = 100)]
pub struct CommandLine {
    #[command(flatten)]
    pub config: Config,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// All settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub process: ProcessSettings,
    #[command(flatten)]
    pub tracing: TracingSettings,
    #[command(flatten)]
    pub store: StoreSettings,
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
    pub mail: MailSettings,
    #[command(flatten)]
    pub rates: RateSettings,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub documents: DocumentSettings,
    #[command(flatten)]
    pub cache: CacheSettings,
    #[command(flatten)]
    pub work: WorkSettings,
    #[command(flatten)]
    pub signals: SignalSettings,
    #[command(flatten)]
    pub retention: RetentionSettings,
}

impl Default for Config {
    fn default() -> Self {
        defaults()
    }
}

/// Settings of the process itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Process")]
pub struct ProcessSettings {
    /// A TOML file with settings, such as `max-depth = 12` [default: millrace.toml in the working directory, if there is one]
    #[arg(long, env = "MILLRACE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Log levels for standard error: one level, or levels by crate, such as `info,gateway=debug`
    #[arg(long, env = "RUST_LOG", value_name = "LEVELS", default_value = logging::DEFAULT, value_parser = logging::check)]
    pub log: String,
    /// Form of log lines: text, json (one object a line), or pretty (several lines each)
    #[arg(long, env = "MILLRACE_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Time from which on a query, a mutation or the beginning of a subscription is logged as slow; 0s turns that off
    #[arg(long, env = "MILLRACE_SLOW_OPERATION", default_value = "2s", value_parser = duration::parse)]
    pub slow_operation: Duration,
    /// Time from which on a statement is logged as slow; 0s turns that off
    #[arg(long, env = "MILLRACE_SLOW_STATEMENT", default_value = "1s", value_parser = duration::parse)]
    pub slow_statement: Duration,
    /// Address of the admin listener with /metrics, /health/live and /health/ready; port 0 takes a free one, `off` opens none [default:
    /// 127.0.0.1:9464, and none if that is taken]
    #[arg(long, env = "MILLRACE_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<AdminListen>,
    /// Maximum number of names of operations that have metrics of their own
    #[arg(long, env = "MILLRACE_METRICS_OPERATIONS", default_value_t = 100, value_parser = numbers::within(0..=10_000_usize))]
    pub metrics_operations: usize,
}

/// Settings of storage.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Storage")]
pub struct StoreSettings {
    /// Database: `sqlite://path` (embedded) or `postgres://…` (distributed), of which several hosts may be named: `postgres://user:pw@h1,h2/name`
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/millrace.db",
        hide_env_values = true
    )]
    pub database_url: String,
    /// Streaming standbys that answer queries of gateways in place of the primary, when they have all that it has: `postgres://user:pw@h1,h2/name`
    #[arg(long, env = "MILLRACE_REPLICA_URL", hide_env_values = true)]
    pub replica_url: Option<String>,
    /// Redis, the bus between processes; without it the log itself is the bus
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// PEM file with the authorities that sign the certificate of Redis, for `rediss://…` [default: those that browsers trust]
    #[arg(long, env = "MILLRACE_REDIS_CA", value_name = "FILE")]
    pub redis_ca: Option<PathBuf>,
    /// Prefix of every key in Redis; the same for all processes of one Millrace
    #[arg(long, env = "MILLRACE_REDIS_PREFIX", default_value = "millrace")]
    pub redis_prefix: String,
    /// Bring the database up to date at the start (implied for SQLite)
    #[arg(long, env = "MILLRACE_MIGRATE")]
    pub migrate: bool,
    /// How long to wait at the start for a database that is not there yet
    #[arg(long, env = "MILLRACE_WAIT_FOR_DATABASE", default_value = "30s", value_parser = duration::parse)]
    pub wait_for_database: Duration,
    /// Maximum number of connections to Postgres; one user, or one network of users who have not signed in, reads with at most half of them
    #[arg(long, env = "MILLRACE_MAX_CONNECTIONS", default_value_t = 16, value_parser = numbers::within(1..=10_000_u32))]
    pub max_connections: u32,
    /// Interval between two polls of the log; with Redis, polls that find nothing come up to a second apart
    #[arg(long, env = "MILLRACE_POLL_INTERVAL", default_value = "100ms", value_parser = duration::within("1ms", "60s"))]
    pub poll_interval: Duration,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Serve the API and the pages; the default without a subcommand
    #[command(
        after_help = "Examples:\n  millrace serve --listen 0.0.0.0:8080\n  millrace serve --demo-data --database-url sqlite:///tmp/try.db"
    )]
    Serve,
    /// Run the workers: keep the read models of a distributed Millrace
    ///
    /// Any number of these may run beside any number of gateways on the same database; they share the work.
    #[command(
        after_help = "Example:\n  millrace work --database-url postgres://millrace@db/millrace --redis-url redis://redis"
    )]
    Work,
    /// Bring the database up to date and exit
    #[command(
        after_help = "Example:\n  millrace migrate --database-url postgres://millrace@db/millrace"
    )]
    Migrate,
    /// Create customers, or posts with likes and comments, and exit
    #[command(
        after_help = "Examples:\n  millrace seed --customers 1000 --posts 50\n  millrace seed --file customers.json"
    )]
    Seed(SeedSettings),
    /// Import a large file and exit
    #[command(after_help = "Example:\n  millrace import students students.csv --existing update")]
    Import {
        #[command(subcommand)]
        what: ImportCommand,
    },
    /// Create an administrator, or make a user one with a new password
    ///
    /// The password is taken from MILLRACE_ADMIN_PASSWORD, or made and printed.
    #[command(after_help = "Example:\n  millrace admin --email ada@example.org")]
    Admin {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// The password; better set in the environment, where other users do not see it
        #[arg(long, env = "MILLRACE_ADMIN_PASSWORD", hide_env_values = true, value_parser = sign_in::secret)]
        password: Option<Secret>,
    },
    /// Create a user, or give one another role and a new password
    ///
    /// The password is taken from MILLRACE_USER_PASSWORD, or made and printed. A user who is there keeps their name.
    #[command(
        after_help = "Example:\n  millrace user --email ada@example.org --name Ada --role staff"
    )]
    User(UserSettings),
    /// Show followers with their lag, handlers, and circuit breakers
    #[command(after_help = "Examples:\n  millrace status\n  millrace status --json")]
    Status(StatusSettings),
    /// Look at the settings, database, Redis, clocks, disk, migrations and workers, and say what to do
    ///
    /// It leaves all as it is, and may run beside a Millrace that serves. The exit code is 3 when something does not work.
    #[command(after_help = "Examples:\n  millrace doctor\n  millrace doctor --json")]
    Doctor(DoctorSettings),
    /// List, show, replay or discard dead letters: events that a follower or a handler has given up on
    #[command(
        after_help = "Examples:\n  millrace dead-letters list --consumer posts\n  millrace dead-letters replay --all"
    )]
    DeadLetters(DeadLettersSettings),
    /// Rebuild a read model from the log beside the live one, then swap the two
    ///
    /// Gateways and workers may keep running; with SQLite, mutations then wait for its writes every now and then. An interrupted rebuild
    /// resumes.
    #[command(after_help = "Example:\n  millrace rebuild posts --share 50")]
    Rebuild(RebuildSettings),
    /// Write events to files, in the order of the log
    ///
    /// Safe to interrupt and repeat: it resumes. Also removes data that was erased since.
    #[command(
        after_help = "Example:\n  millrace archive --older-than 90d --to /var/lib/millrace/archive"
    )]
    Archive(ArchiveSettings),
    /// Remove from the log the events that every consumer has passed
    ///
    /// Streams that are state, such as those of posts, stay. Subscribers whose cursor is older are told CURSOR_EXPIRED.
    #[command(
        after_help = "Example:\n  millrace prune --older-than 90d --archived-in /var/lib/millrace/archive"
    )]
    Prune(PruneSettings),
    /// Show the epoch of the log, or begin a new one
    ///
    /// Cursors name their epoch. When the database turns out to be another one, or an older state of itself, a new epoch begins by
    /// itself; begin one by hand when the database cannot tell. From then on, every cursor of the epoch before is refused.
    #[command(
        after_help = "Examples:\n  millrace epoch\n  millrace epoch --begin --reason restored"
    )]
    Epoch(EpochSettings),
    /// Print every setting with its value and its source; secrets are masked
    #[command(after_help = "Example:\n  millrace config --max-depth 12")]
    Config,
    /// Print the GraphQL schema
    #[command(after_help = "Example:\n  millrace schema")]
    Schema,
    /// Print completions for a shell
    #[command(after_help = "Example:\n  millrace completions bash")]
    Completions { shell: Shell },
}

/// The arguments for a look at everything.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct DoctorSettings {
    /// Print JSON: what was looked at, how it is (ok, warning or trouble), and what to do
    #[arg(long)]
    pub json: bool,
}

/// What to import.
#[derive(Subcommand, Clone, Debug)]
pub enum ImportCommand {
    /// Students, from a CSV file
    Students(StudentsFile),
}
