//! Events that end the process that applies them. Such an attempt leaves no trace, so the next process counts it: a part that is
//! taken over from a process that did not release it, with something to apply, was left behind at its checkpoint. After it is
//! left behind there twice, its next events are applied one by one, with nothing else applied in the process meanwhile. Each such
//! attempt is counted before it begins, and uncounted if the process survives to see it fail. An event that five processes in a
//! row began and did not survive is set aside; an innocent one is applied by the first process that nobody kills.
//!
//! A process that was only late loses its parts in the same way, and lateness is common where a machine has too much to do: there
//! the slow way would make all of them later still. So a process that finds a part taken over from it uncounts what looked like its
//! end, and the one that took it waits for a lease's length before it believes in two of them.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Value};
use tokio::time::Instant;

use crate::{
    Database, DatabaseTransaction, Event, Result,
    letters::Tried,
    sql::{Dialect, execute, from_i64, query_as, query_one_as, to_i64},
};

/// Deaths at one checkpoint before its events are applied alone.
const CAREFUL_AFTER: i32 = 2;
/// Deaths, including those before the event was identified, before it is set aside.
const GIVEN_UP_AFTER: i32 = CAREFUL_AFTER + 5;

/// The state of a part that was left behind.
#[derive(Debug, Clone)]
pub(super) struct Caution {
    /// Wanted events that still have to be applied one by one.
    pub(super) left: u64,
    suspect: Option<u64>,
    deaths: i32,
    since: f64,
    /// Until when the process that is taken for dead may say that it lives.
    doubted_until: Option<Instant>,
}

impl Caution {
    /// Returns how long to wait for a sign of life before [`Self::confirm`].
    pub(super) fn doubt(&self) -> Option<Duration> {
        self.doubted_until
            .map(|until| until.duration_since(Instant::now()))
    }

    /// Ends the doubt, and returns whether the deaths still count.
    pub(super) async fn confirm(
        &mut self,
        database: &Database,
        follower: &str,
        (part, position): (i16, u64),
    ) -> Result<bool> {
        let sql = "select deaths from follower_attempt where follower = $1 and part = $2 and position = $3";
        let values: Vec<Value> = vec![follower.into(), part.into(), to_i64(position).into()];
        let deaths: Option<i32> = query_one_as(&database.background, sql, values).await?;
        self.doubted_until = None;
        let stands = deaths.is_some_and(|deaths| deaths >= CAREFUL_AFTER);
        if stands {
            tracing::warn!(
                follower,
                part,
                position,
                deaths,
                "processes ended after this position; the next events are applied one by one"
            );
        }
        Ok(stands)
    }

    /// Returns how often the event has ended its process, if that is often enough to set it aside.
    pub(super) fn verdict(&self, event: &Event) -> Option<Tried> {
        let is_given_up = self.suspect == Some(event.position) && self.deaths >= GIVEN_UP_AFTER;
        is_given_up.then(|| Tried {
            attempts: self.deaths.unsigned_abs(),
            since: Duration::try_from_secs_f64(self.since).unwrap_or_default(),
        })
    }
}

/// Counts the deaths of the processes whose parts were taken over, and determines which of these parts need care. The process
/// that died second had taken the part over, too, and its batch had at most `batch_events` wanted events as long as the part had
/// not moved on. So the event that ended it is among the first ones. If the process had lost its memory of the log meanwhile, and
/// with it that the part was left behind, the event may come later: then two more deaths find it.
pub(super) async fn count(
    tx: &DatabaseTransaction,
    follower: &str,
    left_behind: &[(i16, u64)],
    batch_events: u64,
    lease: Duration,
) -> Result<Vec<(i16, Caution)>> {
    let backend = tx.get_database_backend();
    let now = backend.now();
    let is_same = "(follower_attempt.position = excluded.position)";
    let sql = format!(
        "insert into follower_attempt (follower, part, position, deaths) values ($1, $2, $3, 1)
         on conflict (follower, part) do update set
             deaths = case when not {is_same} then 1 when follower_attempt.suspect is null then follower_attempt.deaths + 1
                           else follower_attempt.deaths end,
             suspect = case when {is_same} then follower_attempt.suspect end,
             first_at = case when {is_same} then follower_attempt.first_at else {now} end,
             position = excluded.position
         returning deaths, suspect, {} - {} as since",
        backend.seconds(&now),
        backend.seconds("first_at"),
    );
    let mut cautions = Vec::new();
    for (part, position) in left_behind {
        let values: Vec<Value> = vec![follower.into(), (*part).into(), to_i64(*position).into()];
        let rows: Vec<(i32, Option<i64>, f64)> = query_as(tx, &sql, values).await?;
        for (deaths, suspect, since) in rows {
            let caution = Caution {
                left: batch_events,
                suspect: suspect.map(from_i64),
                deaths,
                since,
                doubted_until: suspect.is_none().then(|| Instant::now() + lease),
            };
            if caution.deaths >= CAREFUL_AFTER {
                cautions.push((*part, caution));
            }
        }
    }
    Ok(cautions)
}

/// Uncounts the end of this process, from which others have taken over these parts.
pub(super) async fn survive(
    tx: &DatabaseTransaction,
    follower: &str,
    lost: &[(i16, u64)],
) -> Result<()> {
    if lost.is_empty() {
        return Ok(());
    }
    let mut values: Vec<Value> = vec![follower.into()];
    let mut parts = Vec::with_capacity(lost.len());
    for (part, position) in lost {
        let place = values.len() + 1;
        parts.push(format!("(part = ${place} and position = ${})", place + 1));
        values.extend::<[Value; 2]>([(*part).into(), to_i64(*position).into()]);
    }
    let sql = format!(
        "update follower_attempt set deaths = deaths - 1
         where follower = $1 and suspect is null and deaths > 0 and ({})",
        parts.join(" or ")
    );
    execute(tx, &sql, values).await?;
    Ok(())
}

/// Counts that the event is about to be applied alone.
pub(super) async fn note(database: &Database, follower: &str, event: &Event) -> Result<()> {
    let now = database.backend().now();
    let sql = format!(
        "update follower_attempt set position = $3, suspect = $4,
             deaths = case when suspect = $4 then deaths else {CAREFUL_AFTER} end + 1,
             first_at = case when suspect = $4 then first_at else {now} end
         where follower = $1 and part = $2"
    );
    let values: Vec<Value> = vec![
        follower.into(),
        event.part.into(),
        to_i64(event.previous).into(),
        to_i64(event.position).into(),
    ];
    execute(database.background_writer(), &sql, values).await?;
    Ok(())
}

/// Withdraws the count: the process survived, so whatever the outcome, the event did not end it.
pub(super) async fn withdraw(database: &Database, follower: &str, event: &Event) -> Result<()> {
    let sql = "update follower_attempt set deaths = deaths - 1 where follower = $1 and part = $2 and suspect = $3";
    let values: Vec<Value> = vec![
        follower.into(),
        event.part.into(),
        to_i64(event.position).into(),
    ];
    execute(database.background_writer(), sql, values).await?;
    Ok(())
}

/// Clears the counts of a part that has moved on.
pub(super) async fn forget(database: &Database, follower: &str, part: i16) -> Result<()> {
    let sql = "delete from follower_attempt where follower = $1 and part = $2";
    let values: Vec<Value> = vec![follower.into(), part.into()];
    execute(database.background_writer(), sql, values).await?;
    Ok(())
}
