//! The row of an erasure: the process that works on it, and its progress. Every change of it names the owner and the token of the
//! claim, in the transaction that does the work, so a process that was paused and superseded changes nothing. It also names the
//! progress that it goes on from: a database that has lost its last transactions has lost what they erased.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use crate::{
    Database, DatabaseTransaction, Error, Result, Tx, boxed,
    database::{Pool, now},
    sql::{Dialect, execute, from_i64, longest, query, query_as, query_one, to_i64},
};

/// The phase of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasurePhase {
    /// It redacts the events of the log.
    Log,
    /// It changes the tables of the domains.
    Tables,
    /// It drops the copies in Redis, or in the database's write-ahead log.
    Streams,
    /// It rewrites the files of the archive.
    Archive,
    /// Everything was done once; a second pass will look for what was under way when it began.
    Waiting,
    /// It has ended.
    Done,
}

impl ErasurePhase {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Log, "log"),
        (Self::Tables, "tables"),
        (Self::Streams, "streams"),
        (Self::Archive, "archive"),
        (Self::Waiting, "waiting"),
        (Self::Done, "done"),
    ];

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(phase, _)| *phase == self);
        found.map_or("done", |(_, name)| name)
    }

    fn named(name: &str) -> Self {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map_or(Self::Done, |(phase, _)| *phase)
    }
}

/// The public state of an erasure.
#[derive(Debug, Clone)]
pub struct ErasureStatus {
    /// The user whose personal data is erased.
    pub subject: Uuid,
    /// When it was requested.
    pub requested_at: DateTime<Utc>,
    /// The user who requested it.
    pub requested_by: String,
    /// The current phase.
    pub phase: ErasurePhase,
    /// The current pass: 1 or 2.
    pub pass: i16,
    /// How much of the log was examined in this pass.
    pub looked_at: u64,
    /// How much of the log is to be examined in this pass.
    pub to_look_at: u64,
    /// The number of events redacted.
    pub events: u64,
    /// The number of table rows changed.
    pub rows: u64,
    /// The number of archive files rewritten; `None` when no process that worked on it had an archive.
    pub files: Option<u64>,
    /// When the log was redacted for the first time.
    pub log_at: Option<DateTime<Utc>>,
    /// When the tables were cleared for the first time.
    pub tables_at: Option<DateTime<Utc>>,
    /// When the streams of Redis were cleared for the first time.
    pub streams_at: Option<DateTime<Utc>>,
    /// When the archive was rewritten for the first time.
    pub archive_at: Option<DateTime<Utc>>,
    /// When everything had been done twice.
    pub finished_at: Option<DateTime<Utc>>,
}

impl ErasureStatus {
    /// Returns whether this is further than the state before.
    pub(super) fn has_moved_since(&self, before: &Self) -> bool {
        let place = |it: &Self| (it.phase, it.pass, it.looked_at);
        place(self) != place(before)
    }
}

const COLUMNS: &str =
    "subject, requested_at, requested_by, phase, pass, place, until, events, changed_rows, files,
    log_at, tables_at, streams_at, archive_at, finished_at, first_xid, token";

/// The claim of this process on the erasure, with its progress.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) status: ErasureStatus,
    /// On Postgres: transactions from this id on may have been open when the first pass began.
    pub(super) first_xid: String,
    /// A database that has lost a claim may give its token to another process.
    owner: String,
    token: i64,
}

fn status(row: &QueryResult) -> Result<ErasureStatus> {
    let number = |column: &str| Ok::<_, Error>(from_i64(row.try_get("", column)?));
    Ok(ErasureStatus {
        subject: row.try_get("", "subject")?,
        requested_at: row.try_get("", "requested_at")?,
        requested_by: row.try_get("", "requested_by")?,
        phase: ErasurePhase::named(&row.try_get::<String>("", "phase")?),
        pass: row.try_get("", "pass")?,
        looked_at: number("place")?,
        to_look_at: number("until")?,
        events: number("events")?,
        rows: number("changed_rows")?,
        files: row.try_get::<Option<i64>>("", "files")?.map(from_i64),
        log_at: row.try_get("", "log_at")?,
        tables_at: row.try_get("", "tables_at")?,
        streams_at: row.try_get("", "streams_at")?,
        archive_at: row.try_get("", "archive_at")?,
        finished_at: row.try_get("", "finished_at")?,
    })
}

/// Asks the workers to erase the personal data of `subject`; returns false when they are at it already. One that has ended begins
/// again, as what it erased may be back.
#[boxed]
pub async fn request_erasure(tx: &Tx<'_>, subject: Uuid, requested_by: &str) -> Result<bool> {
    let sql = format!(
        "insert into erasure (subject, requested_at, requested_by) values ($1, $2, $3)
         on conflict (subject) do update set requested_at = excluded.requested_at, requested_by = excluded.requested_by,
             phase = 'log', pass = 1, place = 0, until = 0, finished_at = null, owner = null, leased_until = {}
         where erasure.finished_at is not null",
        tx.get_database_backend().never()
    );
    let values = vec![subject.into(), now().into(), requested_by.into()];
    Ok(execute(&**tx, &sql, values).await? == 1)
}

/// Returns the erasure of one subject, or all unfinished ones and the last `limit` finished ones.
#[boxed]
pub async fn read_erasures(
    database: &Database,
    subject: Option<Uuid>,
    limit: u64,
) -> Result<Vec<ErasureStatus>> {
    let (condition, values): (&str, Vec<Value>) = match subject {
        Some(subject) => ("where subject = $1", vec![subject.into()]),
        None => ("", vec![]),
    };
    let sql = format!(
        "select {COLUMNS} from erasure {condition}
         order by case when finished_at is null then 0 else 1 end, requested_at desc limit {limit}"
    );
    let rows = query(&database.reader, &sql, values).await?;
    rows.iter().map(status).collect()
}

/// Returns all subjects whose data was erased, or is being erased.
pub(super) async fn subjects(database: &Database) -> Result<Vec<Uuid>> {
    let sql = "select subject from erasure where log_at is not null order by requested_at";
    query_as(&database.background, sql, Vec::new()).await
}

/// Claims the oldest erasure that no process works on. `settle` is the delay before the second pass, which begins anew when the clock
/// went back meanwhile, as nothing says how much of it is over.
pub(super) async fn claim(
    database: &Database,
    owner: &str,
    (lease, settle): (Duration, Duration),
) -> Result<Option<Claimed>> {
    let (owner, seconds, settle) = (owner.to_owned(), lease.as_secs_f64(), settle.as_secs_f64());
    let longest = longest(lease) + 2.0 * settle;
    database
        .transaction(Pool::Patient, |tx| {
            let owner = owner.clone();
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let settle_anew = format!(
                    "update erasure set leased_until = {} where phase = 'waiting' and leased_until > {}",
                    backend.clock_plus(1),
                    backend.clock_plus(2),
                );
                execute(tx, &settle_anew, vec![settle.into(), longest.into()]).await?;
                let sql = format!(
                    "update erasure set owner = $2, token = token + 1, leased_until = {}
                     where subject in (select subject from erasure where finished_at is null and {}
                                       order by leased_until, requested_at limit 1 {})
                     returning {COLUMNS}",
                    backend.clock_plus(1),
                    backend.is_over("leased_until", 3),
                    backend.skip_locked(),
                );
                let values = vec![seconds.into(), owner.clone().into(), longest.into()];
                let row = query_one(tx, &sql, values).await?;
                let claimed = row.map(|row| {
                    Ok::<_, Error>(Claimed {
                        status: status(&row)?,
                        first_xid: row.try_get("", "first_xid")?,
                        owner,
                        token: row.try_get("", "token")?,
                    })
                });
                claimed.transpose()
            })
        })
        .await
}

/// Saves the progress `to` and extends the claim by `lease`; fails when another process holds it, or when the progress in the
/// database is not `from`.
pub(super) async fn save(
    tx: &DatabaseTransaction,
    (from, to): (&Claimed, &Claimed),
    lease: Duration,
) -> Result<()> {
    let (before, status) = (&from.status, &to.status);
    let sql = format!(
        "update erasure set leased_until = {}, phase = $4, pass = $5, place = $6, until = $7, events = $8,
             changed_rows = $9, files = $10, log_at = $11, tables_at = $12, streams_at = $13, archive_at = $14,
             finished_at = $15, first_xid = $16
         where subject = $2 and token = $3 and owner = $17 and phase = $18 and pass = $19 and place = $20 and until = $21",
        tx.get_database_backend().clock_plus(1)
    );
    let values: Vec<Value> = vec![
        lease.as_secs_f64().into(),
        status.subject.into(),
        to.token.into(),
        status.phase.name().into(),
        status.pass.into(),
        to_i64(status.looked_at).into(),
        to_i64(status.to_look_at).into(),
        to_i64(status.events).into(),
        to_i64(status.rows).into(),
        status.files.map(to_i64).into(),
        status.log_at.into(),
        status.tables_at.into(),
        status.streams_at.into(),
        status.archive_at.into(),
        status.finished_at.into(),
        to.first_xid.as_str().into(),
        to.owner.as_str().into(),
        before.phase.name().into(),
        before.pass.into(),
        to_i64(before.looked_at).into(),
        to_i64(before.to_look_at).into(),
    ];
    match execute(tx, &sql, values).await? {
        1 => Ok(()),
        _ => Err(Error::Fenced {
            follower: "erasure".to_owned(),
            part: 0,
        }),
    }
}

/// Renews the claim until the task is aborted, or nothing is left to do.
pub(super) fn keep_renewing(
    database: Database,
    claimed: Claimed,
    lease: Duration,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(lease / 4).await;
            let (database, claimed) = (database.clone(), claimed.clone());
            // The renewal runs in a task of its own: an abort must not leave a transaction open.
            let renewal = tokio::spawn(async move {
                let sql = format!(
                    "update erasure set leased_until = {}
                     where subject = $2 and token = $3 and owner = $4 and phase <> 'waiting'",
                    database.backend().clock_plus(1)
                );
                let values = of_claim(lease, &claimed);
                execute(database.background_writer(), &sql, values).await
            });
            if let Ok(Err(error)) = renewal.await {
                tracing::debug!(%error, "the lease on an erasure was not renewed");
            }
        }
    })
}

/// Releases the claim; nobody takes it before `pause` is over.
pub(super) async fn release(database: &Database, claimed: &Claimed, pause: Duration) -> Result<()> {
    database
        .transaction(Pool::Patient, |tx| {
            let values = of_claim(pause, claimed);
            Box::pin(async move {
                let sql = format!(
                    "update erasure set owner = null, leased_until = {}
                     where subject = $2 and token = $3 and owner = $4",
                    tx.get_database_backend().clock_plus(1)
                );
                execute(tx, &sql, values).await?;
                Ok(())
            })
        })
        .await
}

/// The parameters of the statements that only change the end of a claim.
fn of_claim(until: Duration, claimed: &Claimed) -> Vec<Value> {
    vec![
        until.as_secs_f64().into(),
        claimed.status.subject.into(),
        claimed.token.into(),
        claimed.owner.as_str().into(),
    ]
}
