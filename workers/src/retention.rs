//! Archives and prunes the log, and erases personal data: as commands for an operator who watches, and in the background. The
//! settings are those of workers, and of gateways that run the workers.

mod commands;
mod keeping;

use std::{path::PathBuf, sync::Arc, time::Duration};

use entities::Entities;
use events::{ArchiveError, ArchivedStretch, PruneConfig};

use crate::duration;
pub use commands::{archive_watched, prune_watched};
pub(crate) use keeping::{erase_requested, keep_retention};

/// How long the answers of idempotent requests are kept, and with them the posts that they are folded from.
pub(crate) const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// The retention of the log.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
#[command(next_help_heading = "Retention")]
pub struct RetentionSettings {
    /// How long events are kept, such as 90d; without it they are never pruned
    ///
    /// Older events are pruned from the log when every follower and handler has passed them. Those of a post stay until it is deleted;
    /// then its deletion alone stays.
    #[arg(long, env = "MILLRACE_RETENTION", value_parser = duration::parse)]
    pub retention: Option<Duration>,
    /// Directory to which events are archived before they are pruned; personal data is erased there, too
    #[arg(long, env = "MILLRACE_ARCHIVE")]
    pub archive: Option<PathBuf>,
    /// How long after the erasure of a user's data to search for remains once more; longer than any request lasts
    #[arg(long, env = "MILLRACE_ERASURE_SETTLE", value_parser = duration::parse, default_value = "90s")]
    pub erasure_settle: Duration,
}

/// The arguments of `archive`.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Only events of at least this age, such as 90d
    #[arg(long, value_parser = duration::parse)]
    pub older_than: Duration,
    /// Directory of the archive
    #[arg(long)]
    pub to: PathBuf,
}

/// The arguments of `prune`.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct PruneSettings {
    /// Only events of at least this age, such as 90d
    #[arg(long, value_parser = duration::parse)]
    pub older_than: Duration,
    /// Only events that are in the archive in this directory; its files are verified first
    #[arg(long)]
    pub archived_in: Option<PathBuf>,
}

/// Why events were not archived or pruned.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] events::Error),
}

fn prune_config(older_than: Duration, archived: Option<ArchivedStretch>) -> PruneConfig {
    PruneConfig {
        older_than,
        keeps: Entities::keeps(),
        ended_for: ANSWERS_KEPT,
        followers: Entities::followers(),
        archived,
    }
}

fn eraser() -> Arc<dyn events::Eraser> {
    Entities::eraser()
}
