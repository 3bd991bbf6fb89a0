//! Where the primary is, and whether the server of a session has all of that: the questions to both, and what their answers mean. Asked
//! by `replicas`, where it is argued why that is enough.

use sea_orm::{DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use super::why::{Fault, Why};
use crate::{
    DatabaseConnection, Result,
    database::{lease::Lease, unavailable},
    sql::{from_i64, query_one},
};

/// Where the primary is.
pub(super) struct Present {
    /// How far its WAL is on disk.
    written: String,
    /// Cluster, timeline and database, as far as its role may know them.
    identity: [Option<String>; 3],
    epoch: i64,
    position: i64,
    event: Option<Uuid>,
}

/// How far a server has come.
pub(super) struct Reached {
    /// Whether it has all that the primary has.
    pub(super) has_all: bool,
    /// How many events of the log it lacks.
    pub(super) behind: u64,
}

const PRESENT: &str = "select pg_current_wal_flush_lsn()::text as written,
        here[1] as cluster, here[2] as timeline, here[3] as database, epoch, position, event_at(position) as event
    from (select epoch, position from log_head order by position desc limit 1) h, log_identity() here";

/// What one role can tell and another cannot is no difference. The timeline that is received is told to members of `pg_read_all_stats`.
const REACHED: &str = "select
        pg_is_in_recovery() and not coalesce(here[1] <> $2::text or here[3] <> $4::text
            or (select lpad(upper(to_hex(received_tli)), 8, '0') from pg_stat_wal_receiver) <> $3::text, false) as is_standby,
        coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false) as has_all,
        epoch = $5 and event_at($6) is not distinct from $7::uuid
            and not coalesce(identity[1] <> $2::text or identity[2] <> $3::text or identity[3] <> $4::text, false) as is_same,
        position
    from (select epoch, position, identity from log_head order by position desc limit 1) h, log_identity() here";

impl Present {
    pub(super) async fn of(primary: &DatabaseConnection) -> Result<Self> {
        let found = query_one(primary, PRESENT, Vec::new()).await?;
        let row = found.ok_or_else(|| unavailable("it has no log"))?;
        Ok(Self {
            written: row.try_get("", "written")?,
            identity: [
                row.try_get("", "cluster")?,
                row.try_get("", "timeline")?,
                row.try_get("", "database")?,
            ],
            epoch: row.try_get("", "epoch")?,
            position: row.try_get("", "position")?,
            event: row.try_get("", "event")?,
        })
    }

    /// Asks the server of a session how much of this it has.
    pub(super) async fn reached_by(&self, session: &mut Lease) -> Result<Reached, Fault> {
        let [cluster, timeline, database] = self.identity.clone();
        let values: [Value; 7] = [
            self.written.clone().into(),
            cluster.into(),
            timeline.into(),
            database.into(),
            self.epoch.into(),
            self.position.into(),
            self.event.into(),
        ];
        let asking = Statement::from_sql_and_values(DbBackend::Postgres, REACHED, values);
        let row = session.query_one(asking).await?;
        let row = row.ok_or_else(|| Why::Foreign.saying("has no log"))?;
        let is = |column: &str| QueryResult::try_get::<bool>(&row, "", column);
        let position: i64 = row.try_get("", "position")?;
        let behind = from_i64(self.position).saturating_sub(from_i64(position));
        let has_all = is("has_all")? && behind == 0;
        if !is("is_standby")? {
            Err(Why::Foreign.saying("is no standby of the primary"))
        } else if has_all && !is("is_same")? {
            Err(Why::Foreign.saying("has another history than the primary"))
        } else {
            Ok(Reached { has_all, behind })
        }
    }
}
