//! One renewal for all followers of a process that wait. A follower without work sits down here with its leases. The first one whose
//! renewal is due renews for all that sit, in one transaction, so that an idle process costs little, however many followers it has.
//!
//! Only leases that stand as they are remembered are renewed this way: the rows are those of the follower, with the same tokens and
//! positions, nobody has left or joined, and no free part is missing from its share. Whoever finds anything else, or finds nothing in
//! time, looks for itself, as `runner::lease` does, which also counts what was lost, takes and releases. So this never decides who
//! works on what; it only says that all is as before.
//!
//! A transaction changes rows of its own process only, and leaves out those that somebody has locked, so it waits for nobody, and a
//! lock on a checkpoint holds up the follower that it belongs to. A follower may rise meanwhile: what was renewed counts only for
//! those that still sit as they sat before. One that hangs does not sit, so its parts are taken over as
//! before; one that ends leaves its seat. A process that is stopped in the middle keeps the rows of all its followers until the
//! database ends its session.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Value};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    Database, DatabaseTransaction, PARTS, Result,
    database::Pool,
    sql::{Dialect, longest, query_as},
};

/// Returns how long a follower waits for events. One that has looked for leases and got none may stand in for somebody who was killed:
/// it looks again as soon as a renewal is due.
pub(crate) fn rest(lease: Duration, looked_in_vain: Option<Instant>) -> Duration {
    let since = looked_in_vain.map_or(Duration::ZERO, |at| at.elapsed());
    let due = (lease / 3).saturating_sub(since);
    due.min(Duration::from_millis(500))
}

/// Part, token and position of what a follower holds, by part.
type Held = Vec<(i16, i64, i64)>;

/// The followers that wait, of all that use this log.
#[derive(Default)]
pub(crate) struct Waiting {
    sitting: Mutex<HashMap<Key, Seated>>,
    /// Held by the follower that renews.
    renewing: tokio::sync::Mutex<()>,
}

/// The process, and its follower.
type Key = (String, &'static str);

struct Seated {
    held: Arc<Held>,
    lease: Duration,
    /// When the leases were renewed; `None` when the follower has to look for itself.
    renewed_at: Option<Instant>,
    /// Notified when it has to.
    unsettled: Arc<Notify>,
}

/// The place of a follower that waits.
pub(crate) struct Seat<'a> {
    waiting: &'a Waiting,
    key: Key,
    unsettled: Arc<Notify>,
}

impl Waiting {
    /// Sits down with leases of this length that were renewed at this time; `None` if the follower has to look for itself.
    pub(crate) fn sit(
        &self,
        (owner, follower): (&str, &'static str),
        lease: Duration,
        held: impl Iterator<Item = (i16, i64, i64)>,
        renewed_at: Option<Instant>,
    ) -> Seat<'_> {
        let mut held: Held = held.collect();
        held.sort_unstable();
        let unsettled = Arc::<Notify>::default();
        let seated = Seated {
            held: Arc::new(held),
            lease,
            renewed_at,
            unsettled: unsettled.clone(),
        };
        let key = (owner.to_owned(), follower);
        self.sitting.lock().insert(key.clone(), seated);
        Seat {
            waiting: self,
            key,
            unsettled,
        }
    }

    fn of_process(&self, owner: &str, lease: Duration) -> Vec<(&'static str, Arc<Held>)> {
        let sitting = self.sitting.lock();
        let mut of_process: Vec<_> = sitting
            .iter()
            .filter(|((process, _), seated)| {
                process == owner && seated.lease == lease && seated.renewed_at.is_some()
            })
            .map(|((_, follower), seated)| (*follower, seated.held.clone()))
            .collect();
        of_process.sort_unstable();
        of_process
    }
}

impl Seat<'_> {
    /// Renews the leases of all that sit, if this one's are older than a third of their length. That takes at most as long again: who
    /// does not know more by then looks for itself.
    pub(crate) async fn renew(&self, database: &Database) {
        let Some(lease) = self.due() else { return };
        let until = Instant::now() + lease / 3;
        let Ok(_alone) = timeout_at(until, self.waiting.renewing.lock()).await else {
            self.of_own(|seated| seated.renewed_at = None);
            return;
        };
        if self.due().is_none() {
            return;
        }
        let owner = &self.key.0;
        let sitting = self.waiting.of_process(owner, lease);
        let now = Instant::now();
        // What is not answered in time is dropped, which closes its connection and takes it back.
        let renewing = database.transaction(Pool::Background, |tx| {
            let (owner, sitting) = (owner.clone(), sitting.clone());
            Box::pin(async move { renew_in_tx(tx, &owner, lease, &sitting).await })
        });
        let stands = match timeout_at(until, renewing).await {
            Ok(Ok(stands)) => stands,
            Ok(Err(error)) => {
                tracing::debug!(%error, "leases were not renewed together");
                vec![false; sitting.len()]
            }
            Err(_) => {
                tracing::debug!("leases were not renewed together in time");
                vec![false; sitting.len()]
            }
        };
        let mut seats = self.waiting.sitting.lock();
        for ((follower, held), stands) in sitting.iter().zip(stands) {
            let seated = seats.get_mut(&(owner.clone(), *follower));
            if let Some(seated) = seated.filter(|seated| Arc::ptr_eq(&seated.held, held)) {
                seated.renewed_at = stands.then_some(now);
                if !stands {
                    seated.unsettled.notify_one();
                }
            }
        }
    }

    /// Waits until the follower has to look for itself.
    pub(crate) async fn is_unsettled(&self) {
        self.unsettled.notified().await;
    }

    /// Returns to work. Also returns when the leases were renewed; `None` when the follower has to look for itself.
    pub(crate) fn rise(self) -> Option<Instant> {
        self.of_own(|seated| seated.renewed_at).flatten()
    }

    /// Returns the length of the leases, if they are known and to be renewed.
    fn due(&self) -> Option<Duration> {
        self.of_own(|seated| {
            let at = seated.renewed_at?;
            (at.elapsed() >= seated.lease / 3).then_some(seated.lease)
        })
        .flatten()
    }

    fn of_own<R>(&self, look: impl FnOnce(&mut Seated) -> R) -> Option<R> {
        self.waiting.sitting.lock().get_mut(&self.key).map(look)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.waiting.sitting.lock().remove(&self.key);
    }
}

/// Renews the leases and memberships of these followers; returns for each whether all was as it is remembered.
async fn renew_in_tx(
    tx: &DatabaseTransaction,
    owner: &str,
    lease: Duration,
    sitting: &[(&'static str, Arc<Held>)],
) -> Result<Vec<bool>> {
    let backend = tx.get_database_backend();
    let (seconds, skip_locked) = (lease.as_secs_f64(), backend.skip_locked());
    // The names of the followers behind these parameters, and all values.
    let named = |first: &[Value]| {
        let places = (first.len() + 1..).take(sitting.len());
        let places: Vec<_> = places.map(|place| format!("${place}")).collect();
        let names = sitting.iter().map(|(name, _)| Value::from(*name));
        let values: Vec<_> = first.iter().cloned().chain(names).collect();
        (places.join(", "), values)
    };
    // It comes first, as the others lock rows.
    let (names, values) = named(&[seconds.into(), longest(lease).into()]);
    let sql = format!(
        "select m.follower, count(*) as members,
                count(case when m.seen_at < {} or m.seen_at > {} then 1 end) as gone,
                (select count(*) from checkpoint c where c.follower = m.follower and {}) as free
         from follower_member m where m.follower in ({names}) group by m.follower",
        backend.clock_minus(1),
        backend.clock_plus(2),
        backend.is_over("c.leased_until", 2),
    );
    let counts: Vec<(String, i64, i64, i64)> = query_as(tx, &sql, values).await?;
    let (names, values) = named(&[seconds.into(), owner.into()]);
    let sql = format!(
        "update checkpoint set leased_until = {} where (follower, part) in
             (select follower, part from checkpoint where owner = $2 and follower in ({names}) {skip_locked})
             returning follower, part, token, position",
        backend.clock_plus(1),
    );
    let renewed: Vec<(String, i16, i64, i64)> = query_as(tx, &sql, values.clone()).await?;
    let mut held: HashMap<&str, Held> = HashMap::new();
    for (follower, part, token, position) in &renewed {
        let of_follower = held.entry(follower).or_default();
        of_follower.push((*part, *token, *position));
    }

    // Whoever is no member any more becomes one again by itself.
    let sql = format!(
        "update follower_member set seen_at = {} where (follower, owner) in
             (select follower, owner from follower_member
              where owner = $2 and seen_at > {} and follower in ({names}) {skip_locked})
             returning follower",
        backend.clock(),
        backend.clock_minus(1),
    );
    let members: Vec<String> = query_as(tx, &sql, values).await?;

    let stands = |(name, remembered): &(&'static str, Arc<Held>)| {
        let mut found = held.remove(name).unwrap_or_default();
        found.sort_unstable();
        let counts = counts.iter().find(|(follower, ..)| follower == name);
        let Some((_, members_of, gone, free)) = counts else {
            return false;
        };
        let share = (i64::from(PARTS) + members_of - 1) / members_of;
        let missing = share - found.len() as i64;
        members.iter().any(|member| member == name)
            && found == **remembered
            && *gone == 0
            && (missing == 0 || missing > 0 && *free == 0)
    };
    Ok(sitting.iter().map(stands).collect())
}

#[cfg(test)]
mod tests;
