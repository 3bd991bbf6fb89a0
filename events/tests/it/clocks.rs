//! The clock of the database goes back: it is set, or that of the server that takes over is behind. What the clock before has set is not
//! waited for; nor is what a process has written whose clock was ahead.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::Utc;
use events::{
    ArchiveConfig, HandlerConfig, Keeps, Meta, NewEvent, PruneConfig, Sole, StreamKey, Which,
    archive,
    metrics::{Catalog, METRICS},
    pause, prune, resume,
};
use sea_orm::ConnectionTrait;
use tests::eventually;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    followers::await_passed,
    jobs::{Todo, Worker, ask},
    model::{Applied, Following, NAME, append, versions},
    world::{Running, SOON, Way, World, both_ways},
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
    let writer = world.database.writer();
    pause(writer, "one", "somebody").await.expect("a pause");
    let first = start("first");
    ask(&log, "JobAsked", vec![Todo::Succeed; 2]).await;
    world.await_deliveries("one", &[("waiting", 2)]).await;
    first.stop().await;
    let left = "(select min(position) from delivery)";
    run(
        &world,
        &format!(
            "update delivery set state = 'running', attempts = 1, owner = 'gone', leased_until = @ where position = {left}"
        ),
    )
    .await;
    run(
        &world,
        &format!("update delivery set due_at = @ where position > {left}"),
    )
    .await;
    resume(writer, "one").await.expect("it goes on");
    let second = start("second");
    world.await_deliveries("one", &[("done", 2)]).await;
    second.stop().await;
}

/// A process whose clock was ahead by years has written the second event of six, and the last.
async fn an_event_from_the_future_holds_nothing_back(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let id = Uuid::now_v7();
    for version in 1..=6 {
        append(&log, id, version, Todo::Succeed).await;
    }
    let [past, future] = match way {
        Way::Embedded => ["-2 hours", "+900 days"]
            .map(|by| format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '{by}')")),
        Way::Distributed => ["-2 hours", "900 days"].map(|by| format!("now() + interval '{by}'")),
    };
    let set = format!(
        "update event set occurred_at = case when version in (2, 6) then {future} else {past} end"
    );
    run(&world, &set).await;
    let (_stop, stopped) = watch::channel(false);
    let older_than = Duration::from_secs(3_600);
    let config = ArchiveConfig {
        older_than,
        directory: world.directory.join("archive"),
    };
    let archived = archive(&world.database, &config, |_| {}, &stopped).await;
    let archived = archived.expect("it is archived");
    assert_eq!(archived.position, 5, "nothing says how old the last one is");
    let oldest = log.beginning().await.expect("an answer").oldest_event;
    assert!(oldest.is_some_and(|age| age > 7_000.0), "{oldest:?}");
    let config = PruneConfig {
        older_than,
        keeps: Keeps {
            whole: &[],
            ends: &[],
            last: &[],
        },
        ended_for: Duration::ZERO,
        followers: Vec::new(),
        archived: None,
    };
    let pruned = prune(&world.database, &config, |_| {}, &stopped).await;
    assert_eq!(pruned.expect("it is pruned").position, 5);
    let oldest = log.beginning().await.expect("an answer").oldest_event;
    assert_eq!(oldest, None);
}

/// Returns how many events with a time in the future the processes of this test have numbered.
fn counted_ahead() -> u64 {
    let mut catalog = Catalog::default();
    METRICS.enter(&mut catalog);
    let text = catalog.encode(false).expect("it is written");
    let mut lines = text.lines();
    let count = lines.find_map(|line| line.strip_prefix("millrace_events_ahead_total "));
    count.and_then(|it| it.parse().ok()).expect("a count")
}

async fn events_from_the_future_are_told(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    append(&log, Uuid::now_v7(), 1, Todo::Succeed).await;
    let times = async || world.database.examine_times().await.expect("an answer");
    assert_eq!(times().await.events, 0);
    let before = counted_ahead();
    let ahead = log.write(|tx| {
        Box::pin(async move {
            let event = NewEvent {
                event_type: "JobAsked",
                schema_version: 1,
                data: &(),
                occurred_at: Utc::now() + Duration::from_secs(3_600),
            };
            let stream = StreamKey {
                kind: "job",
                id: Uuid::now_v7(),
            };
            tx.append(stream, 0, event, &Meta::default()).await
        })
    });
    ahead.await.expect("the event is appended");
    let ahead = eventually("it is told", SOON, async || {
        // With SQLite, events are numbered as they are written, by the same clock.
        let is_counted = way == Way::Embedded || counted_ahead() > before;
        let ahead = times().await;
        (ahead.events == 1 && is_counted).then_some(ahead)
    })
    .await;
    assert!((3_500.0..3_700.0).contains(&ahead.seconds), "{ahead:?}");
}

/// The process that has written a letter had a clock ahead of that of the one which replays.
async fn letters_from_the_future_are_replayed(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker::new("one", "any");
    let running = Running::start(&log, vec![worker.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::FailForGood; 2]).await;
    world.await_deliveries("one", &[("dead", 2)]).await;
    let ahead = match way {
        Way::Embedded => "x'7fffffffffff7fffbfffffffffffffff'",
        Way::Distributed => "'7fffffff-ffff-7fff-bfff-ffffffffffff'",
    };
    let last = "(select max(position) from dead_letter)";
    run(
        &world,
        &format!("update dead_letter set id = {ahead} where position = {last}"),
    )
    .await;
    worker.is_mended.store(true, Ordering::SeqCst);
    let replayed = log.replay(&Which::all(), &[]).await.expect("a replay");
    assert_eq!(replayed.replayed, 2);
    world.await_deliveries("one", &[("done", 2)]).await;
    running.stop().await;
}

both_ways!(
    an_event_from_the_future_holds_nothing_back,
    events_from_the_future_are_told,
    deliveries_of_the_dead_are_taken,
    letters_from_the_future_are_replayed,
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
