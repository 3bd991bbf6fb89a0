//! Followers: which processes run them, which part is leased to which process, and how far each is behind. A part is behind when
//! its checkpoint is before the part's last event. The events counted are those of such parts behind their checkpoints, wanted or
//! not, as a follower passes all of them. The age of the first one is the lag in seconds.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use super::{Lag, MOST_COUNTED};
use crate::{
    PARTS, Result, clock, read,
    sql::{Dialect, from_i64, query, query_as},
};

/// A process that has not renewed its leases for so many seconds, and holds none, is taken for gone. Nobody else removes the row of one
/// that was killed when no other runs the follower.
const MEMBERS_KEPT_SECONDS: f64 = 60.0;
/// The number of positions examined to count a lag.
const COUNTED: u64 = 20_000;

/// A process that shares the parts of a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, which is new at each start.
    pub owner: String,
    /// When it last renewed its leases.
    pub seen_at: DateTime<Utc>,
}

/// One of the parts that the streams are spread over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartStatus {
    /// Its number.
    pub part: i16,
    /// The checkpoint: the last position applied.
    pub position: u64,
    /// The fencing token: how often the part has changed hands.
    pub token: i64,
    /// The process that holds the lease; `None` when no lease is valid.
    pub owner: Option<String>,
    /// When the lease expires.
    pub leased_until: Option<DateTime<Utc>>,
}

/// The state of a follower.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowerStatus {
    /// Its name.
    pub name: String,
    /// How far it is behind.
    pub lag: Lag,
    /// The position up to which everything is applied.
    pub position: u64,
    /// The processes that share its parts.
    pub members: Vec<Member>,
    /// The parts; none if it has never run.
    pub parts: Vec<PartStatus>,
    /// Its dead letters, including those parked behind others, counted to a bound.
    pub dead_letters: u64,
}

impl FollowerStatus {
    /// Returns the status without the times that change while nothing happens.
    pub(super) fn without_renewals(&self) -> Self {
        let mut status = self.clone();
        for part in &mut status.parts {
            part.leased_until = None;
        }
        for member in &mut status.members {
            member.seen_at = DateTime::default();
        }
        status
    }
}

/// Returns all followers that are known by name or have a checkpoint.
pub(super) async fn read_followers(
    database: &impl ConnectionTrait,
    known: &[&str],
) -> Result<Vec<FollowerStatus>> {
    let parts = read_parts(database).await?;
    let mut names: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    names.extend(parts.iter().map(|(name, _)| name.clone()));
    names.sort();
    names.dedup();
    let members = read_members(database, &parts).await?;
    let lags = read_lags(database, &names).await?;
    let letters = count_letters(database, &names).await?;
    let head = read::read_head(database).await?;
    let of = |name: String| {
        let lag = lags.iter().find(|lag| lag.follower == name);
        FollowerStatus {
            lag: lag.map(|lag| lag.lag).unwrap_or_default(),
            position: lag.map_or(head.position, |lag| lag.low),
            members: of_name(&members, &name),
            parts: of_name(&parts, &name),
            dead_letters: of_name(&letters, &name).first().copied().unwrap_or(0),
            name,
        }
    };
    Ok(names.into_iter().map(of).collect())
}

fn of_name<T: Clone>(all: &[(String, T)], name: &str) -> Vec<T> {
    let of_name = all.iter().filter(|(of, _)| of == name);
    of_name.map(|(_, it)| it.clone()).collect()
}

async fn read_parts(database: &impl ConnectionTrait) -> Result<Vec<(String, PartStatus)>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select follower, part, position, token, owner, {} as leased_until,
                case when leased_until > {} then 1 else 0 end as is_held
         from checkpoint order by follower, part",
        backend.seconds("leased_until"),
        backend.now()
    );
    let part = |row: &QueryResult| {
        let is_held = row.try_get::<i32>("", "is_held")? == 1;
        let leased_until = clock::read_time(row, "leased_until")?;
        let owner: Option<String> = row.try_get("", "owner")?;
        let status = PartStatus {
            part: row.try_get("", "part")?,
            position: from_i64(row.try_get("", "position")?),
            token: row.try_get("", "token")?,
            owner: owner.filter(|_| is_held),
            leased_until: leased_until.filter(|_| is_held),
        };
        Ok((row.try_get("", "follower")?, status))
    };
    let rows = query(database, &sql, Vec::new()).await?;
    rows.iter().map(part).collect()
}

async fn read_members(
    database: &impl ConnectionTrait,
    parts: &[(String, PartStatus)],
) -> Result<Vec<(String, Member)>> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select follower, owner, {} as seen_at, case when seen_at between {} and {} then 1 else 0 end as is_seen
         from follower_member order by follower, owner",
        backend.seconds("seen_at"),
        backend.now_plus(1),
        backend.now_plus(2),
    );
    // Who was seen later than that was seen by a clock that was ahead.
    let values = [-MEMBERS_KEPT_SECONDS, MEMBERS_KEPT_SECONDS].map(Into::into);
    let mut members = Vec::new();
    for row in query(database, &sql, values.into()).await? {
        let follower: String = row.try_get("", "follower")?;
        let member = Member {
            owner: row.try_get("", "owner")?,
            seen_at: clock::read_time(&row, "seen_at")?.unwrap_or_default(),
        };
        let mut held = parts.iter().filter(|(of, _)| *of == follower);
        let is_seen = row.try_get::<i32>("", "is_seen")? == 1;
        if is_seen || held.any(|(_, part)| part.owner.as_ref() == Some(&member.owner)) {
            members.push((follower, member));
        }
    }
    Ok(members)
}

/// A follower that is behind.
struct Behind {
    follower: String,
    lag: Lag,
    /// The position up to which everything is applied.
    low: u64,
}

/// The statement of `read_lags`, a single one, so that heads and checkpoints belong to one moment. `state` has the parts of each
/// follower, `behind` those that are behind, `lowest` how far each follower has come. The events counted are those in `COUNTED`
/// positions from there; beyond them, each part that is behind is assumed to have a sixteenth.
fn lag_statement(backend: DbBackend) -> String {
    let now = backend.now();
    let state = backend.names();
    let (heads, least, greatest, age, window) = match backend {
        DbBackend::Postgres => (
            "heads as materialized (
                 select part::smallint as part, h.part_positions[part + 1] as last, h.position as head, h.pruned
                 from (select * from log_head order by position desc limit 1) h cross join generate_series(0, 15) part)",
            "least",
            "greatest",
            format!("extract(epoch from {now} - f.occurred_at)::float8"),
            "lowest l cross join lateral (
                 select * from event_position p where p.position > l.low and p.position <= l.until
                 order by p.position offset 0) p
             cross join lateral (select * from event where inserted = p.inserted offset 0) e",
        ),
        _ => (
            "numbers(part) as (select 0 union all select part + 1 from numbers where part < 15),
             heads as materialized (
                 select part, coalesce((select max(e.inserted) from event e where e.part = numbers.part), 0) as last,
                        (select coalesce(max(inserted), 0) from event) as head, (select pruned from log_head) as pruned
                 from numbers)",
            "min",
            "max",
            format!("({now} - unixepoch(f.occurred_at, 'subsec'))"),
            "lowest l cross join event_position p on p.position > l.low and p.position <= l.until
             cross join event e on e.inserted = p.inserted",
        ),
    };
    format!(
        "with recursive {heads},
         behind as materialized (
             select n.name, h.part, {greatest}(coalesce(c.position, 0), h.pruned) as position, h.last, h.head
             from {state} cross join heads h left join checkpoint c on c.follower = n.name and c.part = h.part
             where coalesce(c.position, 0) < h.last),
         lowest as materialized (
             select name, min(position) as low, {least}(max(head), min(position) + {COUNTED}) as until, max(head) as head
             from behind group by name),
         counted as (
             select l.name, count(b.part) as events, min(case when b.part is not null then p.position end) as first
             from {window} left join behind b on b.name = l.name and b.part = e.part and b.position < p.position
             group by l.name)
         select l.name, l.low, case when l.until < l.head then 1 else 0 end as is_estimate,
                coalesce(c.events, 0) as events,
                (select cast(sum(b.last - {greatest}(b.position, l.until)) as bigint) from behind b
                 where b.name = l.name and b.last > l.until) as beyond,
                (select {age} from event_position p join event f on f.inserted = p.inserted
                 where p.position = coalesce(c.first, l.until)) as age
         from lowest l left join counted c on c.name = l.name"
    )
}

async fn read_lags(database: &impl ConnectionTrait, names: &[String]) -> Result<Vec<Behind>> {
    let names = serde_json::Value::from(names).to_string();
    let sql = lag_statement(database.get_database_backend());
    let behind = |row: &QueryResult| {
        let counted = from_i64(row.try_get("", "events")?);
        let beyond = row
            .try_get::<Option<i64>>("", "beyond")?
            .map_or(0, from_i64);
        let age: Option<f64> = row.try_get("", "age")?;
        Ok(Behind {
            follower: row.try_get("", "name")?,
            low: from_i64(row.try_get("", "low")?),
            lag: Lag {
                events: counted + beyond / PARTS as u64,
                // A writer's clock may be ahead of the database's.
                seconds: age.unwrap_or(0.0).max(0.0),
                is_estimate: row.try_get::<i32>("", "is_estimate")? == 1,
            },
        })
    };
    let rows = query(database, &sql, vec![names.into()]).await?;
    rows.iter().map(behind).collect()
}

/// Counts the dead letters of each of these, up to a bound.
pub(super) async fn count_letters(
    database: &impl ConnectionTrait,
    consumers: &[String],
) -> Result<Vec<(String, u64)>> {
    let sql = format!(
        "select n.name, (select count(*) from
             (select 1 from dead_letter d where d.consumer = n.name and d.kind <> 'rebuild' limit {MOST_COUNTED}) d) as letters
         from {}",
        database.get_database_backend().names()
    );
    let names = serde_json::Value::from(consumers).to_string();
    let rows: Vec<(String, i64)> = query_as(database, &sql, vec![names.into()]).await?;
    let counts = rows
        .into_iter()
        .map(|(name, letters)| (name, from_i64(letters)));
    Ok(counts.collect())
}
