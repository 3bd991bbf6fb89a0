//! The row of a rebuild: the process that works on it, and its progress. Every change of it names the owner and the token of the
//! claim, in the transaction that writes the model's rows, so a process that was paused and superseded changes nothing. A change of
//! the progress also names the progress that it goes on from: a database that has lost its last transactions, such as a standby that
//! took over, has lost rows of the model with them, and whoever remembers them must begin again where the database is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use uuid::Uuid;

use super::{RebuildConfig, RebuildError, RebuildPhase, RebuildReport, Result};
use crate::{
    Database, DatabaseTransaction, Error, PARTS, boxed,
    database::{Pool, now},
    sql::{Dialect, execute, from_i64, longest, query, query_as, query_one, to_i64},
};

/// No claim is taken for longer.
pub(super) const LONGEST_LEASE: Duration = Duration::from_secs(60);
/// How often to look at a claim that another process holds.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The claim of this process on the rebuild.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) follower: &'static str,
    /// A database that has lost a claim may give its token to another process.
    pub(super) owner: String,
    pub(super) token: i64,
}

/// The progress of a rebuild, as saved.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    pub(super) phase: RebuildPhase,
    /// While building: events up to here are to be built. Later: those up to here are applied.
    pub(super) position: u64,
    /// The last position of each part up to `position`.
    pub(super) parts: [u64; PARTS as usize],
    /// While building: the stream and the version of the last event built.
    pub(super) last: Option<(Uuid, i64)>,
    pub(super) done: u64,
    pub(super) total: u64,
}

/// The public state of a rebuild.
#[derive(Debug, Clone)]
pub struct RebuildStatus {
    /// The follower whose read model it is.
    pub model: String,
    /// The current phase.
    pub phase: RebuildPhase,
    /// Events applied.
    pub done: u64,
    /// Events to apply.
    pub total: u64,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The result, once it has ended.
    pub report: Option<RebuildReport>,
    /// Whether a process is working on it.
    pub is_running: bool,
}

fn phase_name(phase: RebuildPhase) -> &'static str {
    match phase {
        RebuildPhase::Requested => "requested",
        RebuildPhase::Building => "building",
        RebuildPhase::Indexing => "indexing",
        RebuildPhase::Following => "following",
        RebuildPhase::Comparing => "comparing",
        RebuildPhase::Swapping => "swapping",
        RebuildPhase::Done => "done",
    }
}

fn phase_named(name: &str) -> RebuildPhase {
    const ALL: [RebuildPhase; 6] = [
        RebuildPhase::Requested,
        RebuildPhase::Building,
        RebuildPhase::Indexing,
        RebuildPhase::Following,
        RebuildPhase::Comparing,
        RebuildPhase::Swapping,
    ];
    let found = ALL.into_iter().find(|phase| phase_name(*phase) == name);
    found.unwrap_or(RebuildPhase::Done)
}

/// Claims the rebuild for this process. If another process holds it, waits until its lease has expired, or until it shows that it
/// is alive by renewing it.
pub(super) async fn claim(
    database: &Database,
    follower: &'static str,
    config: &RebuildConfig,
    stop: &watch::Receiver<bool>,
) -> Result<(Claim, Saved)> {
    let mut seen: Option<String> = None;
    while !*stop.borrow() {
        let (owner, seconds) = (config.owner.clone(), config.lease.as_secs_f64());
        let claimed = database
            .transaction(Pool::Patient, |tx| {
                let owner = owner.clone();
                Box::pin(async move { claim_in_tx(tx, follower, &owner, seconds).await })
            })
            .await?;
        if let Some(claimed) = claimed {
            return Ok(claimed);
        }
        let sql = "select cast(token as text) || cast(leased_until as text) as lease, done, total
                   from rebuild where follower = $1";
        let connection = &database.background;
        let row = query_one(connection, sql, vec![follower.into()]).await?;
        if let Some(row) = row {
            let lease: String = row.try_get("", "lease")?;
            if *seen.get_or_insert_with(|| lease.clone()) != lease {
                return Err(RebuildError::Running {
                    model: follower,
                    done: from_i64(row.try_get("", "done")?),
                    total: from_i64(row.try_get("", "total")?),
                });
            }
        }
        sleep(LOOK_INTERVAL).await;
    }
    Err(RebuildError::Stopped)
}

async fn claim_in_tx(
    tx: &DatabaseTransaction,
    follower: &'static str,
    owner: &str,
    seconds: f64,
) -> Result<Option<(Claim, Saved)>> {
    let insert = "insert into rebuild (follower) values ($1) on conflict (follower) do nothing";
    execute(tx, insert, vec![follower.into()]).await?;
    let backend = tx.get_database_backend();
    let update = format!(
        "update rebuild set owner = $3, token = token + 1, leased_until = {}
         where follower = $2 and {}
         returning token, phase, position, parts, stream_id, version, done, total",
        backend.clock_plus(1),
        backend.is_over("leased_until", 4)
    );
    let longest = longest(LONGEST_LEASE).into();
    let values = vec![seconds.into(), follower.into(), owner.into(), longest];
    let Some(row) = query_one(tx, &update, values).await? else {
        return Ok(None);
    };
    let claim = Claim {
        follower,
        owner: owner.to_owned(),
        token: row.try_get("", "token")?,
    };
    Ok(Some((claim, saved(&row)?)))
}

fn saved(row: &QueryResult) -> Result<Saved> {
    let malformed = |source| Error::Malformed {
        what: "rebuild",
        source,
    };
    let stored: Vec<u64> =
        serde_json::from_str(&row.try_get::<String>("", "parts")?).map_err(malformed)?;
    let mut parts = [0; PARTS as usize];
    for (part, position) in parts.iter_mut().zip(stored) {
        *part = position;
    }
    let stream_id: Option<Uuid> = row.try_get("", "stream_id")?;
    let version = row.try_get("", "version")?;
    Ok(Saved {
        phase: phase_named(&row.try_get::<String>("", "phase")?),
        position: from_i64(row.try_get("", "position")?),
        parts,
        last: stream_id.map(|stream_id| (stream_id, version)),
        done: from_i64(row.try_get("", "done")?),
        total: from_i64(row.try_get("", "total")?),
    })
}

/// Saves the progress `to`, if the claim still holds and the progress in the database is `from`.
pub(super) async fn save_in_tx(
    tx: &DatabaseTransaction,
    claim: &Claim,
    (from, to): (&Saved, &Saved),
) -> Result<()> {
    let sql =
        "update rebuild set phase = $4, position = $5, parts = $6, stream_id = $7, version = $8, done = $9, total = $10
         where follower = $1 and token = $2 and owner = $3 and phase = $11 and position = $12 and version = $13
             and done = $14 and coalesce(stream_id, $15) = $16";
    let parts = serde_json::to_string(&to.parts).map_err(|source| Error::Malformed {
        what: "rebuild",
        source,
    })?;
    let version_of = |saved: &Saved| saved.last.map_or(0, |(_, version)| version);
    let last_stream = from.last.map_or(Uuid::nil(), |(stream_id, _)| stream_id);
    let mut values: Vec<Value> = of_claim(claim).into();
    values.extend::<[Value; 13]>([
        phase_name(to.phase).into(),
        to_i64(to.position).into(),
        parts.into(),
        to.last.map(|(stream_id, _)| stream_id).into(),
        version_of(to).into(),
        to_i64(to.done).into(),
        to_i64(to.total.max(to.done)).into(),
        phase_name(from.phase).into(),
        to_i64(from.position).into(),
        version_of(from).into(),
        to_i64(from.done).into(),
        Uuid::nil().into(),
        last_stream.into(),
    ]);
    fenced(execute(tx, sql, values).await?)
}

/// The first three parameters of the statements that a claim fences.
fn of_claim(claim: &Claim) -> [Value; 3] {
    [
        claim.follower.into(),
        claim.token.into(),
        claim.owner.as_str().into(),
    ]
}

fn fenced(rows: u64) -> Result<()> {
    match rows {
        1 => Ok(()),
        _ => Err(RebuildError::Superseded),
    }
}

/// Resets the rebuild to its beginning.
pub(super) async fn restart(
    tx: &DatabaseTransaction,
    claim: &Claim,
    (from, new): (&Saved, &Saved),
) -> Result<()> {
    save_in_tx(tx, claim, (from, new)).await?;
    let sql = "update rebuild set started_at = $4, finished_at = null, report = null
               where follower = $1 and token = $2 and owner = $3";
    let mut values: Vec<Value> = of_claim(claim).into();
    values.push(now().into());
    fenced(execute(tx, sql, values).await?)
}

/// Records the end, in the transaction that changes the tables.
pub(super) async fn finish(
    tx: &DatabaseTransaction,
    claim: &Claim,
    report: &RebuildReport,
) -> Result<()> {
    let sql = "update rebuild set phase = 'done', requested = false, finished_at = $4, report = $5
               where follower = $1 and token = $2 and owner = $3";
    let report = serde_json::to_string(report).map_err(|source| Error::Malformed {
        what: "rebuild",
        source,
    })?;
    let mut values: Vec<Value> = of_claim(claim).into();
    values.extend::<[Value; 2]>([now().into(), report.into()]);
    fenced(execute(tx, sql, values).await?)
}

/// Renews the claim until the task is aborted.
pub(super) fn keep_renewing(database: Database, claim: Claim, lease: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(lease / 4).await;
            // The renewal runs in a task of its own: an abort must not leave a transaction open.
            let (database, claim) = (database.clone(), claim.clone());
            let renewal = tokio::spawn(async move { renew(&database, &claim, lease).await });
            if let Ok(Err(error)) = renewal.await {
                tracing::warn!(%error, "the lease on the rebuild was not renewed");
            }
        }
    })
}

async fn renew(database: &Database, claim: &Claim, lease: Duration) -> Result<()> {
    let seconds = lease.as_secs_f64();
    database
        .transaction(Pool::Patient, |tx| {
            let claim = claim.clone();
            Box::pin(async move {
                let sql = format!(
                    "update rebuild set leased_until = {} where follower = $1 and token = $2 and owner = $3",
                    tx.get_database_backend().clock_plus(4)
                );
                let mut values: Vec<Value> = of_claim(&claim).into();
                values.push(seconds.into());
                fenced(execute(tx, &sql, values).await?)
            })
        })
        .await
}

/// Releases the claim, so that the rebuild can be resumed at once.
pub(super) async fn release(database: &Database, claim: &Claim) -> Result<()> {
    database
        .transaction(Pool::Patient, |tx| {
            let claim = claim.clone();
            Box::pin(async move {
                let sql = format!(
                    "update rebuild set owner = null, leased_until = {}
                     where follower = $1 and token = $2 and owner = $3",
                    tx.get_database_backend().never()
                );
                execute(tx, &sql, of_claim(&claim).into()).await?;
                Ok(())
            })
        })
        .await
}

/// Asks the workers to rebuild a model, or to resume an abandoned rebuild. Returns false when that was requested already.
pub async fn request_rebuild(
    connection: &impl ConnectionTrait,
    follower: &'static str,
) -> Result<bool, Error> {
    let insert = "insert into rebuild (follower) values ($1) on conflict (follower) do nothing";
    // The counts of a finished rebuild do not belong to this one. An interrupted one resumes with its own.
    let forget = "update rebuild set phase = 'requested', done = 0, total = 0, started_at = null,
                  finished_at = null, report = null where follower = $1 and phase = 'done'";
    let request = "update rebuild set requested = true where follower = $1 and not requested";
    let mut changed = 0;
    for update in [insert, forget, request] {
        changed = execute(connection, update, vec![follower.into()]).await?;
    }
    Ok(changed > 0)
}

/// Returns the models whose rebuild is requested and that no process works on.
#[boxed]
pub async fn requested_rebuilds(database: &Database) -> Result<Vec<String>, Error> {
    let sql = format!(
        "select follower from rebuild where requested and {}",
        database.backend().is_over("leased_until", 1)
    );
    let values = vec![longest(LONGEST_LEASE).into()];
    query_as(&database.background, &sql, values).await
}

/// Returns, for each model that was ever rebuilt, its current or last rebuild.
#[boxed]
pub async fn read_rebuilds(database: &Database) -> Result<Vec<RebuildStatus>, Error> {
    let connection = &database.reader;
    let sql = format!(
        "select follower, phase, done, total, started_at, finished_at, report,
                case when leased_until > {} then 1 else 0 end as running
         from rebuild order by follower",
        database.backend().clock()
    );
    let rows = query(connection, &sql, vec![]).await?;
    rows.iter()
        .map(|row| {
            let report: Option<String> = row.try_get("", "report")?;
            Ok(RebuildStatus {
                model: row.try_get("", "follower")?,
                phase: phase_named(&row.try_get::<String>("", "phase")?),
                done: from_i64(row.try_get("", "done")?),
                total: from_i64(row.try_get("", "total")?),
                started_at: row.try_get("", "started_at")?,
                finished_at: row.try_get("", "finished_at")?,
                report: report.and_then(|report| serde_json::from_str(&report).ok()),
                is_running: row.try_get::<i32>("", "running")? == 1,
            })
        })
        .collect()
}
