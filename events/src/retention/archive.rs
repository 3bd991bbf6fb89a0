//! The archive: a directory of files, each with a dense stretch of the log, one event per line, compressed; and a manifest that
//! lists them. Only files that the manifest lists belong to the archive.
//!
//! A process that is killed at any point leaves it whole: a file is written under a temporary name, synced, and renamed; then the
//! manifest names it, in the same way. A file that the manifest does not name is a remainder of a killed process, and is removed, if its name
//! is one that is given here. The manifest comes first, so one that is missing where there are such files was lost, and they are left alone.
//! A file never changes: one that is rewritten (`rewrite`) gets another name. A lock on the directory keeps others out.
//!
//! Positions mean events in one epoch only. So an epoch that begins while there is an archive gets one of its own, in a folder below the
//! first one. What is erased is erased in all of them.

mod files;
mod rewrite;
mod write;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;
use files::{Digest, digest, replace};
use write::PARTIAL;
pub use write::{ArchiveConfig, ArchiveProgress, ArchiveReport, archive, archived_stretch};
pub(super) use write::{blocking, open_all};

const MANIFEST: &str = "manifest.json";
const LOCK: &str = ".lock";
const SUFFIX: &str = ".jsonl.gz";

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The files cannot be read or written.
    #[error("the archive {}: {source}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Another process is using the archive.
    #[error("another process is writing in the archive {}", .0.display())]
    InUse(PathBuf),
    /// The manifest cannot be parsed.
    #[error("the manifest of the archive {} cannot be read: {source}", directory.display())]
    Manifest {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// The manifest is missing.
    #[error(
        "the archive {} has files of events and no manifest.json, which lists them: put it back, or choose another directory",
        .0.display()
    )]
    Unlisted(PathBuf),
    /// The archive is of another epoch than its folder.
    #[error("the archive {} is of another epoch than its name says", .0.display())]
    Foreign(PathBuf),
    /// A file differs from what was written.
    #[error("the file {0} of the archive is damaged or missing")]
    Damaged(String),
    /// The epoch has ended while events of it were read.
    #[error("an epoch of the log has ended meanwhile; start again")]
    Ended,
    /// Events were pruned while they were read.
    #[error("the log was pruned past position {0} before it was archived; start again")]
    Pruned(u64),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] Error),
}

type Result<T, E = ArchiveError> = std::result::Result<T, E>;

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArchiveFile {
    /// Its name within the directory.
    name: String,
    /// The position of its first event.
    first: u64,
    /// The position of its last event; all between them are in it.
    last: u64,
    /// The number of its events.
    events: u64,
    /// Its length in bytes.
    bytes: u64,
    /// The SHA-256 of the file, in hexadecimal.
    sha256: String,
}

/// Events that an archive has without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedStretch {
    /// The epoch in which the positions mean these events.
    pub epoch: u32,
    /// The first position; behind the last one when the archive has none of them.
    pub first: u64,
    /// The last position.
    pub last: u64,
}

/// The contents of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The epoch of the log.
    epoch: u32,
    /// In the order of positions.
    files: Vec<ArchiveFile>,
    /// The subjects whose personal data was taken out.
    erased: Vec<Uuid>,
}

/// An open archive, which nobody else writes as long as this value lives.
pub(super) struct Archive {
    directory: PathBuf,
    manifest: Manifest,
    _lock: File,
}

impl Archive {
    /// Opens the archive of this epoch, and creates it if it does not exist. Blocks.
    pub(super) fn open(directory: &Path, epoch: u32) -> Result<Self> {
        match manifest_of(directory)? {
            Some(first) if first.epoch != epoch => {
                Self::open_at(&directory.join(folder_of(epoch)), epoch)
            }
            _ => Self::open_at(directory, epoch),
        }
    }

    /// Opens the archives of this epoch and of all others. Blocks.
    pub(super) fn open_all(directory: &Path, epoch: u32) -> Result<Vec<Self>> {
        let io = |source| io_error(directory, source);
        let own = Self::open(directory, epoch)?;
        let mut folders = vec![directory.to_owned()];
        for entry in fs::read_dir(directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            // What else is there, such as `lost+found`, may not even be readable.
            if entry.file_name().to_str().is_some_and(is_folder_of_epoch) {
                folders.push(entry.path());
            }
        }
        folders.retain(|folder| *folder != own.directory);
        let mut all = vec![own];
        for folder in folders {
            if let Some(manifest) = manifest_of(&folder)? {
                all.push(Self::open_at(&folder, manifest.epoch)?);
            }
        }
        Ok(all)
    }

    fn open_at(directory: &Path, epoch: u32) -> Result<Self> {
        let io = |source| io_error(directory, source);
        fs::create_dir_all(directory).map_err(io)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK))
            .map_err(io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ArchiveError::InUse(directory.to_owned()),
            TryLockError::Error(source) => io(source),
        })?;
        let found = manifest_of(directory)?;
        let is_new = found.is_none();
        let manifest = found.unwrap_or_else(|| Manifest {
            epoch,
            files: Vec::new(),
            erased: Vec::new(),
        });
        if manifest.epoch != epoch {
            return Err(ArchiveError::Foreign(directory.to_owned()));
        }
        let mut archive = Self {
            directory: directory.to_owned(),
            manifest,
            _lock: lock,
        };
        if is_new {
            archive.store(archive.manifest.clone())?;
        }
        archive.remove_left_overs().map_err(io)?;
        Ok(archive)
    }

    /// Returns its files, by position.
    fn files(&self) -> &[ArchiveFile] {
        &self.manifest.files
    }

    /// Returns the last position in it; 0 when it is empty.
    pub(super) fn last(&self) -> u64 {
        self.files().last().map_or(0, |file| file.last)
    }

    /// Returns the position up to which it has all events behind `position`, in intact files. Blocks.
    fn covers(&self, position: u64) -> Result<u64> {
        let mut covered = position;
        for file in self.files() {
            if file.last <= covered {
                continue;
            }
            if file.first > covered + 1 {
                break;
            }
            let digest = digest(&self.directory.join(&file.name));
            if !digest.is_ok_and(|digest| digest.is_of(file)) {
                return Err(ArchiveError::Damaged(file.name.clone()));
            }
            covered = file.last;
        }
        Ok(covered)
    }

    /// Returns the stretch that reaches from before `position` to the end of what the archive covers behind it. The files before `position`
    /// were intact when the log was pruned; of these it only looks whether they are there. Blocks.
    fn stretch(&self, position: u64) -> Result<ArchivedStretch> {
        let last = self.covers(position)?;
        let mut first = last + 1;
        for file in self.files().iter().rev().filter(|file| file.first <= last) {
            let found = fs::metadata(self.directory.join(&file.name));
            if file.last + 1 < first || !found.is_ok_and(|found| found.len() == file.bytes) {
                break;
            }
            first = file.first;
        }
        Ok(ArchivedStretch {
            epoch: self.manifest.epoch,
            first,
            last,
        })
    }

    fn io(&self, source: io::Error) -> ArchiveError {
        io_error(&self.directory, source)
    }

    fn remove_left_overs(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_listed = self.files().iter().any(|file| file.name == name);
            if may_be_left_over(&name) && !is_listed {
                tracing::info!(name, "removing a file that a killed process left");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes `manifest` the contents of the archive.
    fn store(&mut self, manifest: Manifest) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&manifest).map_err(|source| Error::Malformed {
            what: "archive manifest",
            source,
        })?;
        replace(&self.directory, MANIFEST, |file| {
            io::Write::write_all(file, &bytes)
        })
        .map_err(|error| self.io(error))?;
        self.manifest = manifest;
        Ok(())
    }

    fn add(&mut self, first: u64, last: u64, digest: Digest) -> Result<()> {
        let mut manifest = self.manifest.clone();
        manifest.files.push(ArchiveFile {
            name: name_of(first, last, 0),
            first,
            last,
            events: last + 1 - first,
            bytes: digest.bytes,
            sha256: digest.sha256,
        });
        self.store(manifest)
    }
}

fn io_error(directory: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io {
        directory: directory.to_owned(),
        source,
    }
}

/// Returns the name of an epoch's folder below the archive of the first one: the epoch as cursors have it.
fn folder_of(epoch: u32) -> String {
    format!("{epoch:08x}")
}

fn is_folder_of_epoch(name: &str) -> bool {
    u32::from_str_radix(name, 16).is_ok_and(|epoch| name == folder_of(epoch))
}

/// Reads the manifest of the archive in this folder; `None` if there is none, and nothing that it would have to list.
fn manifest_of(directory: &Path) -> Result<Option<Manifest>> {
    match fs::read(directory.join(MANIFEST)) {
        Ok(bytes) => {
            let manifest = serde_json::from_slice(&bytes);
            manifest.map(Some).map_err(|source| ArchiveError::Manifest {
                directory: directory.to_owned(),
                source,
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match has_events(directory) {
            Ok(false) => Ok(None),
            Ok(true) => Err(ArchiveError::Unlisted(directory.to_owned())),
            Err(error) => Err(io_error(directory, error)),
        },
        Err(error) => Err(io_error(directory, error)),
    }
}

fn has_events(directory: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        if entry?.file_name().to_str().is_some_and(is_of_events) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns a file name; names sort like positions.
fn name_of(first: u64, last: u64, revision: u32) -> String {
    match revision {
        0 => format!("{first:012}-{last:012}{SUFFIX}"),
        _ => format!("{first:012}-{last:012}.r{revision}{SUFFIX}"),
    }
}

/// Returns whether `name_of` gives this name.
fn is_of_events(name: &str) -> bool {
    let stretch = name.split('.').next().and_then(|it| it.split_once('-'));
    let stretch = stretch.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    stretch.is_some_and(|(first, last)| name == name_of(first, last, revision_of(name)))
}

fn revision_of(name: &str) -> u32 {
    let revision = name
        .split('.')
        .nth(1)
        .and_then(|part| part.strip_prefix('r'));
    revision.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Returns whether a killed process may have left a file of this name. What else is in the folder belongs to others.
fn may_be_left_over(name: &str) -> bool {
    match name.strip_suffix(files::TEMPORARY) {
        Some(name) => name == MANIFEST || name == PARTIAL || is_of_events(name),
        None => name == PARTIAL || is_of_events(name),
    }
}

#[cfg(test)]
mod tests;
