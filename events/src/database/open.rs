//! How the pools are opened: what Postgres is told of each session, how a SQLite file is kept, and which connections are asked
//! whether they are there before they are used. Called by `Database::connect`.
//!
//! The server's half of a deadline is set here, too. It cancels a statement, ends a transaction that stands still, looks while
//! it works whether its client is still there, and probes one that is silent, so that what is locked is free again soon.

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

use super::{DatabaseConfig, lease::Silence};
use crate::Result;

/// What Postgres is told of a session, besides its time limits.
const SESSION: [(&str, &str); 7] = [
    // Compiling a statement costs more than any of ours takes.
    ("jit", "off"),
    ("lock_timeout", "3s"),
    ("client_connection_check_interval", "2s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10s"),
];

/// How long a session may work on a statement, and stand still inside a transaction.
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) idle_in_transaction: Duration,
}

pub(super) async fn postgres(
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
        .connect_with(options)
        .await
        .map_err(not_opened)?;
    Ok(pool)
}

pub(super) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(not_opened)?
        .journal_mode(SqliteJournalMode::Wal)
        // An answered mutation survives a power cut: FULL syncs the log at every commit.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        // What was erased is not to be found in the file.
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
        // One is always open, and holds the file's log of writes where it is.
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .connect_with(options.clone().create_if_missing(true))
        .await
        .map_err(not_opened)?;
    // A file that is gone is not begun anew while the process runs.
    pool.set_connect_options(options.create_if_missing(false));
    Ok(pool)
}

fn not_opened(error: sea_orm::SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
