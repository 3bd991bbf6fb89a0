//! The database behind the log: pools, and the one transaction loop. `EventLog::write` runs it in a task of its own, so
//! that it ends by commit or rollback even when the caller is cancelled; a future dropped between BEGIN and COMMIT
//! could otherwise return a connection to the pool inside a transaction (transact-rs/sqlx#4393).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, SubsecRound, Utc};
use futures::future::BoxFuture;
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use crate::{Error, Result, boxed};

/// The current time at the precision that both databases keep: microseconds.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `postgres://…` or `sqlite://…`.
    pub url: String,
    /// Connections for requests; Postgres only. SQLite has one writer and a reader for each core.
    pub max_connections: u32,
    /// How long a request waits for a connection before it fails as unavailable.
    pub acquire_timeout: Duration,
}

/// The pools of one process.
#[derive(Debug, Clone)]
pub struct Database {
    /// For queries. On SQLite these connections cannot write.
    pub reader: DatabaseConnection,
    /// For the log's own work, so that a burst of requests cannot starve it.
    pub background: DatabaseConnection,
    background_writer: DatabaseConnection,
    writer: DatabaseConnection,
}

/// Whose connections a transaction uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pool {
    Requests,
    Background,
}

/// Five tries in about half a second: past that, the caller is better told.
fn retry_delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_millis(200))
        .with_max_times(5)
        .with_jitter()
        .build()
}

impl Database {
    /// Opens the pools; the database must exist (a SQLite file is created).
    #[boxed]
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        if config.url.starts_with("sqlite:") {
            Self::connect_sqlite(config).await
        } else {
            Self::connect_postgres(config).await
        }
    }

    async fn connect_postgres(config: &DatabaseConfig) -> Result<Self> {
        let options = |max_connections: u32, idle_in_transaction: &'static str| {
            let mut options = ConnectOptions::new(&config.url);
            options
                .max_connections(max_connections)
                .acquire_timeout(config.acquire_timeout)
                .sqlx_logging(false)
                // A ping before every use costs a third of the throughput; one after idling finds what a restart
                // of the database left behind.
                .test_before_acquire(false)
                .test_before_acquire_if_idle_for(Duration::from_secs(5))
                .set_application_name("millrace")
                .map_sqlx_postgres_opts(move |options| {
                    options.options([
                        // Compiling a statement costs more than any of ours takes.
                        ("jit", "off"),
                        ("lock_timeout", "3s"),
                        ("statement_timeout", "60s"),
                        ("idle_in_transaction_session_timeout", idle_in_transaction),
                    ])
                });
            options
        };
        let writer = sea_orm::Database::connect(options(config.max_connections, "20s")).await?;
        // A process that is paused inside a transaction holds locks on checkpoints that others wait to take over.
        let background = sea_orm::Database::connect(options(6, "5s")).await?;
        Ok(Self {
            reader: writer.clone(),
            writer,
            background_writer: background.clone(),
            background,
        })
    }

    async fn connect_sqlite(config: &DatabaseConfig) -> Result<Self> {
        let options = |max_connections: u32, read_only: bool| {
            let mut options = ConnectOptions::new(&config.url);
            options
                .max_connections(max_connections)
                .min_connections(1)
                .acquire_timeout(config.acquire_timeout)
                .sqlx_logging(false)
                .test_before_acquire(false)
                .map_sqlx_sqlite_opts(move |options| {
                    options
                        .create_if_missing(true)
                        .journal_mode(SqliteJournalMode::Wal)
                        // An answered mutation survives a power cut: FULL syncs the log at every commit.
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(Duration::from_secs(10))
                        .foreign_keys(true)
                        // What was erased is not to be found in the file.
                        .pragma("secure_delete", "on")
                        .pragma("query_only", if read_only { "on" } else { "off" })
                });
            options
        };
        let readers = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
        // The writer first: it creates the file and switches it to WAL.
        let writer = sea_orm::Database::connect(options(1, false)).await?;
        let reader = sea_orm::Database::connect(options(readers.max(2), true)).await?;
        let background = sea_orm::Database::connect(options(2, true)).await?;
        Ok(Self {
            reader,
            background,
            background_writer: writer.clone(),
            writer,
        })
    }

    /// One that answers nothing, for tests that must not ask.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        let none = DatabaseConnection::default;
        Self {
            reader: none(),
            background: none(),
            background_writer: none(),
            writer: none(),
        }
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Whether one file and one process is all there is.
    pub fn is_embedded(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// The connection that may change the schema.
    pub fn schema_connection(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The connections that the log's own work is written with.
    pub(crate) fn background_writer(&self) -> &DatabaseConnection {
        &self.background_writer
    }

    /// Runs `work` in a transaction, and again, at most five times and with jittered delays, when it met a
    /// serialization failure, a deadlock or a lock time-out. Must not be cancelled: see the module's head.
    pub(crate) async fn transaction<T, E, F>(&self, pool: Pool, work: F) -> Result<T, E>
    where
        E: From<Error> + AsRetryable,
        F: for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<T, E>>,
    {
        let connection = match pool {
            Pool::Requests => &self.writer,
            Pool::Background => &self.background_writer,
        };
        let mut delays = retry_delays();
        loop {
            match attempt(connection, &work).await {
                Err(error) if error.is_retryable() => match delays.next() {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(error),
                },
                result => return result,
            }
        }
    }
}

async fn attempt<T, E, F>(connection: &DatabaseConnection, work: &F) -> Result<T, E>
where
    E: From<Error>,
    F: for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<T, E>>,
{
    let tx = connection
        .begin_with_options(TransactionOptions {
            // A deferred transaction that reads before it writes fails with SQLITE_BUSY_SNAPSHOT.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        })
        .await
        .map_err(Error::from)?;
    match work(&tx).await {
        Ok(value) => {
            tx.commit().await.map_err(Error::from)?;
            Ok(value)
        }
        Err(error) => {
            // A rollback that fails has lost its connection, and with it the transaction.
            if let Err(rollback) = tx.rollback().await {
                tracing::debug!(error = %rollback, "rollback failed");
            }
            Err(error)
        }
    }
}

/// Errors of domains say by this whether their transaction may be run again.
pub trait AsRetryable {
    /// Whether the same transaction may succeed when it is run again.
    fn is_retryable(&self) -> bool;
}

impl AsRetryable for Error {
    fn is_retryable(&self) -> bool {
        Error::is_retryable(self)
    }
}
