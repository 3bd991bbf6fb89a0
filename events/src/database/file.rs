//! The identity of the file of a SQLite database. A process keeps writing to a file that was removed or replaced under its name,
//! where nobody will ever find what it wrote. So each transaction checks, before it begins and before it is reported, that the
//! names still refer to the file and its write-ahead log. Called by `Database`; the check costs two look-ups of a name. Erasures empty the
//! write-ahead log here.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use parking_lot::Mutex;
use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, sqlx::sqlite::SqliteConnectOptions};

use super::{
    Database,
    connection::{exec, query},
};
use crate::{Error, Result};

/// How long a connection waits while another program has the file locked.
pub(super) const FILE_LOCK_LIMIT: Duration = Duration::from_secs(10);
/// How long all writers may wait for those who read what is in the write-ahead log, when it is to be emptied.
const EMPTIED_WITHIN: Duration = Duration::from_millis(250);

/// Returns the file of a SQLite database, as its driver understands the URL; `None` for another database. A URL that the driver
/// does not understand is refused on connecting.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let name = url.strip_prefix("sqlite:")?;
    let options = SqliteConnectOptions::from_str(url);
    Some(options.map_or_else(|_| name.into(), |it| it.get_filename().to_owned()))
}

/// Device and inode number: no two files share them at one time.
type Identity = (u64, u64);

/// The file of an open database.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    file: Identity,
    writes_path: PathBuf,
    /// The write-ahead log's identity, known once something was written.
    writes: Mutex<Option<Identity>>,
}

impl DatabaseFile {
    /// Returns the file of an open database; `None` when it is not a file.
    pub(super) fn opened(path: &Path) -> Option<Self> {
        let file = identity(path).ok()?;
        let mut writes_path = path.as_os_str().to_owned();
        writes_path.push("-wal");
        Some(Self {
            path: path.to_owned(),
            file,
            writes_path: writes_path.into(),
            writes: Mutex::new(None),
        })
    }

    /// Checks that whatever is written from now on will be found.
    pub(super) fn check(&self) -> Result<()> {
        let is_same = identity(&self.path).is_ok_and(|found| found == self.file);
        if !is_same {
            return Err(lost(&self.path));
        }
        match self.known_writes() {
            Some(known) if identity(&self.writes_path).ok() != Some(known) => {
                Err(lost(&self.writes_path))
            }
            _ => Ok(()),
        }
    }

    /// Makes the same check after a commit.
    pub(super) fn check_written(&self) -> Result<()> {
        let mut known = self.writes.lock();
        if known.is_none() {
            *known = identity(&self.writes_path).ok();
        }
        drop(known);
        self.check()
    }

    fn known_writes(&self) -> Option<Identity> {
        *self.writes.lock()
    }
}

impl Database {
    /// Empties SQLite's write-ahead log into the file, which overwrites what was deleted. Returns false while somebody reads what is in it.
    pub(crate) async fn empty_write_ahead_log(&self) -> Result<bool> {
        let mut lease = self.background_writer.lease().await?;
        let waiting = |limit: Duration| format!("pragma busy_timeout = {}", limit.as_millis());
        let shortened = lease.execute_unprepared(&waiting(EMPTIED_WITHIN)).await;
        shortened.map_err(exec)?;
        let sql = "pragma wal_checkpoint(truncate)";
        let emptied = lease.query_one(Statement::from_string(DbBackend::Sqlite, sql));
        let emptied = emptied.await;
        let restored = lease.execute_unprepared(&waiting(FILE_LOCK_LIMIT)).await;
        restored.map_err(exec)?;
        let row = emptied.map_err(query)?;
        let is_busy: Option<i32> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(is_busy == Some(0))
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn lost(path: &Path) -> Error {
    let message = format!(
        "{} was removed or replaced while it was open; start the process again",
        path.display()
    );
    Error::Unavailable(DbErr::Conn(RuntimeErr::Internal(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_however_it_is_written() {
        for url in [
            "sqlite://some folder/m.db",
            "sqlite:some folder/m.db",
            "sqlite://some%20folder/m.db?mode=rwc",
        ] {
            assert_eq!(sqlite_file(url), Some("some folder/m.db".into()), "{url}");
        }
        assert_eq!(sqlite_file("postgres://host/m.db"), None);
        let refused = sqlite_file("sqlite://m.db?mode=none");
        assert!(refused.is_some(), "it is SQLite all the same");
    }
}
