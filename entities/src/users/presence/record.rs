//! The transactions that write presence, each function in one, with its events. The order of locks is always the same: a
//! gateway's row, then users' rows by id. The parent module says why that is sufficient.

use std::{collections::HashSet, time::Duration};

use ::events::{
    Meta, StreamKey, Tx, now,
    sql::{Dialect, execute, is_one_of, longest, query_as, query_one, query_one_as},
};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    local::{BATCH_USERS, Changes, Departure},
    sockets,
    tables::user_presence::{Column, Entity, Model},
};
use crate::users::{
    PRESENCE_STREAM,
    events::{PresenceData, PresenceEventKind},
};

use crate::{access::UserId, event_kinds::EventData, id::uuids};
use events::DatabaseConnection;

type Result<T> = ::events::Result<T>;

/// The actor of the events in the log.
const ACTOR: &str = "presence";

/// Registers a gateway.
pub(super) async fn register(
    tx: &Tx<'_>,
    gateway: Uuid,
    name: &str,
    lease: Duration,
) -> Result<()> {
    let until = tx.get_database_backend().clock_plus(1);
    let sql =
        format!("insert into presence_gateway (id, name, alive_until) values ($2, $3, {until})");
    let values = vec![lease.as_secs_f64().into(), gateway.into(), name.into()];
    execute(&**tx, &sql, values).await?;
    Ok(())
}

/// Removes a gateway that has no users.
pub(super) async fn unregister(tx: &Tx<'_>, gateway: Uuid) -> Result<()> {
    let sql = "delete from presence_gateway where id = $1";
    execute(&**tx, sql, vec![gateway.into()]).await?;
    Ok(())
}

/// Renews a gateway's lease, and writes the changes there. Returns false, and writes nothing, if the lease has expired.
pub(super) async fn renew(
    tx: &Tx<'_>,
    gateway: Uuid,
    lease: Duration,
    changes: &Changes,
) -> Result<bool> {
    let backend = tx.get_database_backend();
    let sql = format!(
        "update presence_gateway set alive_until = {} where id = $2 and alive_until >= {}",
        backend.clock_plus(1),
        backend.clock()
    );
    let renewed = execute(
        &**tx,
        &sql,
        vec![lease.as_secs_f64().into(), gateway.into()],
    )
    .await?;
    if renewed == 0 {
        return Ok(false);
    }
    write(tx, gateway, changes).await?;
    Ok(true)
}

/// Returns whether there is a gateway to sweep.
pub(super) async fn is_any_expired(database: &DatabaseConnection, lease: Duration) -> Result<bool> {
    let sql = format!(
        "select 1 as found from presence_gateway where {} limit 1",
        database.get_database_backend().is_over("alive_until", 1)
    );
    let values = vec![longest(lease).into()];
    Ok(query_one(database, &sql, values).await?.is_some())
}

/// Takes a batch of users of a gateway whose lease has expired offline; the gateway's row is deleted with the last batch.
/// Returns false if there is no such gateway. A lease that ends later than any may is shortened: the clock went back, and whether the
/// gateway lives is seen by whether it renews it.
pub(super) async fn sweep(tx: &Tx<'_>, lease: Duration) -> Result<bool> {
    let backend = tx.get_database_backend();
    let shorten = format!(
        "update presence_gateway set alive_until = {} where id in
             (select id from presence_gateway where alive_until > {} {})",
        backend.clock_plus(1),
        backend.clock_plus(2),
        backend.skip_locked()
    );
    let values = vec![lease.as_secs_f64().into(), longest(lease).into()];
    execute(&**tx, &shorten, values).await?;
    let expired = format!(
        "select id, {} as seconds from presence_gateway where alive_until < {} order by alive_until limit 1 {}",
        backend.seconds("alive_until"),
        backend.clock(),
        backend.skip_locked()
    );
    let found: Option<(Uuid, f64)> = query_one_as(&**tx, &expired, Vec::new()).await?;
    let Some((gateway, seconds)) = found else {
        return Ok(false);
    };
    let seen_at = sockets::from_seconds(seconds);
    let connected = format!(
        "select user_id from presence_socket where gateway_id = $1 order by user_id limit {BATCH_USERS}"
    );
    let users = query_as(&**tx, &connected, vec![gateway.into()]).await?;
    let departures = users
        .into_iter()
        .map(|user_id| Departure { user_id, seen_at })
        .collect();
    let changes = Changes {
        departures,
        ..Changes::default()
    };
    write(tx, gateway, &changes).await?;
    if changes.departures.len() < BATCH_USERS {
        unregister(tx, gateway).await?;
    }
    tracing::info!(%gateway, users = changes.departures.len(), "swept a gateway that did not renew its lease");
    Ok(true)
}

/// Writes the changes of a gateway, whose row the caller has locked.
async fn write(tx: &Tx<'_>, gateway: Uuid, changes: &Changes) -> Result<()> {
    let backend = tx.get_database_backend();
    let arrived: Vec<_> = changes.arrivals.iter().map(|it| it.user_id).collect();
    let arrivals = uuids(&arrived);
    if !changes.arrivals.is_empty() {
        let mut values = vec![now().into()];
        let sql = format!(
            "insert into user_presence (user_id, is_online, seen_at, version)
             select id, false, $1, 0 from app_user where {} order by id on conflict (user_id) do nothing",
            is_one_of(backend, "id", &arrivals, &mut values)
        );
        execute(&**tx, &sql, values).await?;
    }
    let left = changes.departures.iter().map(|departure| departure.user_id);
    let left: Vec<_> = left.collect();
    let ids = arrived.iter().chain(&left).copied();
    let rows = Entity::find()
        .filter(Column::UserId.is_in(ids))
        .order_by_asc(Column::UserId)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    let row_of = |user_id: &UserId| {
        let found = rows.binary_search_by_key(user_id, |row| row.user_id);
        found.ok().and_then(|index| rows.get(index))
    };
    if !changes.arrivals.is_empty() {
        sockets::insert(tx, gateway, &changes.arrivals).await?;
        for row in arrived.iter().filter_map(row_of) {
            connect(tx, row).await?;
        }
    }
    if !changes.counts.is_empty() {
        sockets::recount(tx, gateway, &changes.counts).await?;
    }
    if !left.is_empty() {
        let left = uuids(&left);
        let mut values = vec![gateway.into()];
        let are_left = is_one_of(backend, "user_id", &left, &mut values);
        let sql = format!("delete from presence_socket where gateway_id = $1 and {are_left}");
        execute(&**tx, &sql, values).await?;
        let mut values = Vec::new();
        let are_left = is_one_of(backend, "user_id", &left, &mut values);
        let sql = format!("select distinct user_id from presence_socket where {are_left}");
        let elsewhere: Vec<UserId> = query_as(&**tx, &sql, values).await?;
        let elsewhere: HashSet<_> = elsewhere.into_iter().collect();
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
    store(
        tx,
        row,
        true,
        now().max(row.seen_at),
        Some(PresenceEventKind::Connected),
    )
    .await
}

async fn disconnect(
    tx: &Tx<'_>,
    row: &Model,
    seen_at: DateTime<Utc>,
    is_elsewhere: bool,
) -> Result<()> {
    let seen_at = seen_at.max(row.seen_at);
    // A user who is still connected elsewhere was at least seen here: the other gateway may have been dead since before that.
    let kind = (!is_elsewhere).then_some(PresenceEventKind::Disconnected);
    store(tx, row, is_elsewhere, seen_at, kind).await
}

async fn store(
    tx: &Tx<'_>,
    row: &Model,
    is_online: bool,
    seen_at: DateTime<Utc>,
    kind: Option<PresenceEventKind>,
) -> Result<()> {
    let version = row.version + i64::from(kind.is_some());
    let sql =
        "update user_presence set is_online = $1, seen_at = $2, version = $3 where user_id = $4";
    let values = vec![
        is_online.into(),
        seen_at.into(),
        version.into(),
        row.user_id.into(),
    ];
    execute(&**tx, sql, values).await?;
    let Some(kind) = kind else {
        return Ok(());
    };
    let stream = StreamKey {
        kind: PRESENCE_STREAM,
        id: row.user_id.uuid(),
    };
    let data = PresenceData {
        user_id: row.user_id,
        seen_at,
    };
    let meta = Meta {
        actor: ACTOR.to_owned(),
        ..Meta::default()
    };
    let event = kind.event(&data, data.seen_at);
    tx.append(stream, row.version, event, &meta).await
}
