//! The change of tables: one transaction that takes the live follower's parts away, brings the new tables to exactly its
//! checkpoints, and renames them. Readers see either the old tables or the new ones.
//!
//! The argument that no event is lost or applied twice is beside `swap`.

use sea_orm::{ConnectionTrait, Value};

use super::{
    Rebuild, RebuildReport, Result,
    build::PIECE_EVENTS,
    catalog,
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

/// The most events, and bytes of their data, applied while the live follower waits; with more, the new model catches up again first. What
/// the last statement reads may be beyond that.
const MOST_EVENTS: u64 = 20_000;
const MOST_BYTES: usize = 64 << 20;

impl Rebuild {
    /// Changes the tables; returns `None` when the live model is too far ahead, and the new one has to catch up first.
    ///
    /// The live follower, in whichever process, writes in transactions that first update the checkpoints of its parts where the
    /// token is that of its lease. The first statement here locks all checkpoints of the follower and raises their tokens. So
    /// each of its transactions comes before or after this one as a whole:
    ///
    /// - Before: it has committed its checkpoint and its rows, or neither. `live`, read under the lock, covers what it
    ///   committed; the events up to there that the new tables lack are applied to them here.
    /// - After: it waited for the lock, or began later with the token of a lease that it no longer holds. It matches no row,
    ///   is rolled back, and its process reads the current checkpoints when it takes a part again.
    ///
    /// At the commit the new tables have, for each part, the events up to the greater of `live` and the position built, and that
    /// is what the checkpoint says. Whoever takes the part continues from there. A crash on the way changes nothing.
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
        // Readers queue up behind us while we wait for a reader. The limit is shorter than Postgres's deadlock timeout.
        on_postgres(tx, "set local lock_timeout = '500ms'").await?;
        self.check_tables(tx).await?;
        let name = self.model.name();
        let live = take_parts(tx, name).await?;
        let until = live.iter().copied().max().unwrap_or(0);
        let Some(missing) = read_between(tx, saved.position, until).await? else {
            return Ok(None);
        };
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
        // Events that the live follower had given up are in the new tables, or were given up by the rebuild, too.
        letters::replace_by_rebuilt(tx, name, &self.rebuilt()).await?;
        // Parts that the live model has not reached yet cannot be compared.
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
        state::save_in_tx(tx, &self.claim, (saved, &last)).await?;
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

/// Locks the checkpoints of all parts, takes the parts from their holders, and returns the positions.
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

/// Reads the events between two positions, in pieces; `None` if there are more than may be applied here.
async fn read_between(
    tx: &DatabaseTransaction,
    mut after: u64,
    until: u64,
) -> Result<Option<Vec<Event>>> {
    let sql = format!(
        "select {} from event_position p join event e on e.inserted = p.inserted
         where p.position > $1 and p.position <= $2 order by p.position limit {PIECE_EVENTS}",
        columns(tx.get_database_backend()),
    );
    let (mut events, mut bytes) = (Vec::new(), 0);
    while after < until {
        let values: Vec<Value> = vec![to_i64(after).into(), to_i64(until).into()];
        let rows = query(tx, &sql, values).await?;
        let read: Vec<Event> = rows.iter().map(from_row).collect::<Result<_, Error>>()?;
        bytes += read.iter().map(|it| it.data.get().len()).sum::<usize>();
        if bytes > MOST_BYTES || (events.len() + read.len()) as u64 > MOST_EVENTS {
            return Ok(None);
        }
        // What is missing at the end, as between two pieces, was removed from the log.
        after = match read.last() {
            Some(last) if rows.len() as u64 == PIECE_EVENTS => last.position,
            _ => until,
        };
        events.extend(read);
    }
    Ok(Some(events))
}
