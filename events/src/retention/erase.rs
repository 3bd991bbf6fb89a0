//! Erases a user's personal data everywhere, in the background: a state machine in the table `erasure`, on which one process at a
//! time works, and which resumes when that process is killed. Each step is idempotent.
//!
//! 1. **Log.** Events are redacted in place (`scan`). Then an event of the stream `erasure` announces it. Every process that
//!    it reaches drops the events in its memory; whatever it reads from then on is redacted.
//! 2. **Tables.** Once the followers that store texts have passed that event, nothing that they read before it is written
//!    any more, and the rows are changed. A running rebuild is waited for; an abandoned one begins anew.
//! 3. **Streams.** Redis's copies of the log are dropped, and refilled from the log. SQLite's write-ahead log is emptied of
//!    overwritten data.
//! 4. **Archive.** Files that contain such events are rewritten.
//!
//! A deactivated user can begin nothing, but requests that they had begun may end after the scan of the log, and a process that
//! was away may still relay events from its memory. So everything is done a second time, after a delay that is longer than any
//! request; the second pass only examines events inserted since.

mod record;
mod scan;
mod state;
mod streams;
mod waits;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    ArchiveError,
    archive::{blocking, open_all},
    personal::{PersonalData, Redactor, Subject},
};
use crate::{
    Database, DatabaseTransaction, Error, EventLog, ReadModel, Result, Tx, boxed,
    database::{Pool, now},
    error::error_chain,
    read, rebuild,
};
pub use record::REDACTED;
use state::{Claimed, claim, keep_renewing, release, save};
pub use state::{ErasurePhase, ErasureStatus, read_erasures, request_erasure};
pub use waits::ErasureWaits;

/// How long a killed process keeps an erasure.
const LEASE: Duration = Duration::from_secs(10);
/// How long to wait for followers at a time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Personal data, and where the domains keep it.
pub trait Eraser: Send + Sync + 'static {
    /// Returns the subject with this id.
    fn subject(&self, id: uuid::Uuid) -> Subject;

    /// Returns the personal fields of events.
    fn personal_data(&self) -> &'static [PersonalData];

    /// Returns the followers that copy personal data into tables, which `erase_rows` changes.
    fn followers(&self) -> Vec<&'static str>;

    /// Returns the read models among them that can be rebuilt.
    fn read_models(&self) -> Vec<Arc<dyn ReadModel>>;

    /// Removes personal data from the tables; returns the number of rows changed.
    fn erase_rows<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<u64>>;
}

/// How a process works on erasures.
#[derive(Debug, Clone)]
pub struct ErasureConfig {
    /// The name of this process; unique for each start.
    pub owner: String,
    /// The delay between the passes: longer than any request.
    pub settle: Duration,
    /// The archive to rewrite, if this process has one.
    pub archive: Option<PathBuf>,
}

/// Advances one erasure as far as possible now; returns false when there is none. One that cannot go on is left alone for a while, by all
/// processes, and longer each time.
#[boxed]
pub async fn work_on_erasure(
    log: &EventLog,
    eraser: &Arc<dyn Eraser>,
    config: &ErasureConfig,
    waits: &mut ErasureWaits,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    let times = (LEASE, config.settle);
    let Some(claimed) = claim(log.database(), &config.owner, times).await? else {
        return Ok(false);
    };
    let subject = eraser.subject(claimed.status.subject);
    let (id, before) = (subject.id, claimed.status.clone());
    let mut work = Work {
        log: log.clone(),
        eraser: eraser.clone(),
        redactor: Arc::new(Redactor::new(subject, eraser.personal_data())),
        config: config.clone(),
        claimed,
    };
    let renewing = keep_renewing(log.database().clone(), work.claimed.clone(), LEASE);
    let ended = work.run(stop).await;
    renewing.abort();
    if work.claimed.status.has_moved_since(&before) {
        waits.end(id);
    }
    let pause = match ended.unwrap_or_else(|error| Ended::Waits(error_chain(&error))) {
        Ended::Waits(what) => waits.pause(id, &what),
        Ended::Done if work.claimed.status.phase == ErasurePhase::Waiting => config.settle,
        Ended::Done | Ended::Stopped => Duration::ZERO,
    };
    release(log.database(), &work.claimed, pause).await?;
    Ok(true)
}

/// How work on an erasure has ended for now.
enum Ended {
    /// There is nothing to do, or not before the second pass.
    Done,
    Stopped,
    /// For this, it cannot go on.
    Waits(String),
}

/// The outcome of a step.
enum Step {
    Done,
    /// Something else has to happen first.
    NotYet(String),
}

struct Work {
    log: EventLog,
    eraser: Arc<dyn Eraser>,
    redactor: Arc<Redactor>,
    config: ErasureConfig,
    claimed: Claimed,
}

impl Work {
    async fn run(&mut self, stop: &watch::Receiver<bool>) -> Result<Ended> {
        if self.claimed.status.phase == ErasurePhase::Waiting {
            // Nobody could have claimed it before the delay was over.
            self.enter(ErasurePhase::Log).await?;
        }
        while !*stop.borrow() {
            let step = match self.claimed.status.phase {
                ErasurePhase::Log => self.redact_log(stop).await?,
                ErasurePhase::Tables => self.erase_tables().await?,
                ErasurePhase::Streams => self.drop_streams().await?,
                ErasurePhase::Archive => self.rewrite_archive().await?,
                ErasurePhase::Waiting | ErasurePhase::Done => return Ok(Ended::Done),
            };
            if let Step::NotYet(what) = step {
                return Ok(Ended::Waits(what));
            }
        }
        Ok(Ended::Stopped)
    }

    /// Runs `work` in a transaction that also saves the changed claim.
    async fn change<F>(&mut self, work: F) -> Result<()>
    where
        F: for<'a> Fn(&'a DatabaseTransaction, &'a mut Claimed) -> BoxFuture<'a, Result<()>>
            + Send
            + Sync
            + 'static,
    {
        let work = Arc::new(work);
        let (before, settle) = (self.claimed.clone(), self.config.settle);
        let claimed = self
            .log
            .database()
            .transaction(Pool::Patient, |tx| {
                let (work, mut claimed) = (work.clone(), before.clone());
                Box::pin(async move {
                    // The save comes first, so that a process that lost its claim stops here and changes nothing.
                    let before = claimed.clone();
                    save(tx, (&before, &before), LEASE).await?;
                    work(tx, &mut claimed).await?;
                    // If it is killed from here on, it does not begin again before the delay is over.
                    let lease = match claimed.status.phase {
                        ErasurePhase::Waiting => settle,
                        _ => LEASE,
                    };
                    save(tx, (&before, &claimed), lease).await?;
                    Ok::<_, Error>(claimed)
                })
            })
            .await?;
        self.claimed = claimed;
        Ok(())
    }

    async fn enter(&mut self, phase: ErasurePhase) -> Result<()> {
        self.change(move |tx, claimed| {
            Box::pin(async move {
                if claimed.status.phase == ErasurePhase::Waiting {
                    claimed.status.pass = 2;
                }
                claimed.status.phase = phase;
                match phase {
                    ErasurePhase::Log => scan::begin(tx, claimed).await?,
                    ErasurePhase::Done => claimed.status.finished_at = Some(now()),
                    _ => {}
                }
                Ok(())
            })
        })
        .await
    }

    async fn redact_log(&mut self, stop: &watch::Receiver<bool>) -> Result<Step> {
        if self.claimed.status.pass == 1 && self.claimed.status.to_look_at == 0 {
            self.enter(ErasurePhase::Log).await?;
        }
        while self.claimed.status.looked_at < self.claimed.status.to_look_at {
            if *stop.borrow() {
                return Ok(Step::Done);
            }
            let redactor = self.redactor.clone();
            self.change(move |tx, claimed| {
                let redactor = redactor.clone();
                Box::pin(async move { scan::redact_window(tx, claimed, &redactor).await })
            })
            .await?;
        }
        let appended = Arc::new(Mutex::default());
        let noted = appended.clone();
        self.change(move |tx, claimed| {
            let noted = noted.clone();
            Box::pin(async move {
                let written = Mutex::default();
                record::append(&Tx::new(tx, &written), claimed).await?;
                let written = written.into_inner();
                *noted.lock() = written;
                let status = &mut claimed.status;
                status.log_at = status.log_at.or(Some(now()));
                status.phase = ErasurePhase::Tables;
                Ok(())
            })
        })
        .await?;
        self.log.announce(std::mem::take(&mut *appended.lock()));
        Ok(Step::Done)
    }

    async fn erase_tables(&mut self) -> Result<Step> {
        let database = &self.log.database().background;
        // It is pruned when all followers have passed it.
        if let Some(written) = record::last(database, self.claimed.status.subject).await? {
            let followers = self.eraser.followers();
            let applied = self.log.await_applied(&written, &followers, PATIENCE);
            if !applied.await? {
                let who = followers.join(", ");
                let what = format!("{who} has not passed the redacted events");
                return Ok(Step::NotYet(what));
            }
        }
        for model in self.eraser.read_models() {
            if !rebuild::forget_rebuilds(self.log.database(), &model).await? {
                let what = format!("{} is being rebuilt", model.name());
                return Ok(Step::NotYet(what));
            }
        }
        let (eraser, redactor) = (self.eraser.clone(), self.redactor.clone());
        self.change(move |tx, claimed| {
            let (eraser, redactor) = (eraser.clone(), redactor.clone());
            Box::pin(async move {
                let status = &mut claimed.status;
                status.rows += eraser.erase_rows(tx, redactor.subject()).await?;
                status.tables_at = status.tables_at.or(Some(now()));
                status.phase = ErasurePhase::Streams;
                Ok(())
            })
        })
        .await?;
        Ok(Step::Done)
    }

    async fn drop_streams(&mut self) -> Result<Step> {
        if let Err(error) = streams::drop_copies(&self.log).await {
            let what = format!("copies of events cannot be dropped: {error}");
            return Ok(Step::NotYet(what));
        }
        self.change(|_, claimed| {
            Box::pin(async move {
                let status = &mut claimed.status;
                status.streams_at = status.streams_at.or(Some(now()));
                status.phase = ErasurePhase::Archive;
                Ok(())
            })
        })
        .await?;
        Ok(Step::Done)
    }

    async fn rewrite_archive(&mut self) -> Result<Step> {
        let mut files = None;
        if let Some(directory) = self.config.archive.clone() {
            let database = self.log.database();
            match erase_in_archive(database, &directory, &self.redactor).await {
                Ok(rewritten) => files = Some(rewritten),
                Err(error) => return Ok(Step::NotYet(error.to_string())),
            }
        }
        self.change(move |_, claimed| {
            Box::pin(async move {
                let status = &mut claimed.status;
                status.files = match (status.files, files) {
                    (Some(before), Some(files)) => Some(before + files),
                    (before, files) => before.or(files),
                };
                status.archive_at = status.archive_at.or(Some(now()));
                if status.pass == 1 {
                    status.phase = ErasurePhase::Waiting;
                } else {
                    status.phase = ErasurePhase::Done;
                    status.finished_at = Some(now());
                }
                Ok(())
            })
        })
        .await?;
        Ok(Step::Done)
    }
}

async fn erase_in_archive(
    database: &Database,
    directory: &Path,
    redactor: &Arc<Redactor>,
) -> Result<u64, ArchiveError> {
    let (epoch, _) = read::read_pruned(&database.background).await?;
    let mut archives = open_all(directory.to_owned(), epoch).await?;
    let redactor = redactor.clone();
    // This runs even if it was done before: in the second pass there may be more.
    blocking(move || {
        let mut rewritten = 0;
        for archive in &mut archives {
            rewritten += archive.erase(&redactor)?;
        }
        Ok(rewritten)
    })
    .await
}

/// Removes from the archives in `directory` the data of all erased subjects that they do not know of; returns the number of files
/// rewritten. For archives that no worker has.
#[boxed]
pub async fn bring_archive_up_to_date(
    database: &Database,
    eraser: &Arc<dyn Eraser>,
    directory: PathBuf,
) -> Result<u64, ArchiveError> {
    let subjects = state::subjects(database).await?;
    let (epoch, _) = read::read_pruned(&database.background).await?;
    let mut archives = open_all(directory, epoch).await?;
    let eraser = eraser.clone();
    blocking(move || {
        let mut rewritten = 0;
        for archive in &mut archives {
            for id in archive.not_erased(&subjects) {
                let redactor = Redactor::new(eraser.subject(id), eraser.personal_data());
                rewritten += archive.erase(&redactor)?;
            }
        }
        Ok(rewritten)
    })
    .await
}
