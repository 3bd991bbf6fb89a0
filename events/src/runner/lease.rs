//! Leases: which process may work on which parts. Time is the database's clock, so the clocks of processes do not matter. A lease
//! only makes duplicate work unlikely; the fence is what makes it happen once.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value};

use super::{
    FollowerConfig,
    attempts::{self, Caution},
};
use crate::{
    Begin, Database, DatabaseTransaction, PARTS, Result,
    begin::first_checkpoints,
    database::Pool,
    read::{self, Head},
    sql::{Dialect, execute, from_i64, longest, query_as, query_one_as, to_i64},
};

/// A part that this process may work on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) token: i64,
    /// The checkpoint, as this process last committed it or found it when it took the lease.
    pub(crate) position: u64,
    /// The position up to which no event of this part, after the checkpoint, is left to apply.
    pub(crate) scanned: u64,
    /// Whether the previous holder did not release it, and left something to apply that was not applied since.
    pub(crate) is_left_behind: bool,
}

pub(super) type Leases = HashMap<i16, Lease>;

/// What a renewal comes to.
pub(super) struct Renewed {
    pub(super) leases: Leases,
    /// The new parts that need care.
    pub(super) cautions: Vec<(i16, Caution)>,
}

/// Renews the leases this process holds, releases those beyond its share, and takes free ones. Whatever that says about the life of
/// this and of other processes is counted in the same transaction, so that a taking over is counted before its loser can know it. A
/// process applies at most `batch_events` of the events of a part that was left behind at once.
pub(super) async fn renew(
    database: &Database,
    follower: &'static str,
    begin: Begin,
    config: &FollowerConfig,
    batch_events: u64,
    held: &Leases,
) -> Result<Renewed> {
    let before: Vec<_> = held
        .iter()
        .map(|(part, lease)| (*part, lease.token, lease.position))
        .collect();
    let found = database
        .transaction(Pool::Background, |tx| {
            let (config, before) = (config.clone(), before.clone());
            Box::pin(async move {
                renew_in_tx(tx, follower, begin, &config, batch_events, &before).await
            })
        })
        .await?;
    let mut leases: Leases = found
        .rows
        .into_iter()
        .map(|((part, token, position), is_left_behind)| {
            let position = from_i64(position);
            let lease = remembered(held.get(&part), token, position, is_left_behind);
            (part, lease)
        })
        .collect();
    if let Some(head) = found.head {
        // A part without events since its checkpoint need not be searched from there.
        for (part, lease) in &mut leases {
            if lease.position >= head.parts[*part as usize] {
                lease.scanned = lease.scanned.max(head.position);
                lease.is_left_behind = false;
            }
        }
    }
    Ok(Renewed {
        leases,
        cautions: found.cautions,
    })
}

/// Combines the lease in the database with the state this process remembers. The checkpoint is the database's. While it is the
/// one that this process committed last, the scanned position holds; when it differs under the same lease, the database is older
/// than this process, and nothing remembered holds.
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
    config: &FollowerConfig,
    batch_events: u64,
    before: &[(i16, i64, u64)],
) -> Result<Found> {
    let (owner, seconds) = (&*config.owner, config.lease.as_secs_f64());
    let longest = longest(config.lease);
    let backend = tx.get_database_backend();
    register(tx, follower, owner, (seconds, longest)).await?;
    make_checkpoints(tx, follower, begin).await?;
    let members = "select count(*) as count from follower_member where follower = $1";
    let members = query_one_as(tx, members, vec![follower.into()]).await?;
    let members: i64 = members.unwrap_or(1);
    let share = (i64::from(PARTS) + members - 1) / members.max(1);

    let renew = format!(
        "update checkpoint set leased_until = {} where follower = $2 and owner = $3
             returning part, token, position",
        backend.clock_plus(1)
    );
    let values = vec![seconds.into(), follower.into(), owner.into()];
    let rows: Vec<Row> = query_as(tx, &renew, values).await?;
    let is_held = |part, token| rows.iter().any(|row| (row.0, row.1) == (part, token));
    let lost = before.iter().filter(|it| !is_held(it.0, it.1));
    let lost: Vec<_> = lost.map(|it| (it.0, it.2)).collect();
    attempts::survive(tx, follower, &lost).await?;
    let mut held: Vec<_> = rows.into_iter().map(|row| (row, false)).collect();
    while held.len() as i64 > share {
        if let Some(((part, ..), _)) = held.pop() {
            release(tx, follower, owner, Some(part)).await?;
        }
    }
    let (kept, wanted) = (held.len(), share - held.len() as i64);
    if wanted > 0 {
        let free = format!(
            "select part, owner from checkpoint where follower = $1 and {}
             order by part limit {wanted} {}",
            backend.is_over("leased_until", 2),
            backend.skip_locked()
        );
        let values = vec![follower.into(), longest.into()];
        let free: Vec<(i16, Option<String>)> = query_as(tx, &free, values).await?;
        for (part, before) in free {
            let take = format!(
                "update checkpoint set owner = $3, token = token + 1, leased_until = {}
                 where follower = $2 and part = $4 returning part, token, position",
                backend.clock_plus(1)
            );
            let values = vec![seconds.into(), follower.into(), owner.into(), part.into()];
            for taken in query_as(tx, &take, values).await? {
                let is_left_behind = before.as_deref().is_some_and(|before| before != owner);
                held.push((taken, is_left_behind));
            }
        }
    }
    let mut found = Found {
        rows: held,
        head: None,
        cautions: Vec::new(),
    };
    if found.rows.len() > kept {
        let head = read::read_head(tx).await?;
        let left_behind: Vec<_> = found.rows[kept..]
            .iter()
            .filter(|(_, is_left_behind)| *is_left_behind)
            .map(|((part, _, position), _)| (*part, from_i64(*position)))
            .filter(|(part, position)| *position < head.parts[*part as usize])
            .collect();
        found.cautions =
            attempts::count(tx, follower, &left_behind, batch_events, config.lease).await?;
        found.head = Some(head);
    }
    Ok(found)
}

/// What the transaction of a renewal finds: the parts that are held now, and whether each was left behind; if some are new, also the
/// head of the log, and which need care.
struct Found {
    rows: Vec<(Row, bool)>,
    head: Option<Head>,
    cautions: Vec<(i16, Caution)>,
}

/// Part, token and position.
type Row = (i16, i64, i64);

async fn register(
    tx: &DatabaseTransaction,
    follower: &str,
    owner: &str,
    (seconds, longest): (f64, f64),
) -> Result<()> {
    let backend = tx.get_database_backend();
    let sql = format!(
        "insert into follower_member (follower, owner, seen_at) values ($1, $2, {now})
             on conflict (follower, owner) do update set seen_at = {now}",
        now = backend.clock()
    );
    execute(tx, &sql, vec![follower.into(), owner.into()]).await?;
    // Processes that were not seen for the length of a lease hold none, nor do those that were seen by a clock that was ahead. One that
    // returns is a member again at its next renewal.
    let sql = format!(
        "delete from follower_member where (follower, owner) in
             (select follower, owner from follower_member
              where (seen_at < {} or seen_at > {}) and follower = $2 {})",
        backend.clock_minus(1),
        backend.clock_plus(3),
        backend.skip_locked()
    );
    let values = vec![seconds.into(), follower.into(), longest.into()];
    execute(tx, &sql, values).await?;
    Ok(())
}

/// Creates the checkpoints of a follower that has never run.
async fn make_checkpoints(tx: &DatabaseTransaction, follower: &str, begin: Begin) -> Result<()> {
    let count = "select count(*) as count from checkpoint where follower = $1";
    let count: Option<i64> = query_one_as(tx, count, vec![follower.into()]).await?;
    if count.is_none_or(|count| count < i64::from(PARTS)) {
        let first = first_checkpoints(tx, follower, begin).await?;
        for (part, position) in (0..PARTS).zip(first) {
            let insert = "insert into checkpoint (follower, part, position) values ($1, $2, $3)
                          on conflict (follower, part) do nothing";
            let values = vec![follower.into(), part.into(), to_i64(position).into()];
            execute(tx, insert, values).await?;
        }
    }
    Ok(())
}

async fn release(
    tx: &DatabaseTransaction,
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
        tx.get_database_backend().never()
    );
    execute(tx, &update, values).await?;
    Ok(())
}

/// Releases all parts at once, so that others need not wait for the leases to expire.
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
                release(tx, follower, &owner, None).await?;
                let delete = "delete from follower_member where follower = $1 and owner = $2";
                execute(tx, delete, vec![follower.into(), owner.into()]).await?;
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::{Error, EventLog, Meta, NewEvent, StreamKey, kit};

    /// A process that takes over what others have left, as often as it is asked to.
    struct Process {
        config: FollowerConfig,
        held: Leases,
    }

    impl Process {
        fn new(number: u32) -> Self {
            let config = FollowerConfig {
                owner: format!("process {number}"),
                lease: Duration::from_millis(20),
                batch_events: 1,
            };
            let held = Leases::new();
            Self { config, held }
        }

        /// Renews its leases after all have run out, and returns how many parts it has to be careful with.
        async fn renew(&mut self, database: &Database) -> usize {
            tokio::time::sleep(self.config.lease * 2).await;
            let (config, held) = (&self.config, &self.held);
            let renewed = renew(database, "counter", Begin::WithWhatIsLeft, config, 1, held).await;
            let renewed = renewed.expect("the database answers");
            self.held = renewed.leases;
            renewed.cautions.len()
        }
    }

    async fn log_with_an_event() -> (kit::SqliteFile, EventLog) {
        let (file, database) = kit::SqliteFile::create().await;
        let log = EventLog::start(database, kit::config()).await;
        let log = log.expect("the log starts");
        let write = log.write(|tx| {
            Box::pin(async move {
                let stream = StreamKey {
                    kind: "customer",
                    id: uuid::Uuid::from_u128(1),
                };
                let event = NewEvent {
                    event_type: "CustomerCreated",
                    schema_version: 1,
                    data: &(),
                    occurred_at: crate::now(),
                };
                tx.append(stream, 0, event, &Meta::default()).await?;
                Ok::<_, Error>(())
            })
        });
        write.await.expect("the write");
        (file, log)
    }

    #[tokio::test]
    async fn who_takes_over_from_the_dead_is_careful_the_second_time() {
        let (_file, log) = log_with_an_event().await;
        let mut careful = Vec::new();
        for number in 0..4 {
            careful.push(Process::new(number).renew(log.database()).await);
        }
        assert_eq!(careful, [0, 0, 1, 1]);
    }

    #[tokio::test]
    async fn who_was_only_late_was_not_dead() {
        let (_file, log) = log_with_an_event().await;
        let mut processes = [Process::new(0), Process::new(1)];
        for turn in 0..6 {
            let careful = processes[turn % 2].renew(log.database()).await;
            assert_eq!(careful, 0, "turn {turn}");
        }
    }

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
