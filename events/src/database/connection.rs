//! A pool as SeaORM sees it: each statement takes a connection for itself, waits for it no longer than its patience, and begins
//! transactions that end as `transaction` says. Used for all reads, and by `Database` for writes. What is selected outside of transactions
//! may be answered by a replica, if there are any: see `replicas`.

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
    replicas::Replicas,
    silence::Silence,
    transaction::DatabaseTransaction,
    trouble::Trouble,
    turns::{Crowded, Turn, Turns},
};
use crate::{boxed, error::CROWDED, metrics::OfPool};

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
    /// Who may answer in place of these connections.
    replicas: Option<Replicas>,
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
            replicas: None,
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

    /// Returns the same connections, in whose place replicas answer what they can.
    #[must_use]
    pub(super) fn with_replicas(&self, replicas: Replicas) -> Self {
        Self {
            replicas: Some(replicas),
            ..self.clone()
        }
    }

    pub(super) fn replicas(&self) -> Option<&Replicas> {
        self.replicas.as_ref()
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
            replicas: None,
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

    #[boxed]
    async fn begin_with(&self, statement: &'static str) -> Result<DatabaseTransaction, DbErr> {
        let mut lease = self.lease().await?;
        lease.begin(statement).await.map_err(query)?;
        Ok(DatabaseTransaction::new(lease, self.backend))
    }

    pub(super) async fn lease(&self) -> Result<Lease, DbErr> {
        let began = Instant::now();
        self.lease_in(self.turn().await, began).await
    }

    /// Takes a connection for the turn that came of waiting since `began`.
    async fn lease_in(
        &self,
        turn: Result<Option<Turn>, DbErr>,
        began: Instant,
    ) -> Result<Lease, DbErr> {
        let lease = match turn {
            Ok(turn) => self.take(turn).await,
            Err(error) => Err(error),
        };
        match &lease {
            Ok(_) => self.metrics.waits.observe(began.elapsed()),
            Err(_) => _ = self.metrics.wait_failures.inc(),
        }
        lease
    }

    async fn turn(&self) -> Result<Option<Turn>, DbErr> {
        match &self.turns {
            Some(turns) => turns.take().await.map_err(|Crowded| crowded()),
            None => Ok(None),
        }
    }

    async fn take(&self, turn: Option<Turn>) -> Result<Lease, DbErr> {
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

/// Runs a statement that selects, at a replica if one answers it, and else here. It has one turn, wherever that is.
macro_rules! select {
    ($here:expr, $statement:expr, $query:ident) => {{
        let (began, turn) = (Instant::now(), $here.turn().await);
        if let (Some(replicas), Ok(_)) = (&$here.replicas, &turn)
            && let Some((mut lease, replica)) = replicas.prove().await
        {
            let answer = lease.$query($statement.clone());
            if let Some(found) = replicas.answer(&replica, answer).await {
                return Ok(found);
            }
        }
        let mut lease = $here.lease_in(turn, began).await?;
        lease.$query($statement).await.map_err(query)
    }};
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
        select!(self, statement, query_one)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        select!(self, statement, query_all)
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
