//! One connection, taken out of its pool for a statement or a transaction. It goes back only when it is known to be idle and
//! outside of any transaction. All others are closed: those on which an answer is still due, as nobody can tell them from silent
//! ones; those whose future was dropped half-way; and those whose BEGIN, COMMIT or ROLLBACK failed, as their state is unknown.
//! Every wait has a deadline. A statement that nobody waits for ends, too: Postgres ends it when it sees the connection closed
//! (`client_connection_check_interval`), SQLite is told. Used by `connection` and `transaction` only.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx::{
        self, AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite, SqlitePool, pool::PoolConnection,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{runtime::Handle, time::timeout};

use super::{
    boundaries::{begin, commit, depth, rollback},
    hosts::Place,
    silence::Silence,
    slow,
    switching::PostgresPool,
    trouble::Trouble,
    turns::Turn,
};
use crate::{
    error::{Outage, outage},
    metrics::Histogram,
    trace::{Span, of_statement},
};

/// How long the return or close of a connection may take. Nobody waits for it.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);
/// Instructions that SQLite runs between two checks whether to stop: some tens of microseconds.
const STEPS: i32 = 10_000;
/// The most connections left inside a transaction by other code that one request may come across.
const MOST_NESTED: usize = 8;

/// The connections for one kind of work.
#[derive(Clone)]
pub(super) enum Pool {
    Postgres(PostgresPool),
    Sqlite(SqlitePool),
}

enum Raw {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

/// A connection, held for the length of one statement or one transaction.
pub(super) struct Lease {
    /// Taken on drop.
    raw: Option<Raw>,
    /// Where the connection leads, if there are several hosts.
    place: Option<Place>,
    patience: Duration,
    silence: Silence,
    trouble: Trouble,
    /// Whether an answer is still due, or can no longer be understood.
    is_waiting: bool,
    is_in_transaction: bool,
    /// Ends the running statement; SQLite only. Postgres notices by itself that its client is gone.
    stop: Option<Arc<AtomicBool>>,
    /// The turn, which is given back with the connection.
    _turn: Option<Turn>,
    /// How long statements take, and when the running one began.
    statements: Option<Histogram>,
    began: Option<Instant>,
    /// The text of the running statement.
    sql: SqlStr,
    /// Its span.
    span: Span,
}

/// Runs `$call` with the connection of either kind, for at most the lease's patience.
macro_rules! answer {
    ($lease:expr, $connection:ident => $call:expr) => {{
        $lease.begin_wait()?;
        let patience = $lease.patience;
        let answer = match $lease.raw.as_mut() {
            Some(Raw::Postgres($connection)) => {
                let $connection = &mut **$connection;
                let answer = async { $call.await.map(Into::into) };
                timeout(patience, Place::unless_left($lease.place.as_ref(), answer)).await
            }
            Some(Raw::Sqlite($connection)) => {
                let $connection = &mut **$connection;
                timeout(patience, $call)
                    .await
                    .map(|answer| answer.map(Into::into))
            }
            None => Ok(Err(given_up())),
        };
        $lease.end_wait(answer)
    }};
}

impl Lease {
    pub(super) async fn take(
        pool: &Pool,
        patience: Duration,
        silence: &Silence,
        trouble: &Trouble,
        turn: Option<Turn>,
    ) -> Result<Self, DbErr> {
        let mut turn = turn;
        for _ in 0..MOST_NESTED {
            let raw = match pool {
                Pool::Postgres(pool) => pool
                    .acquire()
                    .await
                    .map(|(connection, place)| (Raw::Postgres(connection), place)),
                Pool::Sqlite(pool) => pool.acquire().await.map(|raw| (Raw::Sqlite(raw), None)),
            };
            let (raw, place) = raw.map_err(|error| {
                trouble.note(&error.to_string());
                not_acquired(error)
            })?;
            let mut lease = Self {
                raw: Some(raw),
                place,
                patience,
                silence: silence.clone(),
                trouble: trouble.clone(),
                is_waiting: false,
                is_in_transaction: false,
                stop: None,
                _turn: None,
                statements: None,
                began: None,
                sql: "".into_sql_str(),
                span: Span::default(),
            };
            if lease.depth() == 0 {
                lease._turn = turn.take();
                lease.make_stoppable().await?;
                return Ok(lease);
            }
            // Its last user left it inside a transaction. Dropped in this state, it is closed.
            lease.is_in_transaction = true;
        }
        Err(DbErr::Conn(RuntimeErr::Internal(
            "the pool has connections that are inside transactions".to_owned(),
        )))
    }

    /// Makes SQLite check from time to time, while it works, whether anybody still waits for it.
    async fn make_stoppable(&mut self) -> Result<(), DbErr> {
        let Some(Raw::Sqlite(connection)) = self.raw.as_mut() else {
            return Ok(());
        };
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = stop.clone();
        // If this does not complete, the state of the connection is unknown.
        self.is_waiting = true;
        let mut handle = connection.lock_handle().await.map_err(not_acquired)?;
        handle.set_progress_handler(STEPS, move || !is_stopped.load(Ordering::Relaxed));
        drop(handle);
        self.is_waiting = false;
        self.stop = Some(stop);
        Ok(())
    }

    /// Keeps the text, for the line about a statement that was slow.
    fn note(&mut self, sql: impl SqlSafeStr) -> SqlStr {
        // A text that is not static is copied by its first clone, and shared by those of that.
        self.sql = sql.into_sql_str().clone();
        self.sql.clone()
    }

    fn parts(&mut self, statement: Statement) -> (SqlStr, SqlxValues) {
        let values = statement.values.unwrap_or(sea_orm::Values(Vec::new()));
        let sql = self.note(AssertSqlSafe(Arc::new(statement.sql)));
        (sql, SqlxValues(values))
    }

    /// Has the time of each statement counted.
    pub(super) fn measured_by(mut self, statements: &Histogram) -> Self {
        self.statements = Some(statements.clone());
        self
    }

    /// Sets how long to wait for each answer.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Returns whether the connection can no longer be used.
    pub(super) fn is_lost(&self) -> bool {
        self.is_waiting
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> sqlx::Result<ExecResult> {
        let (sql, values) = self.parts(statement);
        answer!(self, connection => sqlx::query_with(sql, values).execute(connection))
    }

    pub(super) async fn execute_unprepared(&mut self, sql: &str) -> sqlx::Result<ExecResult> {
        let sql = self.note(AssertSqlSafe(Arc::new(sql.to_owned())));
        answer!(self, connection => sqlx::raw_sql(sql).execute(connection))
    }

    pub(super) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> sqlx::Result<Option<QueryResult>> {
        let (sql, values) = self.parts(statement);
        let found: sqlx::Result<Option<QueryResult>> = answer!(self, connection => async {
            let row = sqlx::query_with(sql, values).fetch_optional(connection).await?;
            Ok::<_, sqlx::Error>(row.map(QueryResult::from))
        });
        found
    }

    pub(super) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> sqlx::Result<Vec<QueryResult>> {
        let (sql, values) = self.parts(statement);
        let found: sqlx::Result<Vec<QueryResult>> = answer!(self, connection => async {
            let rows = sqlx::query_with(sql, values).fetch_all(connection).await?;
            Ok::<_, sqlx::Error>(rows.into_iter().map(QueryResult::from).collect::<Vec<_>>())
        });
        found
    }

    /// Begins a transaction that is the outermost one. A nested BEGIN is refused, by SQLite itself and by the transaction count
    /// kept for Postgres, and a connection is only ever given back outside of transactions.
    pub(super) async fn begin(&mut self, statement: &'static str) -> sqlx::Result<()> {
        self.is_in_transaction = true;
        self.note(statement);
        let begun: sqlx::Result<()> = answer!(self, connection => begin(connection, statement));
        self.or_lost(begun, 1)
    }

    pub(super) async fn commit(&mut self) -> sqlx::Result<()> {
        self.note("commit");
        let ended: sqlx::Result<()> = answer!(self, connection => commit(connection));
        self.or_lost(ended, 0)?;
        self.is_in_transaction = false;
        Ok(())
    }

    pub(super) async fn rollback(&mut self) -> sqlx::Result<()> {
        self.note("rollback");
        let ended: sqlx::Result<()> = answer!(self, connection => rollback(connection));
        self.or_lost(ended, 0)?;
        self.is_in_transaction = false;
        Ok(())
    }

    /// Passes on the result of a step whose failure leaves the connection in an unknown state.
    fn or_lost(&mut self, step: sqlx::Result<()>, depth: usize) -> sqlx::Result<()> {
        let step = step.and_then(|()| match self.depth() == depth {
            true => Ok(()),
            false => Err(sqlx::Error::InvalidSavePointStatement),
        });
        self.is_waiting |= step.is_err();
        step
    }

    fn depth(&self) -> usize {
        match &self.raw {
            Some(Raw::Postgres(connection)) => depth(&**connection),
            Some(Raw::Sqlite(connection)) => depth(&**connection),
            None => 0,
        }
    }

    /// Returns the database's name, as OpenTelemetry has it.
    fn system(&self) -> &'static str {
        match &self.raw {
            Some(Raw::Postgres(_)) => "postgresql",
            _ => "sqlite",
        }
    }

    fn begin_wait(&mut self) -> sqlx::Result<()> {
        if self.is_waiting {
            return Err(given_up());
        }
        self.is_waiting = true;
        if let Some(place) = self.place.as_ref().filter(|place| place.is_left()) {
            return Err(place.left());
        }
        self.began = Some(Instant::now());
        self.span = of_statement(self.system(), &self.sql);
        Ok(())
    }

    fn end_wait<T>(
        &mut self,
        answer: Result<sqlx::Result<T>, tokio::time::error::Elapsed>,
    ) -> sqlx::Result<T> {
        let took = self.began.map(|began| began.elapsed()).unwrap_or_default();
        if let Some(statements) = &self.statements {
            statements.observe(took);
        }
        slow::tell(self.sql.as_str(), took);
        let mut span = std::mem::take(&mut self.span);
        if !matches!(answer, Ok(Ok(_))) {
            span.set_error("statement");
        }
        drop(span);
        let answer = answer.unwrap_or_else(|_| {
            self.silence.note();
            let message = format!("no answer within {:?}", self.patience);
            Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
        });
        self.is_waiting = match &answer {
            Ok(_) => false,
            Err(error) => match outage(error) {
                Some(Outage::Gone) => {
                    self.trouble.note(&error.to_string());
                    self.place.iter().for_each(Place::suspect);
                    true
                }
                Some(Outage::Refused) => {
                    self.trouble.note(&error.to_string());
                    false
                }
                Some(Outage::Stopped) => false,
                // It was answered, and the rest of the answer is skipped.
                None => false,
            },
        };
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(raw) = self.raw.take() else { return };
        let is_kept = !self.is_waiting && !self.is_in_transaction;
        // Without a runtime the process is ending, and the connection with it.
        let Ok(runtime) = Handle::try_current() else {
            match raw {
                Raw::Postgres(connection) => drop(connection.leak()),
                Raw::Sqlite(connection) => drop(connection.leak()),
            }
            return;
        };
        match raw {
            // If it is dropped unfinished, the future closes the connection and makes room in the pool.
            Raw::Postgres(mut connection) if is_kept => {
                runtime.spawn(timeout(RELEASE_LIMIT, connection.return_to_pool()));
            }
            Raw::Sqlite(connection) if is_kept => drop(connection),
            // It is closed without a farewell: the peer may no longer listen.
            Raw::Postgres(connection) => drop(connection.detach()),
            // The next user waits until the file is closed; uncommitted changes are lost. A running statement ends first.
            Raw::Sqlite(connection) => {
                if let Some(stop) = &self.stop {
                    stop.store(true, Ordering::Relaxed);
                }
                runtime.spawn(connection.close());
            }
        }
    }
}

fn given_up() -> sqlx::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the connection was given up").into()
}

fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}
