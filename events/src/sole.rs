//! Keeps a SQLite file to one process at a time: its log is the bus, its caches are the process's own, and its leases have no
//! second candidate. The operating system's lock on a file beside the database enforces this; the kernel releases it when the
//! process ends, however it ends. So the holder knows that every lease belongs to a process that is gone, and need not wait for
//! it. Gateways and workers take the lock; commands that read, write or prune beside them do not, as SQLite isolates their
//! transactions and the log's poll finds their events.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use sea_orm::ConnectionTrait;

use crate::{
    Database, Result, boxed,
    database::{Pool, sqlite_file},
    sql::{Dialect, execute},
};

/// The time, in seconds, left to leases that may belong to a command beside this process.
const REMAINDER: f64 = 30.0;

/// Proof that this process is the only one on the file, for as long as the value lives.
#[derive(Debug)]
#[must_use = "the file is another's as soon as this is dropped"]
pub struct Sole(#[expect(dead_code, reason = "it is held, and closed when it is dropped")] File);

/// Why a process may not have a file to itself.
#[derive(Debug, thiserror::Error)]
pub enum NotSole {
    /// Another process serves it.
    #[error(
        "another gateway or worker is running on {0}: a SQLite database belongs to one process at a time; stop that \
         one first, or use Postgres for several"
    )]
    Taken(PathBuf),
    /// The lock cannot be taken.
    #[error(
        "{path} cannot be locked: {cause}; a SQLite database needs a local file system that has locks"
    )]
    Unlockable {
        /// The lock file beside the database.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
}

impl Sole {
    /// Takes the file of a SQLite database. The file need not exist yet, though its folder must. Returns `None` for another
    /// database, or for one in memory, which no other process can reach.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn of(database_url: &str) -> Result<Option<Self>, NotSole> {
        let path = sqlite_file(database_url).filter(|_| !database_url.contains(":memory:"));
        path.map(|path| Self::take(&path)).transpose()
    }

    /// Takes the file at `path`.
    ///
    /// # Errors
    /// When another process has it, and when the lock cannot be taken at all.
    fn take(path: &Path) -> Result<Self, NotSole> {
        let lock = lock_of(path);
        let failed = |cause| NotSole::Unlockable {
            path: lock.clone(),
            cause,
        };
        // The file is never removed: a process that opened it before and locks it afterwards would hold a lock on nothing.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(NotSole::Taken(path.to_owned())),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// Returns the path of the lock file, which is beside the file itself, whatever name or link leads to it.
fn lock_of(path: &Path) -> PathBuf {
    let real = fs::canonicalize(path).or_else(|_| {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
        Ok::<_, io::Error>(folder.join(path.file_name().unwrap_or_default()))
    });
    let mut name = real.unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(".lock");
    name.into()
}

impl Database {
    /// Ends the leases of the previous process, which has ended: those on its parts, and those on its handlers' attempts. Leases
    /// that may belong to a command beside this process are only shortened, as a clock that was set back may have made them long.
    /// For the same reason, deliveries that wait do so from now on for no longer than they were to.
    ///
    /// # Errors
    /// When the database cannot be written.
    #[boxed]
    pub async fn take_over_leases(&self, _: &Sole) -> Result<()> {
        self.transaction(Pool::Background, |tx| {
            Box::pin(async move {
                for sql in [
                    // The owner is kept: a follower that ended its process is recognized by it.
                    "update checkpoint set leased_until = 0",
                    "delete from follower_member",
                    "update delivery set leased_until = 0 where state = 'running'",
                    "delete from worker_breaker",
                ] {
                    execute(tx, sql, Vec::new()).await?;
                }
                let now = tx.get_database_backend().now();
                let sooner = format!(
                    "update delivery set due_at = min(due_at, {now} + coalesce(due_at - last_at, 0))
                     where state = 'waiting' and due_at > {now}"
                );
                execute(tx, &sooner, Vec::new()).await?;
                for table in ["rebuild", "housekeeping", "erasure"] {
                    let sql = format!(
                        "update {table} set leased_until = min(leased_until, {})",
                        tx.get_database_backend().now_plus(1)
                    );
                    execute(tx, &sql, vec![REMAINDER.into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_by_all_its_names() {
        let folder = std::env::temp_dir().join(format!("sole-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).expect("a folder");
        let path = folder.join("millrace.db");
        let first = Sole::take(&path).expect("nobody has it");
        assert!(matches!(Sole::take(&path), Err(NotSole::Taken(_))));
        fs::write(&path, "").expect("the database comes to be");
        let link = folder.join("link.db");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let roundabout = folder.join(".").join("millrace.db");
        for name in [&link, &roundabout] {
            assert!(
                matches!(Sole::take(name), Err(NotSole::Taken(_))),
                "{name:?}"
            );
        }
        let other = Sole::take(&folder.join("other.db"));
        drop(other.expect("another database"));
        drop(first);
        drop(Sole::take(&link).expect("its process has ended"));
        fs::remove_dir_all(&folder).expect("the folder goes");
    }

    #[test]
    fn what_cannot_be_locked_is_told() {
        let nowhere = Path::new("/nowhere/millrace.db");
        assert!(matches!(
            Sole::take(nowhere),
            Err(NotSole::Unlockable { .. })
        ));
    }
}
