//! Waits for a database that is not there yet: programs and their database are often started together. A problem that waiting
//! cannot solve (a wrong password, a missing database) is an error at once. Called at the start of long-running processes.

use std::time::Duration;

use sea_orm_migration::sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{self, Connection, PgConnection},
};
use tokio::time::{Instant, sleep, timeout};

use crate::SchemaError;

/// How long a server may take to answer one attempt.
const ATTEMPT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until Postgres accepts connections, for `limit` at most; a SQLite file needs no waiting.
///
/// # Errors
/// When it does not, and when it refuses this process.
pub async fn await_database(url: &str, limit: Duration) -> Result<(), SchemaError> {
    if url.starts_with("sqlite:") {
        return Ok(());
    }
    let until = Instant::now() + limit;
    let mut is_told = false;
    loop {
        let error = match timeout(ATTEMPT, PgConnection::connect(url)).await {
            Ok(Ok(connection)) => {
                // The outcome of the close does not matter.
                let _ = timeout(ATTEMPT, connection.close()).await;
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        };
        if !may_come(&error) || Instant::now() + PAUSE >= until {
            let error = DbErr::Conn(RuntimeErr::SqlxError(error.into()));
            return Err(SchemaError::Database(error));
        }
        if !std::mem::replace(&mut is_told, true) {
            tracing::info!(%error, "the database is not there yet; waiting {limit:?} for it");
        }
        sleep(PAUSE).await;
    }
}

fn may_come(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // It is starting, stopping, or has too many clients.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || code == "53300"),
        _ => false,
    }
}
