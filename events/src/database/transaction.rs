//! A transaction, and savepoints inside it. Three things are proved rather than hoped for. It is the outermost one: see
//! `Lease::begin`. A COMMIT that was answered has committed: after a failed statement, Postgres answers COMMIT with success and
//! rolls back, and SQLite may have rolled back at the failure and runs the following statements on their own. So a failure that
//! no savepoint took back is remembered here, and nothing more is sent but a rollback. And a transaction that did not commit
//! leaves nothing: dropped, failed or unanswered, its connection is closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::Mutex;

use super::{
    connection::{exec, query},
    lease::Lease,
};

/// No statement has failed.
const NONE: u32 = u32::MAX;

/// A transaction. It is rolled back when it is dropped before its end.
pub struct DatabaseTransaction {
    shared: Arc<Shared>,
    backend: DbBackend,
    /// 0 for the transaction itself, higher for savepoints.
    level: u32,
    is_ended: bool,
}

struct Shared {
    lease: Mutex<Lease>,
    /// The lowest level at which a statement has failed.
    failed: AtomicU32,
}

impl DatabaseTransaction {
    pub(super) fn new(lease: Lease, backend: DbBackend) -> Self {
        let shared = Shared {
            lease: Mutex::new(lease),
            failed: AtomicU32::new(NONE),
        };
        Self {
            shared: Arc::new(shared),
            backend,
            level: 0,
            is_ended: false,
        }
    }

    /// Sets how long to wait for each answer from here on.
    pub(crate) async fn set_patience(&self, patience: Duration) {
        self.shared.lease.lock().await.set_patience(patience);
    }

    /// Begins a savepoint, so that the statements after it can be taken back without the rest.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(&self) -> Result<Self, DbErr> {
        let level = self.level + 1;
        self.execute_unprepared(&format!("savepoint level_{level}"))
            .await?;
        Ok(Self {
            shared: self.shared.clone(),
            backend: self.backend,
            level,
            is_ended: false,
        })
    }

    /// Commits; for a savepoint, keeps its changes.
    ///
    /// # Errors
    /// When it cannot be committed, nothing was; when COMMIT was not answered, it may have been committed.
    pub fn commit(self) -> BoxFuture<'static, Result<(), DbErr>> {
        Box::pin(self.do_commit())
    }

    async fn do_commit(mut self) -> Result<(), DbErr> {
        self.has_not_failed()?;
        match self.level {
            0 => self
                .shared
                .lease
                .lock()
                .await
                .commit()
                .await
                .map_err(exec)?,
            level => {
                self.execute_unprepared(&format!("release savepoint level_{level}"))
                    .await?;
            }
        }
        self.is_ended = true;
        Ok(())
    }

    /// Takes back all changes since the beginning.
    ///
    /// # Errors
    /// When the database has not confirmed it. The connection is closed then, which has the same effect.
    pub fn rollback(self) -> BoxFuture<'static, Result<(), DbErr>> {
        Box::pin(self.do_rollback())
    }

    async fn do_rollback(mut self) -> Result<(), DbErr> {
        self.is_ended = true;
        let mut lease = self.shared.lease.lock().await;
        if lease.is_lost() {
            // The connection is closed, which takes back the transaction as a whole.
            self.shared.failed.store(0, Ordering::Release);
            return Ok(());
        }
        let level = self.level;
        if level == 0 {
            return lease.rollback().await.map_err(exec);
        }
        let sql = format!("rollback to savepoint level_{level}; release savepoint level_{level}");
        let taken_back = lease.execute_unprepared(&sql).await.map_err(exec);
        match &taken_back {
            Ok(_) => {
                // A failure from before the savepoint still counts.
                let _ = self.shared.failed.fetch_update(
                    Ordering::AcqRel,
                    Ordering::Acquire,
                    |failed| (failed >= level).then_some(NONE),
                );
            }
            Err(_) => self.shared.failed.store(0, Ordering::Release),
        }
        taken_back.map(|_| ())
    }

    fn has_not_failed(&self) -> Result<(), DbErr> {
        match self.shared.failed.load(Ordering::Acquire) {
            NONE => Ok(()),
            _ => Err(DbErr::Custom(
                "a statement of the transaction has failed, so it can only be rolled back"
                    .to_owned(),
            )),
        }
    }

    /// Remembers that a statement failed.
    fn noted<T>(&self, answer: Result<T, DbErr>) -> Result<T, DbErr> {
        if answer.is_err() {
            self.shared.failed.fetch_min(self.level, Ordering::AcqRel);
        }
        answer
    }
}

impl Drop for DatabaseTransaction {
    fn drop(&mut self) {
        if !self.is_ended && self.level > 0 {
            // The savepoint is still there, so the rest cannot go on as if it had never begun.
            self.shared.failed.store(0, Ordering::Release);
        }
    }
}

#[async_trait]
impl ConnectionTrait for DatabaseTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.has_not_failed()?;
        let mut lease = self.shared.lease.lock().await;
        self.noted(lease.execute(statement).await.map_err(exec))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.has_not_failed()?;
        let mut lease = self.shared.lease.lock().await;
        self.noted(lease.execute_unprepared(sql).await.map_err(exec))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.has_not_failed()?;
        let mut lease = self.shared.lease.lock().await;
        self.noted(lease.query_one(statement).await.map_err(query))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.has_not_failed()?;
        let mut lease = self.shared.lease.lock().await;
        self.noted(lease.query_all(statement).await.map_err(query))
    }
}
