//! The database behind the log: pools, and the one transaction loop. A commit is reported only when the database has answered it:
//! see `transaction`, and `file` for SQLite. A connection that is not known to be idle is closed: see `lease`. So a future that
//! was dropped anywhere leaves no transaction open (transact-rs/sqlx#4393), and `EventLog::write` runs its loop in a task of its
//! own only so that a mutation completes when its caller goes away.

mod boundaries;
mod connection;
mod file;
mod hosts;
mod lease;
mod open;
mod replicas;
mod silence;
mod slow;
mod switching;
mod transaction;
mod trouble;
mod turns;

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, SubsecRound, Utc};
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr};

pub use self::{
    connection::DatabaseConnection,
    file::sqlite_file,
    hosts::{HostFacts, PostgresHosts, replica_url_error},
    slow::warn_of_statements_over,
    transaction::DatabaseTransaction,
    turns::{Claimant, Crowded, Turn, Turns},
};
use self::{file::DatabaseFile, open::Limits, silence::Silence, trouble::Trouble};
use crate::{
    Error, Result, boxed,
    sql::{Dialect, query_one_as},
};

/// How long the log's own work over much of the log waits for an answer.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(65);
/// The same for SQLite, which is a file and answers late only when the disk does.
const FILE_PATIENCE: Duration = Duration::from_secs(65);

/// How long a statement waits for a lock.
const LOCK_LIMIT: Duration = Duration::from_secs(3);
const GROUP_LOCK_LIMIT: Duration = Duration::from_millis(250);
/// More than groups are committed at once while the database answers.
const GROUP_CONNECTIONS: u32 = 8;

/// Returns the current time at the precision that both databases keep: microseconds.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `postgres://…`, with one host or several, or `sqlite://…`.
    pub url: String,
    /// The number of connections for requests, of which one claimant reads with at most half. Postgres only: SQLite has one
    /// writer, and a reader for each core and one more.
    pub max_connections: u32,
    /// How long a request waits for a connection before it fails as unavailable, and for its turn at one before it fails as crowded.
    pub acquire_timeout: Duration,
    /// How long to wait for an answer of Postgres. A connection that does not answer in time is closed.
    pub patience: Duration,
}

impl DatabaseConfig {
    /// The default patience of a process: more than any request or step of the log's own work takes.
    pub const PATIENCE: Duration = Duration::from_secs(12);
}

/// The pools of one process.
#[derive(Debug, Clone)]
pub struct Database {
    /// For what is read on behalf of requests. On SQLite these connections cannot write.
    pub reader: DatabaseConnection,
    /// For what queries show, and decide nothing by: the same, or replicas that are proven to have all of it.
    pub queries: DatabaseConnection,
    /// For the log's own work, so that a burst of requests cannot starve it.
    pub background: DatabaseConnection,
    background_writer: DatabaseConnection,
    writer: DatabaseConnection,
    /// For groups of writes.
    grouped: DatabaseConnection,
    trouble: Trouble,
    acquire_timeout: Duration,
    /// The hosts, if there are several.
    hosts: Option<PostgresHosts>,
    /// The file, on SQLite.
    file: Option<Arc<DatabaseFile>>,
}

/// The pool that a transaction takes its connection from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pool {
    Requests,
    /// Connections that wait for a lock but briefly: a group waits with its most unlucky member.
    Groups,
    Background,
    /// The background's pool, with the patience of work over much of the log.
    Patient,
}

/// Allows five tries in about half a second; after that, the caller had better be told.
fn retry_delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_millis(200))
        .with_max_times(5)
        .with_jitter()
        .build()
}

impl Database {
    /// Opens the pools. The database must exist; a SQLite file is created.
    #[boxed]
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        if config.url.starts_with("sqlite:") {
            Self::connect_sqlite(config).await
        } else {
            Self::connect_postgres(config).await
        }
    }

    async fn connect_postgres(config: &DatabaseConfig) -> Result<Self> {
        let (silence, trouble) = (Silence::new(), Trouble::default());
        let hosts = PostgresHosts::of(&config.url).map_err(|wrong| unavailable(&wrong))?;
        let at = (config, hosts.as_ref());
        let limits = Limits::of_requests(config);
        let writer = open::postgres(at, config.max_connections, limits, &silence).await?;
        let limits = Limits {
            lock: GROUP_LOCK_LIMIT,
            ..limits
        };
        // Not every process writes.
        let grouped = open::idle_postgres(at, GROUP_CONNECTIONS, limits, &silence)?;
        let limits = Limits {
            statement: Duration::from_secs(60),
            lock: LOCK_LIMIT,
            // A process that is paused inside a transaction holds locks on checkpoints that others wait to take over.
            idle_in_transaction: Duration::from_secs(5),
        };
        let background = open::postgres(at, 6, limits, &silence).await?;
        let connection = |name, pool| {
            let pool = (name, lease::Pool::Postgres(pool));
            DatabaseConnection::new(pool, config.patience, silence.clone(), trouble.clone())
        };
        let writer = connection("requests", writer);
        let background = connection("background", background);
        let grouped = connection("groups", grouped);
        let all = config.max_connections as usize;
        let reads = Turns::new(all, all / 2, config.acquire_timeout);
        // Apart from those who read: whoever writes reads as well, and must not wait for itself.
        let writes = Turns::new(all, all / 4, config.acquire_timeout);
        let reader = writer.in_turn(reads);
        Ok(Self {
            queries: reader.clone(),
            reader,
            writer: writer.in_turn(writes),
            grouped,
            background_writer: background.clone(),
            background,
            trouble,
            acquire_timeout: config.acquire_timeout,
            hosts,
            file: None,
        })
    }

    async fn connect_sqlite(config: &DatabaseConfig) -> Result<Self> {
        let (silence, trouble) = (Silence::new(), Trouble::default());
        let options = open::sqlite_options(&config.url)?;
        let path = options.get_filename().to_owned();
        let reading = options.clone().pragma("query_only", "on");
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u32);
        // One more than a single claimant may hold.
        let readers = cores.max(2) + 1;
        // The writer comes first: it creates the file and switches it to WAL.
        let writer = open::sqlite(config, 1, options).await?;
        let reader = open::sqlite(config, readers, reading.clone()).await?;
        let background = open::sqlite(config, 2, reading).await?;
        let connection = |name, pool| {
            let pool = (name, lease::Pool::Sqlite(pool));
            DatabaseConnection::new(pool, FILE_PATIENCE, silence.clone(), trouble.clone())
        };
        let writer = connection("writer", writer);
        let readers = readers as usize;
        let turns = Turns::new(readers, readers - 1, config.acquire_timeout);
        let reader = connection("reader", reader).in_turn(turns);
        Ok(Self {
            queries: reader.clone(),
            reader,
            background: connection("background", background),
            background_writer: writer.clone(),
            grouped: writer.clone(),
            writer,
            trouble,
            acquire_timeout: config.acquire_timeout,
            hosts: None,
            file: DatabaseFile::opened(&path).map(Arc::new),
        })
    }

    /// Returns a database that answers nothing, for tests that must not query it.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        let none = DatabaseConnection::unconnected;
        Self {
            reader: none(),
            queries: none(),
            background: none(),
            background_writer: none(),
            writer: none(),
            grouped: none(),
            trouble: Trouble::default(),
            acquire_timeout: Duration::ZERO,
            hosts: None,
            file: None,
        }
    }

    /// Returns the kind of database.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Returns the pools, with the names that metrics have for them.
    pub(crate) fn pools(&self) -> Vec<(&'static str, &DatabaseConnection)> {
        match self.is_embedded() {
            true => vec![
                ("writer", &self.writer),
                ("reader", &self.reader),
                ("background", &self.background),
            ],
            false => vec![
                ("requests", &self.writer),
                ("groups", &self.grouped),
                ("background", &self.background),
            ],
        }
    }

    /// Returns whether the database is a file used by a single process.
    pub fn is_embedded(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// Returns how long a request waits until its work with the database begins.
    pub fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// Returns the pool that may change the schema, for migrations.
    pub fn schema_connection(&self) -> sea_orm::DatabaseConnection {
        self.background_writer.plain()
    }

    /// Returns the connections for the writes of requests.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Returns the connections for groups of writes.
    pub(crate) fn grouped(&self) -> &DatabaseConnection {
        &self.grouped
    }

    /// Returns the connections for the writes of the log's own work.
    pub(crate) fn background_writer(&self) -> &DatabaseConnection {
        &self.background_writer
    }

    /// Checks that the database can be read and written now. After a failure the check writes, as nothing else shows that it can.
    ///
    /// # Errors
    /// The reason why it cannot.
    #[boxed]
    pub async fn check(&self) -> Result<()> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        let sql = self.backend().either(
            "select current_setting('transaction_read_only')::boolean as is_read_only",
            "select false as is_read_only",
        );
        let tx = self.reader.begin().await?;
        let is_read_only: Option<bool> = query_one_as(&tx, sql, Vec::new()).await?;
        if is_read_only.unwrap_or(false) {
            // The session ends when it is left like this: the next one may be with another server.
            self.hosts.iter().for_each(PostgresHosts::suspect);
            return Err(unavailable("it is read-only"));
        }
        tx.rollback().await?;
        if self.trouble.is_noted() {
            self.transaction(Pool::Requests, |tx| Box::pin(write_something(tx)))
                .await?;
        }
        Ok(())
    }

    /// Runs `work` in a transaction. After a serialization failure, a deadlock or a lock time-out it runs again, at most five
    /// times and with jittered delays. Dropped before its end, it leaves no transaction open: see the module's head.
    pub(crate) async fn transaction<T, E, F>(&self, pool: Pool, work: F) -> Result<T, E>
    where
        E: From<Error> + AsRetryable,
        F: for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<T, E>>,
    {
        let connection = match pool {
            Pool::Requests => &self.writer,
            Pool::Groups => &self.grouped,
            Pool::Background => &self.background_writer,
            Pool::Patient => &self.background_writer.patient(LONG_PATIENCE),
        };
        let mut delays = retry_delays();
        loop {
            match self.attempt(connection, &work).await {
                Err(error) if error.is_retryable() => match delays.next() {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(error),
                },
                result => return result,
            }
        }
    }

    /// Notes that something was committed, so whatever kept others from writing is over.
    pub(crate) fn note_written(&self) {
        self.trouble.clear();
    }

    async fn attempt<T, E, F>(&self, connection: &DatabaseConnection, work: &F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'tx> Fn(&'tx DatabaseTransaction) -> BoxFuture<'tx, Result<T, E>>,
    {
        if let Some(file) = &self.file {
            file.check()?;
        }
        let tx = connection.begin_writing().await.map_err(Error::from)?;
        match work(&tx).await {
            Ok(value) => {
                tx.commit().await.map_err(Error::from)?;
                if let Some(file) = &self.file {
                    file.check_written()?;
                }
                self.note_written();
                Ok(value)
            }
            Err(error) => {
                if let Err(rollback) = tx.rollback().await {
                    tracing::debug!(error = %rollback, "a rollback failed, and its connection was closed");
                }
                Err(error)
            }
        }
    }
}

/// Writes something that needs room on the disk, and leaves nothing behind.
async fn write_something(tx: &DatabaseTransaction) -> Result<()> {
    let sql = tx.get_database_backend().either(
        "create temporary table written on commit drop as
             select string_agg(md5(i::text), '') as text from generate_series(1, 2000) as i",
        "create table written (bytes blob);
             insert into written values (zeroblob(65536));
             drop table written",
    );
    tx.execute_unprepared(sql).await?;
    Ok(())
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable(DbErr::Conn(RuntimeErr::Internal(reason.to_owned())))
}

/// Errors of domains implement this to say whether their transaction may run again.
pub trait AsRetryable {
    /// Returns whether the same transaction may succeed when it runs again.
    fn is_retryable(&self) -> bool;
}

impl AsRetryable for Error {
    fn is_retryable(&self) -> bool {
        Error::is_retryable(self)
    }
}
