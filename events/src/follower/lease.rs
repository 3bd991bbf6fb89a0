//! Leases: who may work on which parts. Time is the database's clock, so the clocks of processes do not matter. A lease
//! only makes it unlikely that two processes do the same work; that it is done once is the fence's doing.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::{Begin, FollowerConfig};
use crate::{
    Database, DatabaseTransaction, PARTS, Result,
    clock::sqlite_now,
    database::Pool,
    read::{from_i64, to_i64},
    retention::first_checkpoints,
};

/// A part that this process may work on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) token: i64,
    /// The checkpoint, as last committed by this process or found when the lease was taken.
    pub(crate) position: u64,
    /// No event of this part between the checkpoint and here is left to apply.
    pub(crate) scanned: u64,
    /// Who had it before did not give it back.
    pub(crate) is_left_behind: bool,
}

pub(super) type Leases = HashMap<i16, Lease>;

/// The expressions in which the two databases differ.
pub(crate) struct Dialect {
    pub(crate) now: String,
    /// `$1` is the lease in seconds.
    pub(crate) until: String,
    /// Members not seen for a lease have none left. One of them that comes back is a member again at its next renewal.
    stale: String,
    pub(crate) never: &'static str,
    skip_locked: &'static str,
}

pub(crate) fn dialect(backend: DbBackend) -> Dialect {
    match backend {
        DbBackend::Postgres => Dialect {
            now: "clock_timestamp()".to_owned(),
            until: "clock_timestamp() + make_interval(secs => $1)".to_owned(),
            stale: "clock_timestamp() - make_interval(secs => $1)".to_owned(),
            never: "'-infinity'",
            skip_locked: "for update skip locked",
        },
        _ => Dialect {
            now: sqlite_now(),
            until: format!("{} + $1", sqlite_now()),
            stale: format!("{} - $1", sqlite_now()),
            never: "0",
            skip_locked: "",
        },
    }
}

/// Renews what this process holds, gives back what is more than its share, and takes what is free.
pub(super) async fn renew(
    database: &Database,
    follower: &'static str,
    begin: Begin,
    config: &FollowerConfig,
    held: &Leases,
) -> Result<Leases> {
    let seconds = config.lease.as_secs_f64();
    let owner = config.owner.clone();
    let rows: Vec<(Row, bool)> = database
        .transaction(Pool::Background, |tx| {
            let owner = owner.clone();
            Box::pin(async move { renew_in_tx(tx, follower, begin, &owner, seconds).await })
        })
        .await?;
    Ok(rows
        .into_iter()
        .map(|((part, token, position), is_left_behind)| {
            let lease = remembered(held.get(&part), token, position, is_left_behind);
            (part, lease)
        })
        .collect())
}

/// The lease that the database shows, with what this process remembers of it. The database has the checkpoint. While it says
/// what this process committed last, what was scanned since holds; when it says something else, although the lease is the same
/// one, the database is older than this process, and nothing holds.
pub(crate) fn remembered(
    held: Option<&Lease>,
    token: i64,
    position: u64,
    is_left_behind: bool,
) -> Lease {
    match held {
        Some(held) if held.token == token && held.position == position => held.clone(),
        _ => Lease {
            token,
            position,
            scanned: position,
            is_left_behind,
        },
    }
}

async fn renew_in_tx(
    tx: &DatabaseTransaction,
    follower: &str,
    begin: Begin,
    owner: &str,
    seconds: f64,
) -> Result<Vec<(Row, bool)>> {
    let sql = dialect(tx.get_database_backend());
    register(tx, &sql, follower, owner, seconds).await?;
    make_checkpoints(tx, follower, begin).await?;
    let members = query(
        tx,
        "select count(*) as count from follower_member where follower = $1",
        vec![follower.into()],
    )
    .await?;
    let members: i64 = members[0].try_get("", "count")?;
    let share = (i64::from(PARTS) + members - 1) / members.max(1);

    let held = query(
        tx,
        &format!(
            "update checkpoint set leased_until = {} where follower = $2 and owner = $3
             returning part, token, position",
            sql.until
        ),
        vec![seconds.into(), follower.into(), owner.into()],
    )
    .await?;
    let mut held = held
        .iter()
        .map(|it| Ok((row(it)?, false)))
        .collect::<Result<Vec<_>>>()?;
    while held.len() as i64 > share {
        if let Some(((part, ..), _)) = held.pop() {
            release(tx, &sql, follower, owner, Some(part)).await?;
        }
    }
    let wanted = share - held.len() as i64;
    if wanted > 0 {
        let free = format!(
            "select part, owner from checkpoint where follower = $1 and leased_until < {}
             order by part limit {wanted} {}",
            sql.now, sql.skip_locked
        );
        for free in query(tx, &free, vec![follower.into()]).await? {
            let part: i16 = free.try_get("", "part")?;
            let before: Option<String> = free.try_get("", "owner")?;
            let take = format!(
                "update checkpoint set owner = $3, token = token + 1, leased_until = {}
                 where follower = $2 and part = $4 returning part, token, position",
                sql.until
            );
            let values = vec![seconds.into(), follower.into(), owner.into(), part.into()];
            for taken in query(tx, &take, values).await? {
                let is_left_behind = before.as_deref().is_some_and(|before| before != owner);
                held.push((row(&taken)?, is_left_behind));
            }
        }
    }
    Ok(held)
}

/// Part, token and position.
type Row = (i16, i64, u64);

async fn register(
    tx: &DatabaseTransaction,
    sql: &Dialect,
    follower: &str,
    owner: &str,
    seconds: f64,
) -> Result<()> {
    query(
        tx,
        &format!(
            "insert into follower_member (follower, owner, seen_at) values ($1, $2, {now})
             on conflict (follower, owner) do update set seen_at = {now}",
            now = sql.now
        ),
        vec![follower.into(), owner.into()],
    )
    .await?;
    query(
        tx,
        &format!(
            "delete from follower_member where seen_at < {} and follower = $2",
            sql.stale
        ),
        vec![seconds.into(), follower.into()],
    )
    .await?;
    Ok(())
}

/// The checkpoints of a follower that never ran before.
async fn make_checkpoints(tx: &DatabaseTransaction, follower: &str, begin: Begin) -> Result<()> {
    let parts = query(
        tx,
        "select count(*) as count from checkpoint where follower = $1",
        vec![follower.into()],
    )
    .await?;
    if parts[0].try_get::<i64>("", "count")? < i64::from(PARTS) {
        let first = first_checkpoints(tx, follower, begin).await?;
        for (part, position) in (0..PARTS).zip(first) {
            query(
                tx,
                "insert into checkpoint (follower, part, position) values ($1, $2, $3)
                 on conflict (follower, part) do nothing",
                vec![follower.into(), part.into(), to_i64(position).into()],
            )
            .await?;
        }
    }
    Ok(())
}

async fn release(
    tx: &DatabaseTransaction,
    sql: &Dialect,
    follower: &str,
    owner: &str,
    part: Option<i16>,
) -> Result<()> {
    let mut values: Vec<Value> = vec![follower.into(), owner.into()];
    let mut condition = "";
    if let Some(part) = part {
        values.push(part.into());
        condition = " and part = $3";
    }
    let update = format!(
        "update checkpoint set owner = null, leased_until = {} where follower = $1 and owner = $2{condition}",
        sql.never
    );
    query(tx, &update, values).await?;
    Ok(())
}

/// Gives everything back at once, so that others need not wait for the leases to run out.
pub(super) async fn leave(
    database: &Database,
    follower: &'static str,
    config: &FollowerConfig,
) -> Result<()> {
    let owner = config.owner.clone();
    database
        .transaction(Pool::Background, |tx| {
            let owner = owner.clone();
            Box::pin(async move {
                let sql = dialect(tx.get_database_backend());
                release(tx, &sql, follower, &owner, None).await?;
                let delete = "delete from follower_member where follower = $1 and owner = $2";
                query(tx, delete, vec![follower.into(), owner.into()]).await?;
                Ok(())
            })
        })
        .await
}

fn row(row: &QueryResult) -> Result<Row> {
    Ok((
        row.try_get("", "part")?,
        row.try_get("", "token")?,
        from_i64(row.try_get("", "position")?),
    ))
}

async fn query(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let backend = tx.get_database_backend();
    Ok(tx
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_a_lease_holds_while_the_database_agrees() {
        let held = Lease {
            token: 3,
            position: 40,
            scanned: 90,
            is_left_behind: false,
        };
        let fresh = |token, position| Lease {
            token,
            position,
            scanned: position,
            is_left_behind: false,
        };
        let again = |held, token, position| remembered(held, token, position, false);
        assert_eq!(again(Some(&held), 3, 40), held);
        assert_eq!(again(Some(&held), 4, 40), fresh(4, 40), "taken over");
        assert_eq!(again(Some(&held), 3, 20), fresh(3, 20), "restored");
        assert_eq!(again(None, 3, 40), fresh(3, 40));
    }
}
