//! Watches a migration of Postgres from a second session: says which session it waits for, and ends it when its own is gone. A build of an
//! index may take hours, so no deadline tells a connection that went silent from one whose statement takes long; the server can, as it has
//! closed the session of a client that does not answer. Called by `runner`.

use std::time::Duration;

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement,
    sqlx::{self, Connection, PgConnection},
};
use tokio::time::{Instant, sleep, timeout};

use crate::SchemaError;

/// The pause between two looks, and how long the answer to one may take.
const PAUSE: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(5);
/// How long the server may answer nothing at all, once it has.
const SILENCE: Duration = Duration::from_secs(60);

/// The session, and the one among those it waits for whose transaction is the oldest. What other roles run may be hidden.
const SEEN: &str = "
    select b.pid, coalesce(nullif(b.application_name, ''), b.backend_type, 'of another role') as runs,
           extract(epoch from clock_timestamp() - b.xact_start)::float8 as open_for
    from pg_stat_activity m left join pg_stat_activity b on b.pid = any(pg_blocking_pids(m.pid))
    where m.pid = $1 order by b.xact_start limit 1";

/// What a session waits for: the id of a process, what it runs, and for how many seconds its transaction has been open.
type Blocker = (Option<i32>, String, Option<f64>);

/// Does the work of this connection, unless its session is lost.
pub(crate) async fn beside<T>(
    url: &str,
    connection: &DatabaseConnection,
    work: impl Future<Output = Result<T, SchemaError>>,
) -> Result<T, SchemaError> {
    let sql = Statement::from_string(DbBackend::Postgres, "select pg_backend_pid() as pid");
    let row = connection.query_one_raw(sql).await?;
    let pid = row.map_or(Ok(0), |row| row.try_get("", "pid"))?;
    tokio::select! {
        biased;
        done = work => done,
        lost = watch(url, pid) => Err(lost),
    }
}

/// Looks again and again; returns when the session is lost.
async fn watch(url: &str, pid: i32) -> SchemaError {
    let mut session = None;
    let (mut gone, mut told) = (0, None);
    // A server that was never reached a second time may just have no place for another connection.
    let mut answered: Option<Instant> = None;
    loop {
        sleep(PAUSE).await;
        let seen = timeout(ANSWER, look(url, &mut session, pid)).await;
        match seen {
            Ok(Ok(Some((blocker, runs, open_for)))) => {
                (gone, answered) = (0, Some(Instant::now()));
                if let Some(blocker) = blocker
                    && told.replace(blocker) != Some(blocker)
                {
                    tell(blocker, &runs, open_for);
                }
                continue;
            }
            Ok(Ok(None)) => {
                (gone, answered) = (gone + 1, Some(Instant::now()));
                // If the connection works, the first time was soon enough to be told by it.
                if gone == 2 {
                    let lost = "Postgres has ended the session: it was restarted, or the network was silent for a while; migrate again";
                    return SchemaError::Lost(lost.to_owned());
                }
                continue;
            }
            // It answers, but not this.
            Ok(Err(sqlx::Error::Database(_))) => answered = answered.map(|_| Instant::now()),
            Ok(Err(_)) | Err(_) => {}
        }
        session = None;
        if answered.is_some_and(|at| at.elapsed() > SILENCE) {
            let lost = format!("Postgres has not answered for {SILENCE:?}; migrate again");
            return SchemaError::Lost(lost);
        }
    }
}

async fn look(
    url: &str,
    session: &mut Option<PgConnection>,
    pid: i32,
) -> sqlx::Result<Option<Blocker>> {
    let session = match session {
        Some(session) => session,
        None => session.insert(PgConnection::connect(url).await?),
    };
    sqlx::query_as(SEEN).bind(pid).fetch_optional(session).await
}

fn tell(pid: i32, runs: &str, open_for: Option<f64>) {
    let open_for = open_for.unwrap_or_default();
    tracing::info!(
        pid,
        "waiting for process {pid} of Postgres ({runs}), whose transaction has been open for {open_for:.0} s"
    );
}
