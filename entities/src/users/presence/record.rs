//! What is written of presence, each function in one transaction, with its events. The order of locks is always the same:
//! a gateway's row, then users' rows by id. See the parent module for why that is enough.

use std::{collections::HashSet, time::Duration};

use ::events::{Meta, StreamKey, Tx, now, sqlite_now};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};
use uuid::Uuid;

use super::{
    local::{BATCH_USERS, Changes, Departure},
    tables::user_presence::{Column, Entity, Model},
};
use crate::users::{
    PRESENCE_STREAM,
    events::{CONNECTED, DISCONNECTED, PresenceData, new_presence_event},
};

use events::DatabaseConnection;

type Result<T> = ::events::Result<T>;

/// Under which the log remembers who wrote it.
const ACTOR: &str = "presence";

/// The expressions in which the two databases differ.
struct Dialect {
    now: String,
    /// `$1` is the lease in seconds.
    until: String,
    /// `alive_until` in seconds since 1970.
    seconds: &'static str,
    skip_locked: &'static str,
}

fn dialect(backend: DbBackend) -> Dialect {
    match backend {
        DbBackend::Postgres => Dialect {
            now: "clock_timestamp()".to_owned(),
            until: "clock_timestamp() + make_interval(secs => $1)".to_owned(),
            seconds: "extract(epoch from alive_until)::float8",
            skip_locked: "for update skip locked",
        },
        _ => Dialect {
            now: sqlite_now(),
            until: format!("{} + $1", sqlite_now()),
            seconds: "alive_until",
            skip_locked: "",
        },
    }
}

/// Makes a gateway known.
pub(super) async fn register(tx: &Tx<'_>, gateway: Uuid, lease: Duration) -> Result<()> {
    let until = dialect(tx.get_database_backend()).until;
    let sql = format!("insert into presence_gateway (id, alive_until) values ($2, {until})");
    execute(tx, &sql, vec![lease.as_secs_f64().into(), gateway.into()]).await?;
    Ok(())
}

/// Forgets a gateway that has no users.
pub(super) async fn unregister(tx: &Tx<'_>, gateway: Uuid) -> Result<()> {
    let sql = "delete from presence_gateway where id = $1";
    execute(tx, sql, vec![gateway.into()]).await?;
    Ok(())
}

/// Renews a gateway's lease, and writes what changed there. False, and nothing is written, when the lease is over.
pub(super) async fn renew(
    tx: &Tx<'_>,
    gateway: Uuid,
    lease: Duration,
    changes: &Changes,
) -> Result<bool> {
    let Dialect { now, until, .. } = dialect(tx.get_database_backend());
    let sql = format!(
        "update presence_gateway set alive_until = {until} where id = $2 and alive_until >= {now}"
    );
    let renewed = execute(tx, &sql, vec![lease.as_secs_f64().into(), gateway.into()]).await?;
    if renewed == 0 {
        return Ok(false);
    }
    write(tx, gateway, changes).await?;
    Ok(true)
}

/// Whether there is a gateway to sweep.
pub(super) async fn is_any_expired(database: &DatabaseConnection) -> Result<bool> {
    let backend = database.get_database_backend();
    let sql = format!(
        "select 1 as found from presence_gateway where alive_until < {} limit 1",
        dialect(backend).now
    );
    let found = database
        .query_one_raw(Statement::from_string(backend, sql))
        .await?;
    Ok(found.is_some())
}

/// Takes the users of a gateway whose lease is over offline, a batch of them; the gateway goes with the last. False when
/// there is no such gateway.
pub(super) async fn sweep(tx: &Tx<'_>) -> Result<bool> {
    let sql = dialect(tx.get_database_backend());
    let expired = format!(
        "select id, {} as seconds from presence_gateway where alive_until < {} order by alive_until limit 1 {}",
        sql.seconds, sql.now, sql.skip_locked
    );
    let backend = tx.get_database_backend();
    let Some(row) = tx
        .query_one_raw(Statement::from_string(backend, expired))
        .await?
    else {
        return Ok(false);
    };
    let gateway: Uuid = row.try_get("", "id")?;
    let seen_at = from_seconds(row.try_get("", "seconds")?);
    let sockets = format!(
        "select user_id from presence_socket where gateway_id = $1 order by user_id limit {BATCH_USERS}"
    );
    let departures = select_users(tx, &sockets, vec![gateway.into()])
        .await?
        .into_iter()
        .map(|user_id| Departure { user_id, seen_at })
        .collect();
    let changes = Changes {
        arrivals: Vec::new(),
        departures,
    };
    write(tx, gateway, &changes).await?;
    if changes.departures.len() < BATCH_USERS {
        unregister(tx, gateway).await?;
    }
    tracing::info!(%gateway, users = changes.departures.len(), "swept a gateway that did not renew its lease");
    Ok(true)
}

fn from_seconds(seconds: f64) -> DateTime<Utc> {
    // Microseconds since 1970 are whole numbers to a double for the next two centuries.
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64).unwrap_or_else(now)
}

/// The caller holds the gateway's row.
async fn write(tx: &Tx<'_>, gateway: Uuid, changes: &Changes) -> Result<()> {
    if !changes.arrivals.is_empty() {
        let sql = format!(
            "insert into user_presence (user_id, is_online, seen_at, version)
             select id, false, $1, 0 from app_user where id in ({}) order by id on conflict (user_id) do nothing",
            placeholders(2, changes.arrivals.len())
        );
        execute(tx, &sql, values(now().into(), &changes.arrivals)).await?;
    }
    let left = changes.departures.iter().map(|departure| departure.user_id);
    let left: Vec<_> = left.collect();
    let ids = changes.arrivals.iter().chain(&left).copied();
    let rows = Entity::find()
        .filter(Column::UserId.is_in(ids))
        .order_by_asc(Column::UserId)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    let row_of = |user_id: &Uuid| {
        let found = rows.binary_search_by_key(user_id, |row| row.user_id);
        found.ok().and_then(|index| rows.get(index))
    };
    if !changes.arrivals.is_empty() {
        let sql = format!(
            "insert into presence_socket (gateway_id, user_id)
             select $1, id from app_user where id in ({}) order by id on conflict (gateway_id, user_id) do nothing",
            placeholders(2, changes.arrivals.len())
        );
        execute(tx, &sql, values(gateway.into(), &changes.arrivals)).await?;
        for row in changes.arrivals.iter().filter_map(row_of) {
            connect(tx, row).await?;
        }
    }
    if !left.is_empty() {
        let ids = placeholders(2, left.len());
        let sql =
            format!("delete from presence_socket where gateway_id = $1 and user_id in ({ids})");
        execute(tx, &sql, values(gateway.into(), &left)).await?;
        let elsewhere = format!(
            "select distinct user_id from presence_socket where user_id in ({})",
            placeholders(1, left.len())
        );
        let ids = left.iter().copied().map(Value::from).collect();
        let elsewhere: HashSet<_> = select_users(tx, &elsewhere, ids)
            .await?
            .into_iter()
            .collect();
        for departure in &changes.departures {
            if let Some(row) = row_of(&departure.user_id).filter(|row| row.is_online) {
                disconnect(tx, row, departure.seen_at, elsewhere.contains(&row.user_id)).await?;
            }
        }
    }
    Ok(())
}

async fn connect(tx: &Tx<'_>, row: &Model) -> Result<()> {
    if row.is_online {
        return Ok(());
    }
    store(tx, row, true, now().max(row.seen_at), Some(CONNECTED)).await
}

async fn disconnect(
    tx: &Tx<'_>,
    row: &Model,
    seen_at: DateTime<Utc>,
    is_elsewhere: bool,
) -> Result<()> {
    let seen_at = seen_at.max(row.seen_at);
    // Who is still connected elsewhere was at least seen here: the other gateway may be dead since before that.
    let event_type = (!is_elsewhere).then_some(DISCONNECTED);
    store(tx, row, is_elsewhere, seen_at, event_type).await
}

async fn store(
    tx: &Tx<'_>,
    row: &Model,
    is_online: bool,
    seen_at: DateTime<Utc>,
    event_type: Option<&'static str>,
) -> Result<()> {
    let version = row.version + i64::from(event_type.is_some());
    let sql =
        "update user_presence set is_online = $1, seen_at = $2, version = $3 where user_id = $4";
    let values = vec![
        is_online.into(),
        seen_at.into(),
        version.into(),
        row.user_id.into(),
    ];
    execute(tx, sql, values).await?;
    let Some(event_type) = event_type else {
        return Ok(());
    };
    let stream = StreamKey {
        kind: PRESENCE_STREAM,
        id: row.user_id,
    };
    let data = PresenceData {
        user_id: row.user_id,
        seen_at,
    };
    let meta = Meta {
        actor: ACTOR.to_owned(),
        ..Meta::default()
    };
    tx.append(
        stream,
        row.version,
        new_presence_event(event_type, &data),
        &meta,
    )
    .await
}

fn placeholders(first: usize, count: usize) -> String {
    let numbered: Vec<_> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    numbered.join(", ")
}

fn values(first: Value, ids: &[Uuid]) -> Vec<Value> {
    std::iter::once(first)
        .chain(ids.iter().copied().map(Value::from))
        .collect()
}

async fn execute(tx: &Tx<'_>, sql: &str, values: Vec<Value>) -> Result<u64> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

async fn select_users(tx: &Tx<'_>, sql: &str, values: Vec<Value>) -> Result<Vec<Uuid>> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let rows = tx.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok(row.try_get("", "user_id")?))
        .collect()
}
