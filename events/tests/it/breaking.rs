//! Breakers: an outage of a dependency spends no attempts, is visible, and ends when the dependency is back; an outage of the
//! database costs only time.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use events::{BreakerState, pause, read_breakers};
use tests::{eventually, guard, postgres::Postgres};

use crate::{
    failing::letters,
    jobs::{Dependency, Todo, Worker, ask},
    world::{Running, SOON, Way, World, both_ways, connect},
};

async fn an_outage_spends_no_attempts(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let dependency = Arc::new(Dependency::default());
    dependency.is_away.store(true, Ordering::SeqCst);
    let depending = Worker {
        dependency: Some(("post office", dependency.clone())),
        ..Worker::new("depending", "any")
    };
    let free = Worker {
        event_type: "OtherAsked",
        ..Worker::new("free", "any")
    };
    let running = Running::start(&log, vec![depending.arc(), free.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::Depend; 40]).await;
    let state = async || {
        let breakers = read_breakers(&world.database.reader)
            .await
            .expect("breakers");
        let breaker = breakers
            .into_iter()
            .find(|it| it.dependency == "post office")?;
        Some((breaker.state, breaker.error))
    };
    eventually("it opens", SOON, async || {
        let (state, error) = state().await?;
        (state == BreakerState::Open && error.as_deref() == Some("post office is away"))
            .then_some(())
    })
    .await;
    // Other handlers continue, and those that depend on it pause, except for a probe now and then.
    let (before, opened) = (dependency.calls.load(Ordering::SeqCst), Instant::now());
    assert!(before <= 3 + 8, "{before} calls until it was open");
    ask(&log, "OtherAsked", vec![Todo::Succeed; 10]).await;
    world.await_deliveries("free", &[("done", 10)]).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let probes = dependency.calls.load(Ordering::SeqCst) - before;
    let seconds = opened.elapsed().as_secs();
    assert!(
        (1..=seconds + 2).contains(&u64::from(probes)),
        "{probes} probes in {seconds} seconds"
    );
    world
        .await_deliveries("depending", &[("waiting", 40)])
        .await;
    let spent =
        "select coalesce(sum(attempts), 0) as number from delivery where handler = 'depending'";
    assert_eq!(world.number(spent).await, 0);
    dependency.is_away.store(false, Ordering::SeqCst);
    world.await_deliveries("depending", &[("done", 40)]).await;
    eventually("it closes", SOON, async || {
        (state().await?.0 == BreakerState::Closed).then_some(())
    })
    .await;
    running.stop().await;
    assert!(
        depending
            .attempt_numbers()
            .iter()
            .all(|number| *number == 1),
        "no attempt was spent"
    );
    assert_eq!(letters(&log).await.len(), 0);
    assert_eq!(
        state().await,
        None,
        "a process that stopped has no breakers"
    );
}

/// A receiver may answer as if it were away to one delivery only, whose data it cannot take.
async fn what_is_away_for_one_alone_spends_its_attempts(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker {
        dependency: Some(("post office", Arc::default())),
        ..Worker::new("depending", "any")
    };
    let running = Running::start(&log, vec![worker.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::DependInVain]).await;
    let mut asked = 0;
    eventually("it is given up", SOON, async || {
        ask(&log, "JobAsked", vec![Todo::Depend]).await;
        asked += 1;
        (world.deliveries("depending", "dead").await == 1).then_some(())
    })
    .await;
    world
        .await_deliveries("depending", &[("done", asked), ("dead", 1)])
        .await;
    running.stop().await;
    let letters = letters(&log).await;
    assert_eq!(letters[0].attempts, 3);
    assert_eq!(letters[0].error.as_deref(), Some("away for this one"));
}

both_ways!(
    an_outage_spends_no_attempts,
    what_is_away_for_one_alone_spends_its_attempts
);

/// The database crashes while all places are taken, so that no claim is under way: attempts end while it is away.
async fn a_database_that_goes_away_costs_time() {
    let postgres = Postgres::start();
    let url = postgres.empty_database("away");
    let world = World::at(Way::Distributed, url, None, guard::new_directory("away")).await;
    let log = world.log().await;
    let worker = Worker::new("surviving", "any");
    let mut handlers = vec![worker.arc()];
    // Those that may claim nothing must not stand in the way of the one that finds out that the database is back.
    for name in ["paused_first", "paused_second", "paused_third"] {
        handlers.push(Worker::new(name, "any").arc());
        let paused = pause(world.database.writer(), name, "the test").await;
        assert!(paused.expect("a pause"));
    }
    let running = Running::start(&log, handlers, "any");
    ask(&log, "JobAsked", vec![Todo::Sleep(2_500); 8]).await;
    eventually("all places are taken", SOON, async || {
        (worker.running.load(Ordering::SeqCst) == 8).then_some(())
    })
    .await;
    ask(&log, "JobAsked", vec![Todo::Succeed; 40]).await;
    postgres.crash();
    eventually("nothing runs any more", SOON, async || {
        (worker.running.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    postgres.restart();
    // Connections from before the crash are the product's concern, not that of the test's queries.
    let world = World {
        database: connect(&world.database_url).await,
        ..world
    };
    world.await_deliveries("surviving", &[("done", 48)]).await;
    running.stop().await;
    assert_eq!(world.effects("surviving").await.len(), 48);
    assert!(
        worker.attempt_numbers().iter().all(|number| *number == 1),
        "{:?}",
        worker.attempt_numbers()
    );
    let letters = "select count(*) as number from dead_letter";
    assert_eq!(world.number(letters).await, 0);
}

#[test]
fn a_database_that_goes_away_costs_time_distributed() {
    tests::setup::run(a_database_that_goes_away_costs_time);
}
