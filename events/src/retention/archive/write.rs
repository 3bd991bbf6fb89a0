//! Adds to the archive: positioned events, by position, from where it ends. Events that were pruned before they were archived are
//! missing; it then continues behind them.

use std::{path::PathBuf, time::Duration};

use tokio::sync::{mpsc, watch};

use super::{
    Archive, ArchiveError, ArchivedStretch, Result, files::Lines, files::replace, name_of,
};
use crate::{Database, Error, Event, boxed, read, retention::age::Ages};

/// The number of events in one file.
const FILE_EVENTS: u64 = 20_000;
/// The number of events read in one statement.
const BATCH_EVENTS: u64 = 1_000;
/// The number of batches read ahead of the one being written.
const AHEAD: usize = 2;

/// What to archive, and where.
#[derive(Debug, Clone)]
pub struct ArchiveConfig {
    /// Only events that happened at least this long ago, by the database's clock. One with a time in the future is as old as what follows.
    pub older_than: Duration,
    /// The directory of the archive.
    pub directory: PathBuf,
}

/// The progress of archiving.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveProgress {
    /// Events up to here are in the archive.
    pub position: u64,
    /// The end of the log; not all events up to there may be old enough.
    pub until: u64,
}

/// The result of archiving.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveReport {
    /// Events up to here are in the archive now.
    pub position: u64,
    /// The number of events added.
    pub events: u64,
    /// The number of files added.
    pub files: u64,
}

/// Opens the archives of all epochs, in a thread that may block.
pub(in crate::retention) async fn open_all(directory: PathBuf, epoch: u32) -> Result<Vec<Archive>> {
    blocking(move || Archive::open_all(&directory, epoch)).await
}

/// Opens the archive of this epoch in the same way.
async fn open(directory: PathBuf, epoch: u32) -> Result<Archive> {
    blocking(move || Archive::open(&directory, epoch)).await
}

pub(in crate::retention) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Task(error.to_string()).into()))
}

/// Archives all events that are old enough, until `stop` turns true; events written by then are in the archive.
pub async fn archive(
    database: &Database,
    config: &ArchiveConfig,
    progress: impl Fn(ArchiveProgress),
    stop: &watch::Receiver<bool>,
) -> Result<ArchiveReport> {
    let ages = Ages::new(database, config.older_than).await?;
    let head = read::sequence(&database.background, 0).await?.head;
    let mut archive = open(config.directory.clone(), head.epoch).await?;
    let start = archive.last().max(head.pruned);
    let mut report = ArchiveReport {
        position: start,
        events: 0,
        files: 0,
    };
    while !*stop.borrow() && report.position < head.position {
        let first = report.position + 1;
        let (sender, batches) = mpsc::channel(AHEAD);
        let reader = Reader {
            database: database.clone(),
            epoch: head.epoch,
            ages,
            after: report.position,
            until: head.position.min(report.position + FILE_EVENTS),
        };
        let reading = tokio::spawn(reader.run(sender));
        let (returned, last) = blocking(move || write_file(archive, first, batches)).await?;
        archive = returned;
        let is_rest = reading
            .await
            .map_err(|error| Error::Task(error.to_string()))??;
        if last >= first {
            report.events += last + 1 - first;
            report.files += 1;
            report.position = last;
        }
        progress(ArchiveProgress {
            position: report.position,
            until: head.position,
        });
        if is_rest {
            break;
        }
    }
    Ok(report)
}

/// Writes one file; returns its last position, which is before `first` when there was nothing to write.
fn write_file(
    mut archive: Archive,
    first: u64,
    mut batches: mpsc::Receiver<Vec<Event>>,
) -> Result<(Archive, u64)> {
    let Some(batch) = batches.blocking_recv() else {
        return Ok((archive, first - 1));
    };
    // The final name has the last position, which is not known yet, so the file is written under another name.
    let mut last = first - 1;
    let written = replace(&archive.directory, PARTIAL, |file| {
        let mut lines = Lines::new(file);
        let mut next = Some(batch);
        while let Some(batch) = next {
            for event in &batch {
                lines.write(event)?;
                last = event.position;
            }
            next = batches.blocking_recv();
        }
        lines.finish()
    });
    let digest = written.map_err(|error| archive.io(error))?;
    let name = name_of(first, last, 0);
    let (from, to) = (
        archive.directory.join(PARTIAL),
        archive.directory.join(name),
    );
    std::fs::rename(from, to).map_err(|error| archive.io(error))?;
    archive.add(first, last, digest)?;
    Ok((archive, last))
}

/// A remainder is removed like every file that is not listed.
pub(super) const PARTIAL: &str = "next.jsonl.gz";

struct Reader {
    database: Database,
    epoch: u32,
    ages: Ages,
    after: u64,
    until: u64,
}

impl Reader {
    /// Reads a dense stretch; returns true when it ended because the next event is not old enough.
    async fn run(self, sender: mpsc::Sender<Vec<Event>>) -> Result<bool> {
        let mut after = self.after;
        while after < self.until {
            let connection = &self.database.background;
            let mut batch =
                read::read_after(connection, None, after, self.until, BATCH_EVENTS).await?;
            let (epoch, _) = read::read_pruned(connection).await?;
            if epoch != self.epoch {
                return Err(ArchiveError::Ended);
            }
            let dense = (after + 1..)
                .zip(&batch)
                .take_while(|(position, event)| *position == event.position);
            if batch.is_empty() || dense.count() < batch.len() {
                return Err(ArchiveError::Pruned(after));
            }
            let last = after + batch.len() as u64;
            let old = self.ages.old_until(connection, after, last).await?;
            let is_rest = old < last;
            batch.retain(|event| event.position <= old);
            after = old;
            let is_nothing = batch.is_empty();
            if !is_nothing && sender.send(batch).await.is_err() {
                // The writer failed, and reports why.
                return Ok(true);
            }
            if is_rest {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns what the archive of this log has around the pruned position. Its last position is the pruned one, or behind it.
#[boxed]
pub async fn archived_stretch(database: &Database, directory: PathBuf) -> Result<ArchivedStretch> {
    let (epoch, pruned) = read::read_pruned(&database.background).await?;
    let archive = open(directory, epoch).await?;
    blocking(move || archive.stretch(pruned)).await
}
