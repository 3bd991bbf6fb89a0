//! How many sockets users have at which gateways: the rows of `presence_socket`, written by `record` in its transactions, and read for
//! administrators.

use ::events::{
    Tx, now,
    sql::{Dialect, execute, is_one_of, padded, query_as},
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::local::Count;
use crate::{access::UserId, boxed, id::uuids, users::Users};

type Result<T> = ::events::Result<T>;

/// The open sockets of a user at one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSockets {
    /// What the gateway is called; empty when it is of a version that does not say.
    pub gateway: String,
    /// How many there were when the gateway last renewed its lease.
    pub count: u32,
    /// Since when the user has had sockets there.
    pub since: DateTime<Utc>,
}

/// Enters users who arrived at a gateway, whose row the caller has locked, like the users' own. What is there already gets the number.
pub(super) async fn insert(tx: &Tx<'_>, gateway: Uuid, counts: &[Count]) -> Result<()> {
    let mut values = vec![gateway.into()];
    let sql = format!(
        "insert into presence_socket (gateway_id, user_id, sockets)
         select $1, u.id, c.sockets from {} join app_user u on u.id = c.user_id where true order by u.id
         on conflict (gateway_id, user_id) do update set sockets = excluded.sockets",
        table(tx.get_database_backend(), counts, &mut values)
    );
    execute(&**tx, &sql, values).await?;
    Ok(())
}

/// Writes other numbers of sockets at a gateway, whose row the caller has locked.
pub(super) async fn recount(tx: &Tx<'_>, gateway: Uuid, counts: &[Count]) -> Result<()> {
    let mut values = vec![gateway.into()];
    let sql = format!(
        "update presence_socket set sockets = c.sockets from {}
         where presence_socket.gateway_id = $1 and presence_socket.user_id = c.user_id",
        table(tx.get_database_backend(), counts, &mut values)
    );
    execute(&**tx, &sql, values).await?;
    Ok(())
}

/// Returns the counts as a table `c` with the columns `user_id` and `sockets`, and adds their values to `values`: as arrays on Postgres, and
/// padded on SQLite, so that there are few statements.
fn table(backend: DbBackend, counts: &[Count], values: &mut Vec<Value>) -> String {
    let sockets = |count: &Count| i32::try_from(count.sockets).unwrap_or(i32::MAX);
    let first = values.len() + 1;
    if backend.is_postgres() {
        let ids: Vec<_> = counts.iter().map(|count| count.user_id).collect();
        values.push(uuids(&ids).into());
        values.push(counts.iter().map(sockets).collect::<Vec<_>>().into());
        let second = first + 1;
        return format!("unnest(${first}::uuid[], ${second}::integer[]) as c (user_id, sockets)");
    }
    let counts = padded(counts);
    let rows = (0..counts.len()).map(|row| {
        let place = first + 2 * row;
        format!("(${place}, ${})", place + 1)
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    for count in &counts {
        values.push(count.user_id.uuid().into());
        values.push(sockets(count).into());
    }
    format!("(select column1 as user_id, column2 as sockets from (values {rows})) as c")
}

/// Converts a time of the database, which is read as seconds since 1970.
pub(super) fn from_seconds(seconds: f64) -> DateTime<Utc> {
    // A double represents microseconds since 1970 as whole numbers for the next two centuries.
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64).unwrap_or_else(now)
}

impl Users {
    /// Returns the open sockets of those of these users who have any, by gateway, in one statement. It is for a loader, which serves
    /// administrators. Gateways whose lease has expired have none.
    #[boxed]
    pub async fn load_sockets(&self, ids: &[UserId]) -> Result<Vec<(UserId, UserSockets)>> {
        let reader = &self.log.database().reader;
        let backend = reader.get_database_backend();
        let mut values = Vec::new();
        let sql = format!(
            "select s.user_id, g.name, s.sockets, {} from presence_socket s join presence_gateway g on g.id = s.gateway_id
             where {} and s.sockets > 0 and g.alive_until >= {} order by s.since, s.gateway_id",
            backend.seconds("s.since"),
            is_one_of(backend, "s.user_id", &uuids(ids), &mut values),
            backend.now()
        );
        let rows: Vec<(UserId, String, i32, f64)> = query_as(reader, &sql, values).await?;
        let found = rows.into_iter().map(|(user_id, gateway, sockets, since)| {
            let sockets = UserSockets {
                gateway,
                count: sockets.unsigned_abs(),
                since: from_seconds(since),
            };
            (user_id, sockets)
        });
        Ok(found.collect())
    }
}
