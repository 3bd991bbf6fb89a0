//! The change of tables: one transaction that takes the live follower's parts away, brings the new tables to exactly its
//! checkpoints, and gives them the live ones' names. Readers go on with either the old tables or the new ones.
//!
//! The argument that no event is lost or applied twice is beside `swap`.

use sea_orm::{ConnectionTrait, Value};

use super::{
    Rebuild, RebuildReport, Result, catalog,
    compare::{Found, Scope, differ},
    state::{self, Saved},
};
use crate::{
    DatabaseTransaction, Error, Event, PARTS,
    database::Pool,
    letters,
    read::{columns, from_row},
    sql::{Dialect, execute, from_i64, on_postgres, query, query_as, to_i64},
};

/// Events applied at most while the live follower waits; when there are more, the new model follows again first.
const MOST_EVENTS: u64 = 20_000;

impl Rebuild {
    /// Changes the tables; `None` when the live model has got too far ahead, and the new one has to follow first.
    ///
    /// The live follower, in whichever process, writes in transactions that update the checkpoints of its parts first,
    /// where the token is the one of its lease. The first statement here locks all checkpoints of the follower, and
    /// raises their tokens. So each of its transactions comes before or after this one as a whole:
    ///
    /// - Before: it has committed its checkpoint and its rows, or neither. `live`, read under the lock, covers what it
    ///   committed; the events up to there that the new tables lack are applied to them here.
    /// - After: it waited for the lock, or began later with the token of a lease that it no longer has. It matches no row,
    ///   is rolled back, and its process looks up the checkpoints as they are when it takes a part again.
    ///
    /// At the commit the new tables have, of each part, the events up to the greater of `live` and what was built, and
    /// that is what the checkpoint says. Whoever takes the part goes on from there. Dying on the way leaves all as it was.
    pub(super) async fn swap(&self, saved: &Saved, found: &Found) -> Result<Option<RebuildReport>> {
        self.database
            .transaction(Pool::Patient, |tx| {
                let (this, saved, found) = (self.clone(), saved.clone(), found.clone());
                Box::pin(async move { this.swap_in_tx(tx, &saved, found).await })
            })
            .await
    }

    async fn swap_in_tx(
        &self,
        tx: &DatabaseTransaction,
        saved: &Saved,
        mut found: Found,
    ) -> Result<Option<RebuildReport>> {
        // Readers wait behind us while we wait for a reader. Less than Postgres takes to look for deadlocks.
        on_postgres(tx, "set local lock_timeout = '500ms'").await?;
        let name = self.model.name();
        let live = take_parts(tx, name).await?;
        let until = live.iter().copied().max().unwrap_or(0);
        let missing = read_between(tx, saved.position, until).await?;
        if missing.len() as u64 > MOST_EVENTS {
            return Ok(None);
        }
        let missing: Vec<Event> = missing
            .into_iter()
            .filter(|event| event.position <= live[event.part as usize])
            .collect();
        let mut last = saved.clone();
        for event in &missing {
            last.parts[event.part as usize] = event.position;
        }
        last.position = saved.position.max(until);
        for (part, (built, live)) in last.parts.iter().zip(live).enumerate() {
            if *built > live {
                move_checkpoint(tx, name, part as i16, *built).await?;
            }
        }
        let wanted = self.wanted(missing);
        last.done += wanted.len() as u64;
        self.apply(tx, &wanted, true).await?;
        // What the live follower had given up is in the new tables, or was given up by the rebuild too.
        letters::replace_by_rebuilt(tx, name, &self.rebuilt()).await?;
        // Those that the live model has not come to yet cannot be compared.
        let behind: Vec<i16> = (0..PARTS)
            .filter(|part| live[*part as usize] < last.parts[*part as usize])
            .collect();
        let before = found.left_out.len();
        found
            .left_out
            .retain(|id| !behind.contains(&crate::part_of(*id)));
        found.not_compared += (before - found.left_out.len()) as u64;
        let later = differ(tx, self.model.tables(), &Scope::Only(&found.left_out)).await?;
        found.add(later);

        catalog::change_tables(tx, self.model.tables()).await?;
        self.model.complete(tx).await?;
        state::save_in_tx(tx, &self.claim, &last).await?;
        let report = RebuildReport {
            events: last.done,
            position: last.position,
            differences: found.differences,
            streams_not_compared: found.not_compared,
        };
        state::finish(tx, &self.claim, &report).await?;
        Ok(Some(report))
    }
}

/// Locks the checkpoints of all parts, takes the parts from whoever has them, and answers with the positions.
async fn take_parts(tx: &DatabaseTransaction, follower: &str) -> Result<[u64; PARTS as usize]> {
    for part in 0..PARTS {
        let sql = "insert into checkpoint (follower, part) values ($1, $2) on conflict (follower, part) do nothing";
        let values: Vec<Value> = vec![follower.into(), part.into()];
        execute(tx, sql, values).await?;
    }
    let sql = format!(
        "update checkpoint set owner = null, token = token + 1, leased_until = {} where follower = $1
         returning part, position",
        tx.get_database_backend().never()
    );
    let mut positions = [0; PARTS as usize];
    let rows: Vec<(i16, i64)> = query_as(tx, &sql, vec![follower.into()]).await?;
    for (part, position) in rows {
        positions[part as usize] = from_i64(position);
    }
    Ok(positions)
}

async fn move_checkpoint(
    tx: &DatabaseTransaction,
    follower: &str,
    part: i16,
    position: u64,
) -> Result<()> {
    let sql = "update checkpoint set position = $1 where follower = $2 and part = $3";
    let values: Vec<Value> = vec![to_i64(position).into(), follower.into(), part.into()];
    execute(tx, sql, values).await?;
    Ok(())
}

/// One more than is applied at most, to see that there are more.
async fn read_between(tx: &DatabaseTransaction, after: u64, until: u64) -> Result<Vec<Event>> {
    if until <= after {
        return Ok(Vec::new());
    }
    let sql = format!(
        "select {} from event_position p join event e on e.inserted = p.inserted
         where p.position > $1 and p.position <= $2 order by p.position limit {}",
        columns(tx.get_database_backend()),
        MOST_EVENTS + 1
    );
    let values: Vec<Value> = vec![to_i64(after).into(), to_i64(until).into()];
    let rows = query(tx, &sql, values).await?;
    Ok(rows.iter().map(from_row).collect::<Result<_, Error>>()?)
}
