//! Builds a read model anew from the log, beside the live one, which stays readable all the time and is replaced in the end. The
//! bulk is read stream by stream, so that a batch has most of a stream and its rows are written once; later events follow by
//! position. Of the follower only `apply` is called, never `raise`, and it writes only the tables beside: nothing outward happens
//! twice. Progress is kept in the table `rebuild`, in the transactions that write the rows, so a killed rebuild resumes.
//! `swap.rs` argues why the change of tables loses and doubles nothing.

mod build;
mod catalog;
mod compare;
mod follow;
mod forget;
mod state;
mod swap;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use compare::Differences;
pub(crate) use forget::forget_rebuilds;
pub use state::{RebuildStatus, read_rebuilds, request_rebuild, requested_rebuilds};

use crate::{
    AsRetryable, Database, DatabaseTransaction, Error, Follower, begin::hold_pruning, boxed,
    database::Pool, letters, read, sql::Dialect,
};
use state::{Claim, Saved};

/// The suffix of the tables of a model that is being built.
const SUFFIX: &str = "_rebuild";
/// How often the change of tables waits for its turn, a second or two each time.
const SWAP_ATTEMPTS: u32 = 60;

/// A table of a read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelTable {
    /// Its name. It has a primary key, and no other table refers to it.
    pub name: &'static str,
    /// The column that holds the id of the stream which the row is made of.
    pub stream_id: &'static str,
}

/// A read model that can be rebuilt: each of its rows derives from the events of one stream, and from nothing else.
pub trait ReadModel: Send + Sync + 'static {
    /// Returns the name of the follower that keeps it.
    fn name(&self) -> &'static str;

    /// Returns the kind of stream that it derives from.
    fn stream(&self) -> &'static str;

    /// Returns all tables that the follower writes.
    fn tables(&self) -> &'static [ModelTable];

    /// Returns whether the log keeps all events of the kind when it is pruned, so that the model can still be rebuilt. Of streams that
    /// have ended it need not keep what makes no rows.
    fn is_kept(&self) -> bool {
        false
    }

    /// Returns the follower, writing to tables with `suffix` behind their names.
    fn follower(&self, suffix: &'static str) -> Arc<dyn Follower>;

    /// Creates what the tables need besides themselves and their indexes, in the transaction that gave them the live names.
    fn complete<'a>(&'a self, _tx: &'a DatabaseTransaction) -> BoxFuture<'a, crate::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// How a rebuild runs.
#[derive(Debug, Clone)]
pub struct RebuildConfig {
    /// The name of this process; unique for each start.
    pub owner: String,
    /// How long a process keeps the rebuild without renewing its lease.
    pub lease: Duration,
    /// The most events written in one transaction.
    pub batch_events: u64,
    /// The share of its time that it works, above 0 and at most 1; it rests after each transaction, so that others are served.
    pub share: f64,
    /// Whether to discard what an earlier, unfinished rebuild has built.
    pub from_the_start: bool,
}

/// The phase of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildPhase {
    /// It was requested; no process has begun.
    Requested,
    /// It applies the events that existed at its beginning, stream by stream.
    Building,
    /// It creates the indexes of the new tables.
    Indexing,
    /// It applies the events since its beginning.
    Following,
    /// It compares the old model with the new one.
    Comparing,
    /// It replaces the tables.
    Swapping,
    /// It has ended.
    Done,
}

/// The progress of a rebuild.
#[derive(Debug, Clone, Copy)]
pub struct RebuildProgress {
    /// The current phase.
    pub phase: RebuildPhase,
    /// Events applied since the beginning of the rebuild, including those before an interruption.
    pub done: u64,
    /// Events to apply, as far as that is known.
    pub total: u64,
}

/// The result of a rebuild.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildReport {
    /// Events applied.
    pub events: u64,
    /// The position at which the new model took over; in some parts, a little later.
    pub position: u64,
    /// What differed between the old model and the new one, by table.
    pub differences: Vec<Differences>,
    /// Streams that could not be compared, because the live model was too far behind; past 10,000, nothing was compared.
    pub streams_not_compared: u64,
}

/// Why a read model was not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Another process is rebuilding the model.
    #[error(
        "{model} is being rebuilt by another process, which has applied {done} of {total} events"
    )]
    Running {
        /// The name of the model.
        model: &'static str,
        /// Events that it has applied.
        done: u64,
        /// Events that it has to apply.
        total: u64,
    },
    /// The log no longer goes back to its beginning.
    #[error(
        "the log holds no events up to position {0}, so nothing can be built from its beginning"
    )]
    Pruned(u64),
    /// Another process took over, because this one did not renew its lease; or the database has lost the last of what it had
    /// committed, as a standby that takes over may have. It resumes when it is started again.
    #[error(
        "the rebuild was taken over by another process, or by another database that lacks the last of its work; started again, \
         it goes on from there"
    )]
    Superseded,
    /// It was told to stop. It resumes when it is started again.
    #[error("the rebuild was stopped; started again, it goes on where it was")]
    Stopped,
    /// A migration has changed the live tables since the others were made like them.
    #[error(
        "a migration has changed the tables meanwhile; started again, the rebuild has what it added"
    )]
    Outdated,
    /// The live tables were in use all the time.
    #[error(
        "the tables could not be changed, as the live ones were always in use; started again, it tries again"
    )]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Log(#[from] Error),
}

impl From<sea_orm::DbErr> for RebuildError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Log(error.into())
    }
}

impl AsRetryable for RebuildError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_retryable())
    }
}

type Result<T, E = RebuildError> = std::result::Result<T, E>;

/// The context of a rebuild.
#[derive(Clone)]
struct Rebuild {
    database: Database,
    model: Arc<dyn ReadModel>,
    follower: Arc<dyn Follower>,
    config: RebuildConfig,
    claim: Claim,
    progress: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    stop: watch::Receiver<bool>,
}

/// Rebuilds `model`, or resumes an interrupted rebuild, and reports to `progress`.
///
/// # Errors
/// `Running` when another process is rebuilding it, and `Stopped` when `stop` turned true.
#[boxed]
pub async fn rebuild(
    database: &Database,
    model: Arc<dyn ReadModel>,
    config: RebuildConfig,
    progress: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    stop: watch::Receiver<bool>,
) -> Result<RebuildReport> {
    let (claim, saved) = state::claim(database, model.name(), &config, &stop).await?;
    let renewing = state::keep_renewing(database.clone(), claim.clone(), config.lease);
    let this = Rebuild {
        database: database.clone(),
        follower: model.follower(SUFFIX),
        model,
        config,
        claim,
        progress,
        stop,
    };
    let result = this.run(saved).await;
    renewing.abort();
    if let Err(error) = state::release(database, &this.claim).await {
        tracing::warn!(%error, "the lease on the rebuild was not released; it will expire");
    }
    result
}

impl Rebuild {
    async fn run(&self, saved: Saved) -> Result<RebuildReport> {
        let is_new = matches!(saved.phase, RebuildPhase::Done | RebuildPhase::Requested);
        let (background, tables) = (&self.database.background, self.model.tables());
        let mut saved = if is_new
            || self.config.from_the_start
            || !catalog::are_alike(background, tables).await?
        {
            self.begin(&saved).await?
        } else {
            saved
        };
        if saved.phase == RebuildPhase::Building {
            self.build(&mut saved).await?;
        }
        self.enter(&mut saved, RebuildPhase::Indexing).await?;
        catalog::finish_tables(&self.database, self.model.tables()).await?;
        self.enter(&mut saved, RebuildPhase::Following).await?;
        self.follow(&mut saved).await?;
        self.enter(&mut saved, RebuildPhase::Comparing).await?;
        let found = self.compare(&saved).await?;
        self.enter(&mut saved, RebuildPhase::Following).await?;
        self.follow(&mut saved).await?;
        self.enter(&mut saved, RebuildPhase::Swapping).await?;
        for _ in 0..SWAP_ATTEMPTS {
            self.check_stop()?;
            if !found.left_out.is_empty() {
                self.await_live(&saved).await?;
            }
            match self.swap(&saved, &found).await {
                Ok(Some(report)) => {
                    self.report(&Saved {
                        phase: RebuildPhase::Done,
                        ..saved
                    });
                    return Ok(report);
                }
                Ok(None) => {}
                Err(error) if error.is_retryable() => {
                    tracing::info!(%error, "the tables are in use; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error),
            }
            self.follow(&mut saved).await?;
        }
        Err(RebuildError::Busy)
    }

    /// Creates empty tables, and notes the end of the log as the place up to which it is read stream by stream.
    async fn begin(&self, before: &Saved) -> Result<Saved> {
        let head = read::sequence(&self.database.background, 0).await?.head;
        let is_kept = self.model.is_kept();
        if head.pruned > 0 && !is_kept {
            return Err(RebuildError::Pruned(head.pruned));
        }
        let head = follow::settle_parts(&self.database, head).await?;
        let total = build::count(&self.database, self.model.stream()).await?;
        let new = Saved {
            phase: RebuildPhase::Building,
            position: head.position,
            parts: head.parts,
            last: None,
            done: 0,
            total,
        };
        let (claim, tables, rebuilt) = (&self.claim, self.model.tables(), self.rebuilt());
        let new = self
            .database
            .transaction(Pool::Patient, |tx| {
                let (claim, rebuilt) = (claim.clone(), rebuilt.clone());
                let (before, mut new) = (before.clone(), new.clone());
                Box::pin(async move {
                    // From here to its end the rebuild keeps the log from being pruned.
                    let pruned = hold_pruning(tx).await?;
                    if pruned > 0 && !is_kept {
                        return Err(RebuildError::Pruned(pruned));
                    }
                    if tx.get_database_backend().is_postgres() {
                        // Another database may have taken over since the head was read.
                        let head = read::read_head(tx).await?;
                        (new.position, new.parts) = (head.position, head.parts);
                    }
                    state::restart(tx, &claim, (&before, &new)).await?;
                    letters::reset_rebuilt(tx, &rebuilt).await?;
                    catalog::make_tables(tx, tables).await?;
                    Ok(new)
                })
            })
            .await?;
        self.report(&new);
        Ok(new)
    }

    async fn enter(&self, saved: &mut Saved, phase: RebuildPhase) -> Result<()> {
        self.check_stop()?;
        let next = Saved {
            phase,
            ..saved.clone()
        };
        self.database
            .transaction(Pool::Patient, |tx| {
                let (this, saved, next) = (self.clone(), saved.clone(), next.clone());
                Box::pin(async move {
                    state::save_in_tx(tx, &this.claim, (&saved, &next)).await?;
                    this.check_tables(tx).await?;
                    if phase == RebuildPhase::Following {
                        // They are there, unless the database has lost the transactions that created them.
                        catalog::make_indexes(tx, this.model.tables()).await?;
                    }
                    Ok::<_, RebuildError>(())
                })
            })
            .await?;
        *saved = next;
        self.report(saved);
        Ok(())
    }

    fn report(&self, saved: &Saved) {
        (self.progress)(RebuildProgress {
            phase: saved.phase,
            done: saved.done,
            total: saved.total.max(saved.done),
        });
    }

    /// Checks that no migration has changed the live tables since the others were made.
    async fn check_tables(&self, tx: &DatabaseTransaction) -> Result<()> {
        match catalog::are_alike(tx, self.model.tables()).await? {
            true => Ok(()),
            false => Err(RebuildError::Outdated),
        }
    }

    fn check_stop(&self) -> Result<()> {
        if *self.stop.borrow() {
            return Err(RebuildError::Stopped);
        }
        Ok(())
    }
}
