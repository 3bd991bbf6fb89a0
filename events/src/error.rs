//! The errors below the domains. Callers see three kinds: a conflict, which they may report; an outage, which they may retry; and
//! the rest, which is logged and never shown.

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};

/// The text of the database library's error for `Error::Crowded`: its errors have no variant for it.
pub(crate) const CROWDED: &str = "too much is asked for at once";

/// The result of an operation of the log.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the log or of the database under it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another writer appended this version of the stream first; nothing was written.
    #[error("the stream was changed by another writer")]
    VersionConflict,
    /// The database could not be reached or gave no connection in time.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] DbErr),
    /// Too much is being done on behalf of the caller.
    #[error("too much is asked for at once")]
    Crowded,
    /// Any other failure of the database.
    #[error(transparent)]
    Database(DbErr),
    /// Stored data does not have the form this version expects.
    #[error("malformed {what}: {source}")]
    Malformed {
        /// The thing that was being read.
        what: &'static str,
        /// Why reading it failed.
        source: serde_json::Error,
    },
    /// A lease was lost to another process; its transaction was rolled back.
    #[error("the lease on part {part} of {follower} was lost")]
    Fenced {
        /// The name of the follower.
        follower: String,
        /// The part whose checkpoint another process moved.
        part: i16,
    },
    /// A follower that needs the whole log had never run before a part of it was pruned.
    #[error(
        "{follower} has never run, and the events up to position {pruned}, which it begins with, were pruned; a read model can \
         be built from what is kept with `rebuild`"
    )]
    BeginIsPruned {
        /// The name of the follower.
        follower: String,
        /// The position up to which the log was pruned.
        pruned: u64,
    },
    /// A delivery was decided or taken over by another process; the transaction was rolled back.
    #[error("the delivery of event {position} to {handler} is no longer this process's")]
    Superseded {
        /// The name of the handler.
        handler: String,
        /// The position of the event.
        position: u64,
    },
    /// A follower or handler panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// An event is needed and is no longer in the log.
    #[error("the event is no longer in the log")]
    Pruned,
    /// The task doing the work panicked or was shut down.
    #[error("the task did not finish: {0}")]
    Task(String),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if matches!(&error, DbErr::Custom(text) if text == CROWDED) {
            Self::Crowded
        } else if is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

impl Error {
    /// Returns the SQLSTATE (Postgres) or result code (SQLite) of the failed statement.
    pub fn code(&self) -> Option<String> {
        match self {
            Self::Database(error) | Self::Unavailable(error) => code_of(error),
            _ => None,
        }
    }

    /// Returns whether nothing can have been committed.
    pub fn is_left_undone(&self) -> bool {
        matches!(
            self,
            Self::Database(_) | Self::VersionConflict | Self::Malformed { .. }
        )
    }

    /// Returns the violated unique constraint or index, as the database names it (SQLite names the columns).
    pub fn unique_violation(&self) -> Option<String> {
        match self {
            Self::Database(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(message)) => Some(message),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns whether the error is caused by the event that a follower fails on, and not by the state of the database or of this
    /// process: stored data is malformed, breaks a rule of the tables, or makes the code panic. Any other error concerns all events.
    pub fn is_of_event(&self) -> bool {
        match self {
            Self::Malformed { .. } | Self::VersionConflict | Self::Panicked(_) | Self::Pruned => {
                true
            }
            Self::Database(error) => match code_of(error) {
                // Postgres, by class: cardinality, data, integrity, triggers, views, raised. SQLite, by primary code: too big,
                // constraint, mismatch, range; and its generic error, which functions raise, too.
                Some(code) => match code.parse::<u32>() {
                    Ok(1) => !error.to_string().contains("no such "),
                    Ok(number) if code.len() != 5 => matches!(number & 0xff, 18 | 19 | 20 | 25),
                    _ => {
                        ["21", "22", "23", "27", "44", "P0"].contains(&code.get(..2).unwrap_or(""))
                    }
                },
                // The error is not the database's answer, but arose while decoding it.
                None => !matches!(error, DbErr::Exec(_) | DbErr::Query(_) | DbErr::Conn(_)),
            },
            _ => false,
        }
    }

    /// Returns the error for another of several callers. What it wrapped becomes a text.
    #[must_use]
    pub fn copy(&self) -> Self {
        let text = || RuntimeErr::Internal(self.to_string());
        match self {
            Self::Unavailable(_) => Self::Unavailable(DbErr::Conn(text())),
            Self::Crowded => Self::Crowded,
            Self::Database(_) => Self::Database(DbErr::Query(text())),
            _ => Self::Task(self.to_string()),
        }
    }

    /// Returns whether the same transaction may succeed when it runs again: it met a serialization failure, a deadlock, or a lock
    /// that was not granted in time.
    pub fn is_retryable(&self) -> bool {
        // Postgres: serialization_failure, deadlock_detected, lock_not_available. SQLite: BUSY and its variants.
        const CODES: [&str; 6] = ["40001", "40P01", "55P03", "5", "261", "517"];
        self.code()
            .is_some_and(|code| CODES.contains(&code.as_str()))
    }
}

fn code_of(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => error
            .as_database_error()
            .and_then(|e| e.code())
            .map(|code| code.into_owned()),
        _ => None,
    }
}

fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            outage(inner).is_some()
        }
        _ => false,
    }
}

/// What makes a failure an outage of the database, or of the way to it, and not of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// The statement was stopped, by a time limit or by somebody.
    Stopped,
    /// The database is there and cannot do it now: the disk is full, it is read-only, or it is out of memory.
    Refused,
    /// The connection is no longer usable.
    Gone,
}

/// Returns the outage that an error indicates, if any.
pub(crate) fn outage(error: &SqlxError) -> Option<Outage> {
    let Some(error) = error.as_database_error() else {
        // The error is not an answer: the connection failed, not the statement.
        return matches!(
            error,
            SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
                | SqlxError::BeginFailed
                | SqlxError::InvalidSavePointStatement
        )
        .then_some(Outage::Gone);
    };
    let code = error.code()?;
    match code.parse::<u32>() {
        Ok(number) if code.len() != 5 => sqlite_outage(number),
        _ => postgres_outage(&code),
    }
}

/// Classifies primary result codes, <https://www.sqlite.org/rescode.html>.
fn sqlite_outage(code: u32) -> Option<Outage> {
    match code & 0xff {
        // LOCKED, INTERRUPT.
        6 | 9 => Some(Outage::Stopped),
        // NOMEM, READONLY, FULL, PROTOCOL.
        7 | 8 | 13 | 15 => Some(Outage::Refused),
        // IOERR, CORRUPT, CANTOPEN, NOTADB: the file may have been replaced.
        10 | 11 | 14 | 26 => Some(Outage::Gone),
        _ => None,
    }
}

/// Classifies SQLSTATEs by class and code, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres_outage(code: &str) -> Option<Outage> {
    match code {
        // statement_completion_unknown, query_canceled.
        "40003" | "57014" => Some(Outage::Stopped),
        // read_only_sql_transaction, from a standby, or in a session that dates from when the server was read-only.
        // idle_in_transaction_session and transaction_timeout.
        "25006" | "25P03" | "25P04" => Some(Outage::Gone),
        _ => match code.get(..2) {
            // Insufficient resources: disk_full, out_of_memory, too_many_connections. System errors: io_error.
            Some("53" | "58") => Some(Outage::Refused),
            // Connection exceptions; shut down, crashed, starting, dropped.
            Some("08" | "57") => Some(Outage::Gone),
            _ => None,
        },
    }
}

/// Returns the error and its causes, one per line. Postgres stores no NUL, and who stores the text must not fail because of it.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut lines = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        // Some errors include their cause in their own text.
        if lines.last().is_none_or(|last| !last.ends_with(&line)) {
            lines.push(line);
        }
        cause = error.source();
    }
    lines.join("\n").replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases that cannot be provoked on every machine; the others are in the tests of outages.
    #[test]
    fn codes_of_sqlite_are_outages_by_their_primary_code() {
        // IOERR and its variants of reading and of syncing, CORRUPT, CANTOPEN, NOTADB.
        for code in [10, 266, 1034, 11, 14, 26] {
            assert_eq!(sqlite_outage(code), Some(Outage::Gone), "{code}");
        }
        // NOMEM, READONLY and one that was moved, FULL.
        for code in [7, 8, 1032, 13] {
            assert_eq!(sqlite_outage(code), Some(Outage::Refused), "{code}");
        }
        // ERROR, BUSY, CONSTRAINT and its unique variant: the statement's own fault, or to be tried again.
        for code in [1, 5, 19, 2067] {
            assert_eq!(sqlite_outage(code), None, "{code}");
        }
    }

    #[test]
    fn a_chain_tells_each_cause_once() {
        let source = serde_json::from_str::<u8>("x").expect_err("no number");
        let error = Error::Malformed {
            what: "event data",
            source,
        };
        assert_eq!(
            error_chain(&error),
            "malformed event data: expected value at line 1 column 1"
        );
        assert!(error.is_of_event());
        let error = Error::Panicked("a \0".to_owned());
        assert!(error_chain(&error).ends_with("a \u{fffd}"));
        assert!(
            !Error::Unavailable(DbErr::Conn(RuntimeErr::Internal("gone".to_owned()))).is_of_event()
        );
    }
}
