//! A pool as SeaORM sees it: each statement takes a connection for itself, waits for it no longer than its patience, and begins
//! transactions that end as `transaction` says. Used for all reads, and by `Database` for writes.

use std::{
    fmt,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection as Plain, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
};

use super::{
    lease::{Lease, Pool},
    silence::Silence,
    transaction::DatabaseTransaction,
    trouble::Trouble,
    turns::{Crowded, Turns},
};
use crate::{error::CROWDED, metrics::OfPool};

/// Connections for one kind of work; cheap to clone.
#[derive(Clone)]
pub struct DatabaseConnection {
    backend: DbBackend,
    /// The pool; `None` if it is not connected.
    pool: Option<Pool>,
    patience: Duration,
    silence: Silence,
    trouble: Trouble,
    /// The turns, if claimants share the connections.
    turns: Option<Turns>,
    metrics: OfPool,
}

impl DatabaseConnection {
    pub(super) fn new(
        (name, pool): (&'static str, Pool),
        patience: Duration,
        silence: Silence,
        trouble: Trouble,
    ) -> Self {
        let backend = match &pool {
            Pool::Postgres(_) => DbBackend::Postgres,
            Pool::Sqlite(_) => DbBackend::Sqlite,
        };
        Self {
            backend,
            pool: Some(pool),
            patience,
            silence,
            trouble,
            turns: None,
            metrics: OfPool::new(name),
        }
    }

    /// Returns the same connections, shared in turns among those on whose behalf they are used.
    #[must_use]
    pub(super) fn in_turn(&self, turns: Turns) -> Self {
        Self {
            turns: Some(turns),
            ..self.clone()
        }
    }

    #[cfg(test)]
    pub(super) fn unconnected() -> Self {
        Self {
            backend: DbBackend::Sqlite,
            pool: None,
            patience: Duration::ZERO,
            silence: Silence::new(),
            trouble: Trouble::default(),
            turns: None,
            metrics: OfPool::new("none"),
        }
    }

    /// Returns the kind of database.
    pub fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    /// Returns the same connections with another patience, the longest wait for an answer.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// Returns the same pool for libraries that bring their own transactions. A transaction that they leave open is noticed by
    /// the next user.
    pub(super) fn plain(&self) -> Plain {
        match &self.pool {
            Some(Pool::Postgres(pool)) => pool.current().map_or_else(
                Plain::default,
                SqlxPostgresConnector::from_sqlx_postgres_pool,
            ),
            Some(Pool::Sqlite(pool)) => SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone()),
            None => Plain::default(),
        }
    }

    /// Returns how many connections there are, how many of them are idle, and how many there may be.
    pub(crate) fn counts(&self) -> Option<[u32; 3]> {
        let idle = |idle| u32::try_from(idle).unwrap_or(u32::MAX);
        Some(match self.pool.as_ref()? {
            Pool::Postgres(pool) => {
                let pool = pool.current()?;
                let most = pool.options().get_max_connections();
                [pool.size(), idle(pool.num_idle()), most]
            }
            Pool::Sqlite(pool) => {
                let most = pool.options().get_max_connections();
                [pool.size(), idle(pool.num_idle()), most]
            }
        })
    }

    /// Begins a transaction of the database's default kind.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.begin_with("begin").await
    }

    /// Begins a transaction that sees one state of the database throughout, and makes no changes.
    pub async fn begin_snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.backend {
            DbBackend::Postgres => {
                self.begin_with("begin isolation level repeatable read read only")
                    .await
            }
            // Every SQLite transaction sees one state.
            _ => self.begin().await,
        }
    }

    /// Begins a transaction that writes. On SQLite it takes the lock at once: one that reads before it writes fails with
    /// SQLITE_BUSY_SNAPSHOT, however long it waits.
    pub async fn begin_writing(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.backend {
            DbBackend::Sqlite => self.begin_with("begin immediate").await,
            _ => self.begin().await,
        }
    }

    async fn begin_with(&self, statement: &'static str) -> Result<DatabaseTransaction, DbErr> {
        let mut lease = self.lease().await?;
        lease.begin(statement).await.map_err(query)?;
        Ok(DatabaseTransaction::new(lease, self.backend))
    }

    async fn lease(&self) -> Result<Lease, DbErr> {
        let began = Instant::now();
        let lease = self.take().await;
        match &lease {
            Ok(_) => self.metrics.waits.observe(began.elapsed()),
            Err(_) => _ = self.metrics.wait_failures.inc(),
        }
        lease
    }

    async fn take(&self) -> Result<Lease, DbErr> {
        let turn = match &self.turns {
            Some(turns) => turns.take().await.map_err(|Crowded| crowded())?,
            None => None,
        };
        match &self.pool {
            Some(pool) => {
                let (patience, statements) = (self.patience, &self.metrics.statements);
                let lease = Lease::take(pool, patience, &self.silence, &self.trouble, turn).await?;
                Ok(lease.measured_by(statements))
            }
            None => Err(DbErr::Conn(RuntimeErr::Internal(
                "not connected".to_owned(),
            ))),
        }
    }
}

impl fmt::Debug for DatabaseConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseConnection({:?})", self.backend)
    }
}

#[async_trait]
impl ConnectionTrait for DatabaseConnection {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.lease().await?.execute(statement).await.map_err(exec)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut lease = self.lease().await?;
        lease.execute_unprepared(sql).await.map_err(exec)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut lease = self.lease().await?;
        lease.query_one(statement).await.map_err(query)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut lease = self.lease().await?;
        lease.query_all(statement).await.map_err(query)
    }
}

/// Returns the error that becomes `Error::Crowded`.
fn crowded() -> DbErr {
    DbErr::Custom(CROWDED.to_owned())
}

pub(super) fn exec(error: sea_orm::SqlxError) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

pub(super) fn query(error: sea_orm::SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
