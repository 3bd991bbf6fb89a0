//! A database that loses its last commits and continues, as a failover or the restore of a backup does. Nobody may resume from an
//! event that the log no longer has, and everybody must resume from one that it has.

use std::{pin::pin, sync::Arc, time::Duration};

use events::{Cursor, CursorError, Event, EventLog, EventSource, FeedError, Range, Topic};
use futures::{Stream, StreamExt, TryStreamExt};
use sea_orm::ConnectionTrait;
use tests::eventually;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    jobs::Todo,
    model::append,
    world::{SOON, Way, World, both_ways, connect, start_log},
};

/// Appends the first events of this many streams, one after the other.
pub(crate) async fn write(log: &EventLog, events: usize) {
    for _ in 0..events {
        append(log, Uuid::now_v7(), 1, Todo::Succeed).await;
    }
}

pub(crate) async fn await_position(log: &EventLog, position: u64) -> Cursor {
    eventually("the events arrive", SOON, async || {
        let cursor = log.tail().cursor();
        (cursor.position >= position).then_some(cursor)
    })
    .await
}

/// Removes all events behind `kept` from the log, and writes as many others as there were, so that the head does not move. It is
/// one transaction, so nobody sees the log shorter.
async fn exchange(world: &World, kept: u64, others: u64) {
    let columns =
        "event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at";
    let sql = match world.way {
        Way::Distributed => format!(
            "begin;
             select pg_advisory_xact_lock(7020109114097099);
             delete from event e using event_position p where p.inserted = e.inserted and p.position > {kept};
             delete from event_position where position > {kept};
             update log_head set position = {kept}, part_positions = (
                 select array_agg(coalesce((select max(p.position) from event_position p
                     join event e on e.inserted = p.inserted where e.part = n), 0) order by n)
                 from generate_series(0, 15) n);
             insert into event ({columns})
             select gen_random_uuid(), 3, 'other', gen_random_uuid(), 1, 'Other', 1, '{{}}', '{{\"actor\":\"test\"}}', now()
             from generate_series(1, {others});
             select sequence_events();
             commit"
        ),
        Way::Embedded => format!(
            "begin immediate;
             delete from event where inserted > {kept};
             update sqlite_sequence set seq = {kept} where name = 'event';
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {others})
             insert into event ({columns}, previous)
             select randomblob(16), 3, 'other', randomblob(16), 1, 'Other', 1, '{{}}', '{{\"actor\":\"test\"}}',
                    '2026-01-01T00:00:00+00:00', 0 from n;
             commit"
        ),
    };
    let connection = world.database.schema_connection();
    connection
        .execute_unprepared(&sql)
        .await
        .expect("the exchange");
}

pub(crate) type Heard = Result<Arc<Event>, FeedError>;

pub(crate) fn follow(log: &EventLog, after: Option<Cursor>) -> impl Stream<Item = Heard> + use<> {
    let log = log.clone();
    let followed = async move {
        let after = match after {
            Some(after) => log.resolve(after).await??,
            None => log.tail().cursor(),
        };
        let range = Range { after, until: None };
        Ok::<_, FeedError>(EventSource::new(log, range).follow(Topic::EVERYTHING))
    };
    Box::pin(futures::stream::once(followed).try_flatten())
}

pub(crate) async fn next(followed: &mut (impl Stream<Item = Heard> + Unpin)) -> Heard {
    let heard = timeout(SOON, followed.next()).await;
    heard.expect("something is heard").expect("it does not end")
}

pub(crate) fn is_told(heard: &Heard) -> bool {
    matches!(heard, Err(FeedError::Cursor(CursorError::Foreign)))
}

async fn a_cursor_of_a_lost_event_is_refused(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    write(&log, 2).await;
    let kept = await_position(&log, 2).await;
    write(&log, 3).await;
    let lost = await_position(&log, 5).await;
    assert_eq!(log.resolve(lost).await.expect("an answer"), Ok(lost));
    exchange(&world, 2, 4).await;
    // The process that handed them on notices, which ends the epoch. The cursors denote the same places in the new one.
    eventually("a new epoch", SOON, async || {
        (log.tail().cursor().epoch != lost.epoch).then_some(())
    })
    .await;

    // A process that starts now knows nothing of it, and everything in Redis is gone.
    let database = connect(&world.database_url).await;
    let later = start_log(database, world.redis_url.clone(), "emptied").await;
    let resolve = async |cursor| later.resolve(cursor).await.expect("an answer");
    let epoch = later.tail().cursor().epoch;
    let here = |cursor| Cursor { epoch, ..cursor };
    assert_eq!(resolve(here(kept)).await, Ok(here(kept)));
    assert_eq!(resolve(here(lost)).await, Err(CursorError::Foreign));
    let mut followed = pin!(follow(&later, Some(here(lost))));
    assert!(is_told(&next(&mut followed).await));
    let unproven = |position| Cursor {
        epoch,
        position,
        proof: None,
    };
    assert_eq!(resolve(unproven(0)).await, Ok(unproven(0)));
    assert_eq!(resolve(unproven(2)).await, Err(CursorError::Foreign));
    assert_eq!(resolve(unproven(99)).await, Err(CursorError::Foreign));
    // A version without proofs gave it out, and the event that was there then is there now.
    let sql = "update log_head set unproven_until = 2";
    let connection = world.database.schema_connection();
    connection.execute_unprepared(sql).await.expect("an update");
    assert_eq!(resolve(unproven(2)).await, Ok(here(kept)));
    assert_eq!(resolve(unproven(5)).await, Err(CursorError::Foreign));
}

async fn who_has_a_lost_event_is_told_while_it_is_followed(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(2).await;
    write(&logs[0], 4).await;
    for log in &logs {
        await_position(log, 4).await;
    }
    let old = logs[0].tail().cursor();
    let mut live: Vec<_> = logs.iter().map(|log| Box::pin(follow(log, None))).collect();
    for followed in &mut live {
        // It listens from its first poll on.
        assert!(timeout(Duration::ZERO, followed.next()).await.is_err());
    }
    exchange(&world, 3, 1).await;
    write(&logs[0], 3).await;
    for followed in &mut live {
        let heard = next(followed).await;
        assert!(is_told(&heard), "{heard:?}");
    }
    let fresh = await_position(&logs[1], 7).await;
    assert_ne!(fresh.epoch, old.epoch);
    for log in &logs {
        assert_eq!(
            log.resolve(old).await.expect("an answer"),
            Err(CursorError::Foreign)
        );
        let mut followed = pin!(follow(
            log,
            Some(Cursor {
                position: 0,
                proof: None,
                ..fresh
            })
        ));
        for position in 1..=7 {
            let event = next(&mut followed).await.expect("an event");
            assert_eq!(event.position, position);
        }
        assert_eq!(log.tail().cursor(), fresh, "one loss is one epoch");
    }
}

/// The newest event is pruned, an older one is kept: nothing was lost.
#[test]
fn pruning_the_newest_event_begins_no_epoch() {
    tests::setup::run(|| async {
        let world = World::new(Way::Embedded).await;
        let log = world.log().await;
        write(&log, 3).await;
        let before = await_position(&log, 3).await;
        let sql = "begin immediate;
                   update log_head set pruned = 3, proven = 3,
                       proven_event = (select event_id from event where inserted = 3);
                   insert into pruned_part select part, max(inserted) from event group by part;
                   delete from event where inserted in (2, 3);
                   commit";
        let connection = world.database.schema_connection();
        connection.execute_unprepared(sql).await.expect("pruned");
        let mut followed = pin!(follow(&log, Some(before)));
        let quiet = timeout(Duration::from_millis(300), followed.next()).await;
        assert!(quiet.is_err(), "some passes later: {quiet:?}");
        assert_eq!(log.tail().cursor(), before);
        write(&log, 1).await;
        let event = next(&mut followed).await.expect("an event");
        assert_eq!(event.position, 4);
        let later = start_log(connect(&world.database_url).await, None, "later").await;
        assert_eq!(later.resolve(before).await.expect("an answer"), Ok(before));
        let another = Cursor {
            proof: log.tail().cursor().proof,
            ..before
        };
        assert_eq!(
            later.resolve(another).await.expect("an answer"),
            Err(CursorError::Foreign)
        );
    });
}

both_ways!(
    a_cursor_of_a_lost_event_is_refused,
    who_has_a_lost_event_is_told_while_it_is_followed,
);
