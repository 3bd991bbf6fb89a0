//! Poison events and rebuilds: a rebuild sets aside the events that it fails on, as the follower does; and an event that the
//! follower had given up is in the rebuilt model, once, if the rebuild can apply it.

use std::{sync::Arc, time::Duration};

use events::{RebuildConfig, Which, rebuild};
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
    let config = RebuildConfig {
        owner: Uuid::now_v7().to_string(),
        lease: Duration::from_secs(10),
        batch_events: 7,
        share: 1.0,
        from_the_start: true,
    };
    let (_stop, stopped) = watch::channel(false);
    rebuild(
        &world.database,
        Arc::new(model.clone()),
        config,
        Arc::new(|_| {}),
        stopped,
    )
    .await
    .expect("it is rebuilt");
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
    let counts = async || {
        let rows = world
            .rows("select stream_id as id, events as number from counted")
            .await;
        let count = |id: &Uuid| {
            let row = rows
                .iter()
                .find(|row| row.try_get::<Uuid>("", "id").ok() == Some(*id));
            row.map_or(0, |row| row.try_get::<i64>("", "number").expect("a count"))
        };
        streams.iter().map(count).collect::<Vec<_>>()
    };
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

both_ways!(a_rebuild_sets_poison_aside);
