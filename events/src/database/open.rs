//! Opens the pools: the settings of each Postgres session, the pragmas of a SQLite file, and which connections are pinged before
//! they are used. Called by `Database::connect`.
//!
//! The server's half of each deadline is set here, too. It cancels a statement, ends a transaction that stands still, checks
//! while it works whether its client is still there, and probes a silent one, so that locks are soon released. All that is said in
//! statements, as poolers refuse it among the parameters of a connection.

use std::{str::FromStr, sync::Arc, time::Duration};

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Postgres, Row,
        SqlitePool,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use tokio::time::timeout;

use super::{
    DatabaseConfig, LOCK_LIMIT,
    file::FILE_LOCK_LIMIT,
    hosts::{Place, PostgresHosts},
    silence::{PING_LIMIT, Silence},
    switching::{PostgresPool, Switching},
};
use crate::Result;

/// The settings of a Postgres session, apart from its time limits.
const SESSION: [(&str, &str); 6] = [
    // Compiling costs more time than any of our statements takes.
    ("jit", "off"),
    ("client_connection_check_interval", "2s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10s"),
];

/// How long a session may work on a statement, wait for a lock, and stand still inside a transaction.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) lock: Duration,
    pub(super) idle_in_transaction: Duration,
}

impl Limits {
    /// The limits of the sessions of requests.
    pub(super) fn of_requests(config: &DatabaseConfig) -> Self {
        Self {
            // This is less than the patience: a caller whose statement is cancelled keeps the connection.
            statement: config.patience * 5 / 6,
            lock: LOCK_LIMIT,
            idle_in_transaction: Duration::from_secs(10),
        }
    }
}

/// Opens a pool and its first connections, to see that it is possible, and that each is a session of its own.
pub(super) async fn postgres(
    (config, hosts): (&DatabaseConfig, Option<&PostgresHosts>),
    max_connections: u32,
    limits: Limits,
    silence: &Silence,
) -> Result<PostgresPool> {
    let pool = idle_postgres((config, hosts), max_connections, limits, silence)?;
    let (mut one, _) = pool.acquire().await.map_err(not_opened)?;
    if max_connections > 1 {
        let (mut other, _) = pool.acquire().await.map_err(not_opened)?;
        if server_process(&mut one).await? == server_process(&mut other).await? {
            let message = "connections share sessions, as through a pooler by transactions; it has to pool sessions";
            return Err(DbErr::Conn(RuntimeErr::Internal(message.to_owned())).into());
        }
    }
    drop(one);
    Ok(pool)
}

/// Returns the id of the process that serves a connection at this moment. A pooler by transactions gives all the same one, as long as
/// nobody else has it.
async fn server_process(connection: &mut PgConnection) -> Result<i32> {
    // Such a pooler may not know prepared statements.
    let statement = sea_orm::sqlx::raw_sql("select pg_backend_pid()");
    let row = connection.fetch_one(statement).await.map_err(not_opened)?;
    Ok(row.try_get(0).map_err(not_opened)?)
}

/// Returns a pool that has no connections yet.
pub(super) fn idle_postgres(
    (config, hosts): (&DatabaseConfig, Option<&PostgresHosts>),
    max_connections: u32,
    limits: Limits,
    silence: &Silence,
) -> Result<PostgresPool> {
    let pool = PoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(config.acquire_timeout)
        // A ping before every use costs a third of the throughput.
        .test_before_acquire(false);
    let (silence, settings) = (silence.clone(), settings(limits));
    let Some(hosts) = hosts else {
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(not_opened)?
            .application_name("millrace")
            .disable_statement_logging();
        let pool = with_sessions(pool, settings, silence, None);
        return Ok(PostgresPool::Fixed(pool.connect_lazy_with(options)));
    };
    let open = move |place: &Place| {
        let (settings, silence) = (settings.clone(), silence.clone());
        let pool = with_sessions(pool.clone(), settings, silence, Some(place.clone()));
        pool.connect_lazy_with(place.hosts.options(place.primary))
    };
    let switching = Switching::new(hosts, config.acquire_timeout, open);
    Ok(PostgresPool::Switching(switching))
}

/// Has each session begin with its settings, at the place where it should be, and be asked before its use when there is doubt.
fn with_sessions(
    pool: PoolOptions<Postgres>,
    settings: Arc<str>,
    silence: Silence,
    place: Option<Place>,
) -> PoolOptions<Postgres> {
    let place = Arc::new(place);
    let of_new = place.clone();
    pool.after_connect(move |connection: &mut PgConnection, _| {
        let (settings, place) = (settings.clone(), of_new.clone());
        Box::pin(async move {
            let statement = sea_orm::sqlx::raw_sql(AssertSqlSafe(settings));
            connection.execute(statement).await?;
            match &*place {
                Some(place) => place.admit(connection).await,
                None => Ok(()),
            }
        })
    })
    .before_acquire(move |connection, meta| {
        let (silence, place) = (silence.clone(), place.clone());
        Box::pin(async move {
            let is_due = place.as_ref().as_ref().is_some_and(Place::is_proof_due);
            if !is_due && !silence.doubts(meta.age, meta.idle_for) {
                return Ok(true);
            }
            let proof = async {
                match &*place {
                    Some(place) => place.is_proved_by(connection).await,
                    None => connection.ping().await.is_ok(),
                }
            };
            Ok(timeout(PING_LIMIT, proof).await.unwrap_or(false))
        })
    })
}

/// Returns the statements that begin a session.
fn settings(limits: Limits) -> Arc<str> {
    let of_time = [
        ("statement_timeout", limits.statement),
        ("lock_timeout", limits.lock),
        (
            "idle_in_transaction_session_timeout",
            limits.idle_in_transaction,
        ),
    ];
    let of_time = of_time.map(|(name, limit)| format!("set {name} = {}", limit.as_millis()));
    let others = SESSION.map(|(name, value)| format!("set {name} = '{value}'"));
    [&of_time[..], &others[..]].concat().join("; ").into()
}

pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(not_opened)?
        .journal_mode(SqliteJournalMode::Wal)
        // A mutation that was answered survives a power cut: FULL syncs the log at every commit.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(FILE_LOCK_LIMIT)
        .foreign_keys(true)
        // Erased data must not be recoverable from the file.
        .pragma("secure_delete", "on")
        .disable_statement_logging();
    Ok(options)
}

pub(super) async fn sqlite(
    config: &DatabaseConfig,
    max_connections: u32,
    options: SqliteConnectOptions,
) -> Result<SqlitePool> {
    let pool = PoolOptions::new()
        .max_connections(max_connections)
        // One connection always stays open, and keeps the file's write-ahead log in place.
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .connect_with(options.clone().create_if_missing(true))
        .await
        .map_err(not_opened)?;
    // A file that is gone is not created anew while the process runs.
    pool.set_connect_options(options.create_if_missing(false));
    Ok(pool)
}

fn not_opened(error: sea_orm::SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
