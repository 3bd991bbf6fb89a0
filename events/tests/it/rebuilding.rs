//! Poison events and rebuilds: a rebuild sets aside the events that it fails on, as the follower does; and an event that the
//! follower had given up is in the rebuilt model, once, if the rebuild can apply it. And databases that lose the last of what they
//! had committed, under a rebuild that remembers it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use events::{
    RebuildConfig, RebuildError, RebuildPhase, RebuildProgress, RebuildReport, Which, rebuild,
};
use sea_orm::ConnectionTrait;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    failing::letters,
    followers::await_passed,
    jobs::Todo,
    model::{Counted, Following, append},
    world::{Way, World, both_ways},
};

async fn build(world: &World, model: &Counted) {
    let built = try_build(world, model, true, Vec::new()).await;
    built.expect("it is rebuilt");
}

/// Rebuilds in batches of seven events. When so many events are applied as one of `then` says, its statements run, once, before the
/// next batch is written.
async fn try_build(
    world: &World,
    model: &Counted,
    from_the_start: bool,
    then: Vec<(u64, &str)>,
) -> Result<RebuildReport, RebuildError> {
    let then = then.into_iter().map(|(done, sql)| {
        let when = move |at: RebuildProgress| at.done == done;
        (Box::new(when) as When, sql)
    });
    build_while(world, model, from_the_start, then.collect()).await
}

type When = Box<dyn Fn(RebuildProgress) -> bool + Send + Sync>;

/// Does the same, with statements that run when the progress is as they want it.
async fn build_while(
    world: &World,
    model: &Counted,
    from_the_start: bool,
    then: Vec<(When, &str)>,
) -> Result<RebuildReport, RebuildError> {
    let config = RebuildConfig {
        owner: Uuid::now_v7().to_string(),
        lease: Duration::from_secs(10),
        batch_events: 7,
        share: 1.0,
        from_the_start,
    };
    let (_stop, stopped) = watch::channel(false);
    let database = world.database.clone();
    let then: Vec<(When, String, AtomicBool)> = then
        .into_iter()
        .map(|(when, sql)| (when, sql.to_owned(), AtomicBool::new(false)))
        .collect();
    let progress = move |at: RebuildProgress| {
        for (when, sql, is_done) in &then {
            if when(at) && !is_done.swap(true, Ordering::SeqCst) {
                let run = database.writer().execute_unprepared(sql);
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(run))
                    .unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
        }
    };
    let model = Arc::new(model.clone());
    rebuild(&world.database, model, config, Arc::new(progress), stopped).await
}

/// Returns how often an event of each stream was counted.
async fn counts(world: &World, streams: &[Uuid]) -> Vec<i64> {
    let rows = world
        .rows("select stream_id as id, events as number from counted")
        .await;
    let count = |id: &Uuid| {
        let row = rows
            .iter()
            .find(|row| row.try_get::<Uuid>("", "id").ok() == Some(*id));
        row.map_or(0, |row| row.try_get::<i64>("", "number").expect("a count"))
    };
    streams.iter().map(count).collect()
}

/// Rebuilds the counts of five streams with ten events each, of which the live model has all, while `then` happens to the database.
async fn lose(way: Way, then: Vec<(u64, &str)>) {
    let world = World::new(way).await;
    let log = world.log().await;
    let streams: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for version in 1..=10 {
        for id in &streams {
            append(&log, *id, version, Todo::Succeed).await;
        }
    }
    let model = Counted::default();
    let following = Following::start(&log, Arc::new(model.clone()), "any");
    await_passed(&world, "counted").await;
    following.stop().await;
    let built = try_build(&world, &model, true, then).await;
    assert!(
        matches!(built, Err(RebuildError::Superseded)),
        "it goes on: {built:?}"
    );
    let built = try_build(&world, &model, false, Vec::new()).await;
    built.expect("started again, it is rebuilt");
    assert_eq!(counts(&world, &streams).await, [10; 5]);
}

async fn a_rebuild_does_not_go_on_from_what_the_database_has_lost(way: Way) {
    let keep = "create table kept as select * from rebuild;
                create table kept_counts as select * from counted_rebuild";
    let put_back = "delete from rebuild; insert into rebuild select * from kept;
                    delete from counted_rebuild; insert into counted_rebuild select * from kept_counts";
    lose(way, vec![(7, keep), (14, put_back)]).await;
}

async fn a_rebuild_writes_no_events_that_the_database_has_lost(way: Way) {
    // Those that were read ahead are of the log before.
    let others = match way {
        Way::Embedded => "update event set event_id = randomblob(16)",
        Way::Distributed => "update event set event_id = gen_random_uuid()",
    };
    let then = (1..7).map(|batch| (7 * batch, others));
    lose(way, then.collect()).await;
}

async fn a_rebuild_sets_poison_aside(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let streams: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for version in 1..=10 {
        for (number, id) in streams.iter().enumerate() {
            let is_poison = (number, version) == (2, 4);
            append(
                &log,
                *id,
                version,
                if is_poison {
                    Todo::FailAlways
                } else {
                    Todo::Succeed
                },
            )
            .await;
        }
    }
    let model = Counted::default();
    let follower: Arc<dyn events::Follower> = Arc::new(model.clone());
    let following = Following::start(&log, follower.clone(), "any");
    await_passed(&world, "counted").await;
    let counts = async || counts(&world, &streams).await;
    assert_eq!(counts().await, [10, 10, 3, 10, 10]);
    assert_eq!(letters(&log).await.len(), 7);

    build(&world, &model).await;
    assert_eq!(counts().await, [10, 10, 3, 10, 10], "it fails on the same");
    assert_eq!(letters(&log).await.len(), 7);
    append(&log, streams[2], 11, Todo::Succeed).await;
    append(&log, streams[1], 11, Todo::Succeed).await;
    await_passed(&world, "counted").await;
    assert_eq!(
        counts().await,
        [10, 11, 3, 10, 10],
        "what comes waits behind it"
    );
    assert_eq!(letters(&log).await.len(), 8);

    model
        .is_mended
        .store(true, std::sync::atomic::Ordering::SeqCst);
    build(&world, &model).await;
    assert_eq!(
        counts().await,
        [10, 11, 11, 10, 10],
        "mended, the rebuild has all of it"
    );
    assert_eq!(letters(&log).await.len(), 0);
    let replayed = log
        .replay(&Which::all(), &[follower])
        .await
        .expect("a replay");
    assert_eq!(replayed.replayed, 0);
    append(&log, streams[2], 12, Todo::Succeed).await;
    await_passed(&world, "counted").await;
    assert_eq!(counts().await, [10, 11, 12, 10, 10]);
    following.stop().await;
}

/// A migration adds a column and an index to the live table, in any phase of a rebuild: the change of tables takes neither away.
async fn a_rebuild_keeps_what_a_migration_has_added(way: Way) {
    for phase in [
        RebuildPhase::Building,
        RebuildPhase::Comparing,
        RebuildPhase::Swapping,
    ] {
        let world = World::new(way).await;
        let log = world.log().await;
        let streams: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
        for version in 1..=3 {
            for id in &streams {
                append(&log, *id, version, Todo::Succeed).await;
            }
        }
        let model = Counted::default();
        let following = Following::start(&log, Arc::new(model.clone()), "any");
        await_passed(&world, "counted").await;
        following.stop().await;
        let migration = "alter table counted add column more bigint not null default 0;
                         create index counted_more on counted (more)";
        let when = move |at: RebuildProgress| at.phase == phase && at.done > 0;
        let built = build_while(
            &world,
            &model,
            true,
            vec![(Box::new(when) as When, migration)],
        )
        .await;
        assert!(
            matches!(built, Err(RebuildError::Outdated)),
            "{phase:?}: {built:?}"
        );
        let built = try_build(&world, &model, false, Vec::new()).await;
        built.expect("started again, it is rebuilt");
        assert_eq!(counts(&world, &streams).await, [3; 5]);
        let more = "select count(*) as number from counted where more = 0";
        assert_eq!(world.number(more).await, 5);
        let indexes = match way {
            Way::Embedded => {
                "sqlite_master where type = 'index' and tbl_name = 'counted' and sql is not null"
            }
            Way::Distributed => {
                "pg_indexes where tablename = 'counted' and indexname like '%more%'"
            }
        };
        let count = format!("select count(*) as number from {indexes}");
        assert_eq!(world.number(&count).await, 1);
    }
}

/// Batches have as many events as the rebuild is told to take, unless these are long.
#[test]
fn a_rebuild_holds_few_long_events() {
    tests::setup::run(async || {
        let world = World::new(Way::Embedded).await;
        let log = world.log().await;
        let sql = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
             insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at, previous)
             select randomblob(16), 3, 'job', randomblob(16), 1, 'JobAsked', 1, json_object('text', hex(zeroblob(10000))),
                    '{\"actor\":\"test\"}', '2026-01-01T00:00:00+00:00', i - 1 from n";
        let filled = world.database.writer().execute_unprepared(sql).await;
        filled.expect("the events");
        let model = Counted::default();
        model.is_mended.store(true, Ordering::SeqCst);
        let following = Following::start(&log, Arc::new(model.clone()), "any");
        await_passed(&world, "counted").await;
        following.stop().await;
        let config = RebuildConfig {
            owner: Uuid::now_v7().to_string(),
            lease: Duration::from_secs(10),
            batch_events: 10_000,
            share: 1.0,
            from_the_start: true,
        };
        let (_stop, stopped) = watch::channel(false);
        let done = Arc::new(parking_lot::Mutex::new(vec![0]));
        let noted = done.clone();
        let progress = Arc::new(move |at: RebuildProgress| noted.lock().push(at.done));
        let rebuilt = rebuild(&world.database, Arc::new(model), config, progress, stopped).await;
        assert_eq!(rebuilt.expect("it is rebuilt").events, 3_000);
        let done = done.lock();
        let most = done.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert_eq!(most, Some(2_000), "{done:?}");
    });
}

both_ways!(
    a_rebuild_sets_poison_aside,
    a_rebuild_keeps_what_a_migration_has_added,
    a_rebuild_does_not_go_on_from_what_the_database_has_lost,
    a_rebuild_writes_no_events_that_the_database_has_lost,
);
