//! Commits writes together on SQLite, which has one writer and syncs the disk at every commit: see `together`. Each write runs in a
//! savepoint, so that one which fails takes back its own changes and nobody else's. When the transaction itself fails before its
//! commit was sent, or a write panics, nothing was committed, and each runs again in a transaction of its own; one that was alone
//! has failed.

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tracing::{Instrument, Span};

use crate::{
    Database, DatabaseTransaction, Error, Result, Tx,
    append::Appended,
    database::{AsRetryable, Pool},
    metrics::METRICS,
    together::{Group, Members},
    trace::{self, Place},
};

/// What became of a write.
pub(crate) enum Fate {
    /// Its outcome is decided, and committed if it is a success.
    Decided,
    /// Nothing was committed.
    Undone,
    /// It failed with the others of its group.
    Failed(Error),
}

/// A write, whatever it returns.
pub(crate) trait Work: Send + Sync {
    /// Runs the write in a savepoint, and keeps its outcome. An error is one of the transaction.
    fn run<'a>(&'a self, tx: &'a DatabaseTransaction) -> BoxFuture<'a, Result<()>>;
    /// Returns whether the outcome is a failure.
    fn has_failed(&self) -> bool;
}

/// What a write returns, with the events that it appended.
pub(super) type Outcome<T, E> = Result<(T, Vec<Appended>), E>;

pub(super) struct Write<T, E, F> {
    work: F,
    span: Span,
    place: Option<Place>,
    outcome: Mutex<Option<Outcome<T, E>>>,
}

impl<T, E, F> Write<T, E, F>
where
    F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    pub(super) fn new(work: F) -> Self {
        Self {
            work,
            span: Span::current(),
            place: trace::present(),
            outcome: Mutex::default(),
        }
    }

    /// Runs the work; returns what it did, for when it is committed.
    pub(super) async fn perform(&self, tx: &DatabaseTransaction) -> Outcome<T, E> {
        let appended = Mutex::default();
        let value = (self.work)(&Tx::new(tx, &appended)).await?;
        Ok((value, appended.into_inner()))
    }

    pub(super) fn take_outcome(&self) -> Option<Outcome<T, E>> {
        self.outcome.lock().take()
    }
}

impl<T, E, F> Work for Write<T, E, F>
where
    T: Send,
    E: Send,
    F: for<'a> Fn(&'a Tx<'a>) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn run<'a>(&'a self, tx: &'a DatabaseTransaction) -> BoxFuture<'a, Result<()>> {
        let run = async move {
            let savepoint = tx.begin().await?;
            let outcome = self.perform(&savepoint).await;
            let is_success = outcome.is_ok();
            *self.outcome.lock() = Some(outcome);
            match is_success {
                true => savepoint.commit().await?,
                false => savepoint.rollback().await?,
            }
            Ok(())
        };
        let run = run.instrument(self.span.clone());
        Box::pin(trace::in_place(self.place.clone(), run))
    }

    fn has_failed(&self) -> bool {
        matches!(&*self.outcome.lock(), Some(Err(_)))
    }
}

/// The group of all writes of a process.
pub(crate) struct Writes(pub(super) Database);

impl Group for Writes {
    type Member = Arc<dyn Work>;
    type Answer = Fate;

    const NAME: &'static str = "commit";

    fn run(&self, members: Members<Self>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            METRICS.group_writes.observe_size(members.len());
            let (writes, callers): (Vec<_>, Vec<_>) = members.into_iter().unzip();
            let writes: Arc<[_]> = writes.into();
            // Once the commit may have been sent, it may have taken place.
            let may_be_committed = Arc::new(AtomicBool::new(false));
            let have_all_failed = Arc::new(AtomicBool::new(false));
            let mut ended = self
                .0
                .transaction(Pool::Requests, |tx| {
                    let (writes, is_over) = (writes.clone(), may_be_committed.clone());
                    let is_nothing = have_all_failed.clone();
                    Box::pin(async move {
                        is_over.store(false, Ordering::Relaxed);
                        for write in &*writes {
                            run_one(&**write, tx).await?;
                        }
                        if writes.iter().all(|write| write.has_failed()) {
                            // A commit of nothing does not show that the database can be written.
                            is_nothing.store(true, Ordering::Relaxed);
                            return Err(Error::Task("all writes failed".to_owned()));
                        }
                        is_over.store(true, Ordering::Relaxed);
                        Ok::<_, Error>(())
                    })
                })
                .await;
            let may_be_committed = may_be_committed.load(Ordering::Relaxed);
            let have_all_failed = have_all_failed.load(Ordering::Relaxed);
            let is_alone = writes.len() == 1;
            for (write, caller) in writes.iter().zip(callers) {
                caller.answer(match &mut ended {
                    Ok(()) => Fate::Decided,
                    Err(_) if have_all_failed => Fate::Decided,
                    Err(_) if !may_be_committed && !is_alone => Fate::Undone,
                    // It has failed by itself, and its error says more.
                    Err(_) if !may_be_committed && write.has_failed() => Fate::Decided,
                    Err(error) if is_alone => Fate::Failed(mem::replace(error, Error::Crowded)),
                    Err(error) => Fate::Failed(error.copy()),
                });
            }
        })
    }
}

async fn run_one(write: &dyn Work, tx: &DatabaseTransaction) -> Result<()> {
    let ran = AssertUnwindSafe(write.run(tx)).catch_unwind().await;
    ran.unwrap_or_else(|_| Err(Error::Task("a write panicked".to_owned())))
}

/// Why the transaction of a group failed, which is not to run again as a whole.
pub(super) struct Once(pub(super) Error);

impl From<Error> for Once {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl AsRetryable for Once {
    fn is_retryable(&self) -> bool {
        false
    }
}
