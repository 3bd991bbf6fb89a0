//! The clock of the database goes back: it is set, or that of the server that takes over is behind. What the clock before has set is not
//! waited for.

use std::time::Duration;

use events::{HandlerConfig, Sole};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{
    followers::await_passed,
    jobs::{Todo, Worker, ask},
    model::{Applied, Following, NAME, append, versions},
    world::{Running, Way, World, both_ways},
};

const LEASE: Duration = Duration::from_millis(500);

/// Runs an update that moves times of the database by an hour, which are marked by `@`.
async fn run(world: &World, sql: &str) {
    let (now, hour) = match world.way {
        Way::Embedded => ("unixepoch('subsec')", "3600"),
        Way::Distributed => ("clock_timestamp()", "interval '1 hour'"),
    };
    let sql = sql.replace("@", &format!("{now} + {hour}"));
    let done = world.database.writer().execute_unprepared(&sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn parts_of_the_dead_are_taken(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(2).await;
    let (id, follower) = (Uuid::now_v7(), Applied::default());
    let first = Following::with(&logs[0], follower.arc(), "first", LEASE);
    append(&logs[0], id, 1, Todo::Succeed).await;
    await_passed(&world, NAME).await;
    first.kill().await;
    run(&world, "update checkpoint set leased_until = @").await;
    run(&world, "update follower_member set seen_at = @").await;
    append(&logs[1], id, 2, Todo::Succeed).await;
    let second = Following::with(&logs[1], follower.arc(), "second", LEASE);
    await_passed(&world, NAME).await;
    assert_eq!(versions(&world, id).await, [1, 2]);
    second.stop().await;
}

async fn deliveries_of_the_dead_are_taken(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let start = |owner: &str| {
        let config = HandlerConfig {
            owner: owner.to_owned(),
            lease: LEASE,
            drain: Duration::from_secs(20),
            alone: Duration::from_secs(10),
        };
        Running::with(&log, vec![Worker::new("one", owner).arc()], config)
    };
    let first = start("first");
    ask(&log, "JobAsked", vec![Todo::Succeed; 2]).await;
    world.await_deliveries("one", &[("done", 2)]).await;
    first.stop().await;
    let left = "(select min(position) from delivery)";
    run(
        &world,
        &format!(
            "update delivery set state = 'running', owner = 'gone', leased_until = @ where position = {left}"
        ),
    )
    .await;
    run(
        &world,
        &format!("update delivery set state = 'waiting', due_at = @ where position > {left}"),
    )
    .await;
    let second = start("second");
    world.await_deliveries("one", &[("done", 2)]).await;
    second.stop().await;
}

both_ways!(
    deliveries_of_the_dead_are_taken,
    parts_of_the_dead_are_taken,
);

async fn delays_are_no_longer_after_a_restart() {
    let world = World::new(Way::Embedded).await;
    let insert = "insert into delivery (handler, position, part, stream, stream_id, type, due_at, last_at) values";
    run(
        &world,
        &format!("{insert} ('one', 1, 0, 'job', x'00', 'JobAsked', @, null)"),
    )
    .await;
    run(
        &world,
        &format!("{insert} ('one', 2, 0, 'job', x'00', 'JobAsked', @ + 7, @)"),
    )
    .await;
    let sole = Sole::of(&world.database_url).expect("nobody has it");
    let taken = world
        .database
        .take_over_leases(&sole.expect("a file"))
        .await;
    taken.expect("the leases");
    let rows = world
        .rows("select cast(due_at - unixepoch('subsec') + 0.5 as integer) as number from delivery order by position")
        .await;
    let delays = rows.iter().map(|row| row.try_get::<i64>("", "number"));
    let delays: Result<Vec<_>, _> = delays.collect();
    assert!(
        matches!(delays.expect("numbers")[..], [0, 6 | 7]),
        "what waits does so from now on"
    );
}

#[test]
fn delays_are_no_longer_after_a_restart_embedded() {
    tests::setup::run(delays_are_no_longer_after_a_restart);
}
