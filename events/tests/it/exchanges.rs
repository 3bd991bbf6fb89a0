//! A database that is exchanged under running processes: for a backup, for a standby that lacks the last commit, or by a copy that
//! is used as well. The tests run with a database that can tell, and with one that cannot.

use std::time::Duration;

use events::{Cursor, CursorError, EventLog};
use futures::StreamExt;
use sea_orm::ConnectionTrait;
use tests::{eventually, postgres::Postgres, redis::Redis};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    followers::await_passed,
    jobs::Todo,
    losses::{await_position, follow, is_told, next, write},
    model::{Applied, Following, NAME, append},
    world::{SOON, Way, World, connect, start_log},
};

/// Copies a database of the shared server, or puts a copy in its place, whoever is connected.
async fn copy_database(from: &str, to: &str) {
    let postgres = Postgres::shared();
    let run = |sql: &str| postgres.execute("postgres", sql);
    run(&format!("drop database if exists {to} with (force)"));
    run(&format!("alter database {from} allow_connections false"));
    run(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{from}'"
    ));
    eventually("nobody is connected", SOON, async || {
        let sql = format!("select count(*) from pg_stat_activity where datname = '{from}'");
        (run(&sql) == "0").then_some(())
    })
    .await;
    run(&format!("create database {to} template {from}"));
    run(&format!("alter database {from} allow_connections true"));
    run(&format!("alter database {to} allow_connections true"));
}

/// Waits until all connections of a log are new ones.
async fn await_connected(log: &EventLog) {
    eventually("it is connected again", SOON, async || {
        for _ in 0..10 {
            let nothing = log.write(|_| Box::pin(async { Ok::<_, events::Error>(()) }));
            nothing.await.ok()?;
        }
        Some(())
    })
    .await;
}

fn name_of(world: &World) -> &str {
    world.database_url.rsplit('/').next().expect("a name")
}

/// Hides the identity: some roles and servers cannot tell a database from another one.
async fn hide_identity(world: &World) {
    let sql = "create or replace function log_identity() returns text[] language sql as
               'select array[null, null, null]::text[]'; update log_head set identity = null";
    let connection = world.database.schema_connection();
    connection
        .execute_unprepared(sql)
        .await
        .expect("a function");
}

/// A backup replaces the database while a follower runs: in the end its read model matches the log, and it continues long before
/// the log is as long as it was.
async fn a_follower_goes_on_after_a_restore(can_tell: bool) {
    let world = World::new(Way::Distributed).await;
    if !can_tell {
        hide_identity(&world).await;
    }
    let log = world.log().await;
    let following = Following::start(&log, Applied::default().arc(), "any");
    write(&log, 20).await;
    await_passed(&world, NAME).await;
    let (name, backup) = (
        name_of(&world).to_owned(),
        format!("{}_backup", name_of(&world)),
    );
    copy_database(&name, &backup).await;
    await_connected(&log).await;
    write(&log, 60).await;
    await_passed(&world, NAME).await;
    let old = log.tail().cursor();
    copy_database(&backup, &name).await;
    eventually("a new epoch", SOON, async || {
        (log.tail().cursor().epoch != old.epoch).then_some(())
    })
    .await;
    await_connected(&log).await;
    write(&log, 5).await;
    await_passed(&world, NAME).await;
    following.stop().await;
    let jobs = world
        .number("select count(*) as number from event where stream = 'job'")
        .await;
    let applied =
        "select count(*) as number from (select distinct stream_id, version from applied) a";
    assert_eq!((world.number(applied).await, jobs), (25, 25));
    assert_eq!(
        world.number("select count(*) as number from applied").await,
        25
    );
}

#[test]
fn a_follower_goes_on_after_a_restore_that_the_database_tells() {
    tests::setup::run(|| a_follower_goes_on_after_a_restore(true));
}

#[test]
fn a_follower_goes_on_after_a_restore_that_nobody_tells() {
    tests::setup::run(|| a_follower_goes_on_after_a_restore(false));
}

/// A copy of the database, whose gateways were given the same Redis and the same prefix.
#[test]
fn a_copy_does_not_mix_with_its_original() {
    tests::setup::run(|| async {
        let world = World::new(Way::Distributed).await;
        let log = world.log().await;
        write(&log, 3).await;
        await_position(&log, 3).await;
        let name = name_of(&world).to_owned();
        let copy = format!("{name}_copy");
        copy_database(&name, &copy).await;
        let database = connect(&Postgres::shared().url(&copy)).await;
        let copied = start_log(database, world.redis_url.clone(), &world.prefix).await;
        assert_ne!(copied.tail().cursor().epoch, log.tail().cursor().epoch);
        let mut of_log = Box::pin(follow(&log, None));
        let mut of_copy = Box::pin(follow(&copied, None));
        for followed in [&mut of_log, &mut of_copy] {
            assert!(timeout(Duration::ZERO, followed.next()).await.is_err());
        }
        await_connected(&log).await;
        for version in 1..=20 {
            append(&log, Uuid::from_u128(1), version, Todo::Succeed).await;
            append(&copied, Uuid::from_u128(2), version, Todo::Succeed).await;
        }
        for (followed, stream) in [(&mut of_log, 1), (&mut of_copy, 2)] {
            for version in 1..=20 {
                let event = next(followed).await.expect("an event");
                assert_eq!(
                    (event.stream_id.as_u128(), event.version),
                    (stream, version)
                );
            }
        }
    });
}

/// A standby takes over that lacks the last commit, which subscribers have seen.
async fn a_failover_is_told(can_tell: bool) {
    let primary = Postgres::start();
    let url = primary.empty_database("failover");
    let redis = Some(Redis::shared().url());
    let directory = tests::guard::new_directory("failover");
    let world = World::at(Way::Distributed, url, redis, directory).await;
    if !can_tell {
        hide_identity(&world).await;
    }
    let standby = primary.standby();
    let logs = world.logs(2).await;
    let following = Following::start(&logs[0], Applied::default().arc(), "any");
    write(&logs[0], 5).await;
    await_passed(&world, NAME).await;
    let kept = await_position(&logs[0], 10).await;
    let position = |server: &Postgres| server.execute("failover", "select position from log_head");
    eventually("the standby has it", SOON, async || {
        (position(&standby) == position(&primary)).then_some(())
    })
    .await;
    standby.follow_no_more();
    let mut live: Vec<_> = logs.iter().map(|log| Box::pin(follow(log, None))).collect();
    for followed in &mut live {
        assert!(timeout(Duration::ZERO, followed.next()).await.is_err());
    }
    write(&logs[0], 1).await;
    for followed in &mut live {
        let seen = next(followed).await.expect("an event");
        assert_eq!(seen.position, kept.position + 1);
    }
    let lost = await_position(&logs[1], kept.position + 1).await;
    primary.crash();
    let promoted = standby.take_over(primary.port());
    await_connected(&logs[0]).await;
    write(&logs[0], 3).await;
    for followed in &mut live {
        let told = async {
            loop {
                if is_told(&next(followed).await) {
                    return;
                }
            }
        };
        timeout(SOON, told).await.expect("it is told");
    }
    for log in &logs {
        let fresh = eventually("a new epoch", SOON, async || {
            let cursor = log.tail().cursor();
            (cursor.epoch != lost.epoch).then_some(cursor)
        })
        .await;
        let resolve = async |cursor| log.resolve(cursor).await.expect("an answer");
        assert_eq!(resolve(lost).await, Err(CursorError::Foreign));
        let of_now = |cursor: Cursor| Cursor {
            epoch: fresh.epoch,
            ..cursor
        };
        assert_eq!(resolve(of_now(lost)).await, Err(CursorError::Foreign));
        assert_eq!(resolve(of_now(kept)).await, Ok(of_now(kept)));
    }
    await_passed(&world, NAME).await;
    following.stop().await;
    assert_eq!(
        promoted.execute("failover", "select count(*) from applied"),
        "8"
    );
}

#[test]
fn a_failover_that_the_database_tells_is_told() {
    tests::setup::run(|| a_failover_is_told(true));
}

#[test]
fn a_failover_that_nobody_tells_is_told() {
    tests::setup::run(|| a_failover_is_told(false));
}
