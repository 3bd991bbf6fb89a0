//! The table of deliveries: what is due, how it is claimed, and every way in which a claim ends. Each change of a claimed row
//! names the token of the claim and the state `running`, so a superseded process matches no row. Time is the database's.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::{
    Database, DatabaseTransaction, Error, Event, Result,
    database::Pool,
    letters::{self, Kind, Letter},
    sql::{Dialect, execute, from_i64, longest, number_list, query, query_as, to_i64},
};

/// A delivery that this process has claimed.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) handler: &'static str,
    pub(super) position: u64,
    pub(super) token: i64,
    /// The number of attempts, including the one that begins.
    pub(super) attempts: u32,
    /// The error of the previous attempt, if it reported one.
    pub(super) error: Option<String>,
    /// How long ago the first attempt began.
    pub(super) since: Duration,
}

/// Which deliveries to claim.
pub(super) enum Scope<'a> {
    /// Due deliveries: those that wait, and those left behind by another process for the first time.
    Due { limit: usize },
    /// Due deliveries at these positions.
    These(&'a [u64]),
    /// One of those that were left behind and must run alone.
    Alone,
}

/// When there is something to claim, in seconds from now; negative if it has been due for a while.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outlook {
    pub(super) due: Option<f64>,
    pub(super) alone: Option<f64>,
}

/// Returns the number of attempts after which a delivery that was left behind runs alone: two, or all but the last if that is fewer.
fn attempts_in_company(limit: u32) -> i32 {
    i32::try_from(limit.saturating_sub(1).min(2)).unwrap_or(0)
}

/// Looks for due deliveries of these handlers, each with the limit of its attempts, in their order. It locks nothing, as most looks
/// find nothing.
pub(super) async fn look(database: &Database, handlers: &[(&str, u32)]) -> Result<Vec<Outlook>> {
    let backend = database.backend();
    let now = backend.seconds(&backend.now());
    let (due_at, leased_until) = (
        backend.seconds("min(due_at)"),
        backend.seconds("min(leased_until)"),
    );
    let looks = (0..handlers.len()).map(|place| {
        let [handler, attempts] = [1, 2].map(|number| 2 * place + number);
        let running = format!("from delivery where handler = ${handler} and state = 'running'");
        format!(
            "select {place} as place,
                    (select {due_at} - {now} from delivery where handler = ${handler} and state = 'waiting') as waiting,
                    (select {leased_until} - {now} {running} and attempts < ${attempts}) as left_behind,
                    (select {leased_until} - {now} {running} and attempts >= ${attempts}) as alone"
        )
    });
    let sql = looks.collect::<Vec<_>>().join(" union all ") + " order by place";
    let values = handlers
        .iter()
        .flat_map(|(handler, limit)| [Value::from(*handler), attempts_in_company(*limit).into()]);
    let rows = query_as(&database.background, &sql, values.collect()).await?;
    let outlook = |row: (i32, Option<f64>, Option<f64>, Option<f64>)| {
        let (_, waiting, left_behind, alone) = row;
        let due = waiting.into_iter().chain(left_behind).reduce(f64::min);
        Outlook { due, alone }
    };
    Ok(rows.into_iter().map(outlook).collect())
}

/// Claims deliveries, each for one attempt, which the claim counts. It never waits for a lock.
pub(super) async fn claim(
    database: &Database,
    handler: &'static str,
    attempts_limit: u32,
    (owner, lease): (&str, Duration),
    scope: Scope<'_>,
) -> Result<Vec<Claimed>> {
    let backend = database.backend();
    let mut values: Vec<Value> = vec![
        handler.into(),
        owner.into(),
        lease.as_secs_f64().into(),
        attempts_in_company(attempts_limit).into(),
    ];
    let mut these = String::new();
    let (limit, is_alone) = match scope {
        Scope::Due { limit } => (limit, false),
        Scope::Alone => (1, true),
        Scope::These(positions) => {
            values.push(number_list(positions.iter().copied()));
            these = format!("and position in ({})", backend.numbers(5));
            (positions.len(), false)
        }
    };
    let (left_behind, due) = if is_alone {
        (">=", "and 1 = 0")
    } else {
        ("<", "")
    };
    let skip_locked = backend.skip_locked();
    let now = backend.now();
    let [seconds_now, seconds_first] = [now.as_str(), "first_at"].map(|time| backend.seconds(time));
    let since = format!("{seconds_now} - {seconds_first}");
    let sql = format!(
        "with left_behind as (
             select position from delivery
             where handler = $1 and state = 'running' and leased_until < {now} and attempts {left_behind} $4 {these}
             order by leased_until limit {limit} {skip_locked}
         ), due as (
             select position from delivery
             where handler = $1 and state = 'waiting' and due_at <= {now} {due} {these}
             order by due_at, position limit {limit} {skip_locked}
         )
         update delivery set state = 'running', attempts = attempts + 1, owner = $2, token = token + 1,
             leased_until = {until}, last_at = {now}, first_at = coalesce(first_at, {now})
         where handler = $1 and position in (
             select position from left_behind union all select position from due limit {limit})
         returning position, token, attempts, error, {since} as since",
        until = backend.now_plus(3),
    );
    let rows = query(database.background_writer(), &sql, values).await?;
    let claimed = |row: &QueryResult| {
        let since: f64 = row.try_get("", "since")?;
        Ok(Claimed {
            handler,
            position: from_i64(row.try_get("", "position")?),
            token: row.try_get("", "token")?,
            attempts: row.try_get::<i32>("", "attempts")?.unsigned_abs(),
            error: row.try_get("", "error")?,
            since: Duration::try_from_secs_f64(since).unwrap_or_default(),
        })
    };
    rows.iter().map(claimed).collect()
}

/// Renews claims. Those that a transaction is deciding at the moment are skipped, as they need no lease.
pub(super) async fn renew(database: &Database, claims: &[Claimed], lease: Duration) -> Result<()> {
    let backend = database.backend();
    let is_mine = "handler = $2 and position = $3 and token = $4 and state = 'running'";
    let condition = match backend.is_postgres() {
        true => format!(
            "(handler, position) in (select handler, position from delivery where {is_mine} for update skip locked)"
        ),
        false => is_mine.to_owned(),
    };
    let sql = format!(
        "update delivery set leased_until = {} where {condition}",
        backend.now_plus(1)
    );
    for claim in claims {
        let mut values = vec![lease.as_secs_f64().into()];
        values.extend(key(claim));
        execute(database.background_writer(), &sql, values).await?;
    }
    Ok(())
}

/// Shortens leases that end later than any may, and delays that are longer than `most_delay`: they were set by a clock that was ahead of
/// this one. Whoever holds such a lease renews it in time.
pub(super) async fn mend_times(
    database: &Database,
    handlers: &[(&str, u32)],
    lease: Duration,
    most_delay: Duration,
) -> Result<()> {
    let backend = database.backend();
    let (latest, anew) = (backend.now_plus(2), backend.now_plus(3));
    let names: Vec<_> = handlers.iter().map(|(handler, _)| *handler).collect();
    let names = serde_json::Value::from(names).to_string();
    for (state, column, longest, anew_after) in [
        ("running", "leased_until", longest(lease), lease),
        ("waiting", "due_at", longest(most_delay), Duration::ZERO),
    ] {
        let late = format!(
            "from delivery where handler = $1 and state = '{state}' and {column} > {latest}"
        );
        let find = format!(
            "select n.name from {} where exists
                 (select 1 from delivery where handler = n.name and state = '{state}' and {column} > {latest})",
            backend.names()
        );
        let mend = format!(
            "update delivery set {column} = {anew}
             where handler = $1 and position in (select position {late}) and state = '{state}'"
        );
        let values = vec![names.as_str().into(), longest.into()];
        let found: Vec<String> = query_as(&database.background, &find, values).await?;
        for handler in found {
            let values = vec![
                handler.into(),
                longest.into(),
                anew_after.as_secs_f64().into(),
            ];
            execute(database.background_writer(), &mend, values).await?;
        }
    }
    Ok(())
}

fn key(claim: &Claimed) -> [Value; 3] {
    [
        claim.handler.into(),
        to_i64(claim.position).into(),
        claim.token.into(),
    ]
}

/// The fence: the first statement of an effect's transaction. It succeeds once for each delivery.
pub(super) async fn finish(tx: &DatabaseTransaction, claim: &Claimed) -> Result<()> {
    let sql = format!(
        "update delivery set state = 'done', owner = null, leased_until = null, error = null, last_at = {}
         where handler = $1 and position = $2 and token = $3 and state = 'running'",
        tx.get_database_backend().now()
    );
    match execute(tx, &sql, key(claim).into()).await? {
        1 => Ok(()),
        _ => Err(Error::Superseded {
            handler: claim.handler.to_owned(),
            position: claim.position,
        }),
    }
}

/// Records a failed attempt, with another one due after `delay`; returns false if the claim was superseded.
pub(super) async fn retry(
    database: &Database,
    claim: &Claimed,
    error: &str,
    delay: Duration,
) -> Result<bool> {
    wait_again(database, claim, Some(error), delay, 0).await
}

/// Records an attempt that does not count, because it did not fail on its own; returns false if the claim was superseded.
pub(super) async fn give_back(
    database: &Database,
    claim: &Claimed,
    error: Option<&str>,
) -> Result<bool> {
    wait_again(database, claim, error, Duration::ZERO, 1).await
}

async fn wait_again(
    database: &Database,
    claim: &Claimed,
    error: Option<&str>,
    delay: Duration,
    attempts_given_back: i32,
) -> Result<bool> {
    let backend = database.backend();
    let sql = format!(
        "update delivery set state = 'waiting', owner = null, leased_until = null, due_at = {}, last_at = {},
             attempts = attempts - $4, error = coalesce($6, error)
         where handler = $1 and position = $2 and token = $3 and state = 'running'",
        backend.now_plus(5),
        backend.now(),
    );
    let mut values: Vec<Value> = key(claim).into();
    values.push(attempts_given_back.into());
    values.push(delay.as_secs_f64().into());
    values.push(error.map(str::to_owned).into());
    Ok(execute(database.background_writer(), &sql, values).await? == 1)
}

/// Gives the delivery up: marks it dead and writes a dead letter; returns false if the claim was superseded. Must not be cancelled.
pub(super) async fn bury(
    database: Database,
    claim: Claimed,
    event: Event,
    error: String,
    attempts: u32,
) -> Result<bool> {
    let sql = format!(
        "update delivery set state = 'dead', owner = null, leased_until = null, error = $4, attempts = $5, last_at = {}
         where handler = $1 and position = $2 and token = $3 and state = 'running'",
        database.backend().now()
    );
    let mut values: Vec<Value> = key(&claim).into();
    values.push(error.clone().into());
    values.push(i32::try_from(attempts).unwrap_or(i32::MAX).into());
    let what = Arc::new((claim, event, error));
    database
        .transaction(Pool::Background, |tx| {
            let (sql, values, what) = (sql.clone(), values.clone(), what.clone());
            Box::pin(async move {
                let (claim, event, error) = &*what;
                if execute(tx, &sql, values).await? == 0 {
                    return Ok::<_, Error>(false);
                }
                let letter = Letter {
                    consumer: claim.handler,
                    kind: Kind::Handler,
                    event,
                    error: Some(error),
                    attempts,
                    since: claim.since,
                };
                letters::insert(tx, &[letter]).await?;
                Ok(true)
            })
        })
        .await
}
