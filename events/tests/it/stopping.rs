//! An orderly stop: running attempts finish if they can in time, and are otherwise handed back as if they had not begun.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use events::HandlerConfig;
use tests::eventually;

use crate::{
    failing::letters,
    jobs::{Todo, Worker, ask},
    world::{Running, SOON, Way, World, both_ways},
};

async fn a_stop_finishes_or_hands_back(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker::new("stopping", "first");
    let config = HandlerConfig {
        owner: "first".to_owned(),
        // The lease is so long that only a delivery which is handed back can be handled again in this test.
        lease: Duration::from_secs(600),
        drain: Duration::from_secs(5),
        alone: Duration::from_secs(10),
    };
    let running = Running::with(&log, vec![worker.arc()], config);
    let mut todos = vec![Todo::Sleep(120_000); 3];
    todos.extend(vec![Todo::Sleep(1_500); 3]);
    ask(&log, "JobAsked", todos).await;
    eventually("all run", SOON, async || {
        (worker.running.load(Ordering::SeqCst) == 6).then_some(())
    })
    .await;
    let began = Instant::now();
    running.stop().await;
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(30),
        "it took {took:?}, where 5 s are allowed"
    );
    world
        .await_deliveries("stopping", &[("done", 3), ("waiting", 3), ("running", 0)])
        .await;
    let spent = "select coalesce(sum(attempts), 0) as number from delivery where state = 'waiting'";
    assert_eq!(
        world.number(spent).await,
        0,
        "no attempt is spent by a stop"
    );
    let next = Worker::new("stopping", "second");
    next.is_mended.store(true, Ordering::SeqCst);
    let running = Running::start(&log, vec![next.arc()], "second");
    world.await_deliveries("stopping", &[("done", 6)]).await;
    running.stop().await;
    assert_eq!(next.attempt_numbers(), [1; 3]);
    assert_eq!(world.effects("stopping").await.len(), 6);
    assert_eq!(letters(&log).await.len(), 0);
}

async fn a_stop_claims_nothing_more(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker {
        concurrency: 1,
        ..Worker::new("last", "any")
    };
    let running = Running::start(&log, vec![worker.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::Sleep(500); 20]).await;
    eventually("it runs", SOON, async || {
        (worker.running.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    running.stop().await;
    let begun = i64::try_from(worker.attempt_numbers().len()).expect("few");
    assert!(begun < 20, "it went on to the end");
    world
        .await_deliveries("last", &[("done", begun), ("waiting", 20 - begun)])
        .await;
}

both_ways!(a_stop_finishes_or_hands_back, a_stop_claims_nothing_more);
