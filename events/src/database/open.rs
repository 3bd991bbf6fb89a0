//! Opens the pools: the settings of each Postgres session, the pragmas of a SQLite file, and which connections are pinged before
//! they are used. Called by `Database::connect`.
//!
//! The server's half of each deadline is set here, too. It cancels a statement, ends a transaction that stands still, checks
//! while it works whether its client is still there, and probes a silent one, so that locks are soon released.

use std::{str::FromStr, time::Duration};

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        ConnectOptions, PgPool, SqlitePool,
        pool::PoolOptions,
        postgres::PgConnectOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{DatabaseConfig, silence::Silence};
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

/// Opens a pool, and a first connection, to see that it is possible.
pub(super) async fn postgres(
    config: &DatabaseConfig,
    max_connections: u32,
    limits: Limits,
    silence: &Silence,
) -> Result<PgPool> {
    let pool = idle_postgres(config, max_connections, limits, silence)?;
    drop(pool.acquire().await.map_err(not_opened)?);
    Ok(pool)
}

/// Returns a pool that has no connections yet.
pub(super) fn idle_postgres(
    config: &DatabaseConfig,
    max_connections: u32,
    limits: Limits,
    silence: &Silence,
) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(&config.url)
        .map_err(not_opened)?
        .application_name("millrace")
        .options(SESSION)
        .options([
            ("statement_timeout", limits.statement.as_millis()),
            ("lock_timeout", limits.lock.as_millis()),
            (
                "idle_in_transaction_session_timeout",
                limits.idle_in_transaction.as_millis(),
            ),
        ])
        .disable_statement_logging();
    let silence = silence.clone();
    let pool = PoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(config.acquire_timeout)
        // A ping before every use costs a third of the throughput.
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let silence = silence.clone();
            Box::pin(async move { Ok(silence.spares(connection, meta.age, meta.idle_for).await) })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(not_opened)?
        .journal_mode(SqliteJournalMode::Wal)
        // A mutation that was answered survives a power cut: FULL syncs the log at every commit.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
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
