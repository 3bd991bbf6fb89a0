//! Followers that die, and that are paused past their lease and then go on as if nothing had happened: the statistics must
//! come to the exact counts all the same.

use std::time::Duration;

use super::{MUTATIONS, Scene};
use tests::traffic::{self, Pace, Traffic};
use tests::waiting::SOON;
use tests::{Setup, database, eventually, extent};
use tokio::time::MissedTickBehavior;

/// As a flag of the workers, and how long one is paused.
const LEASE: &str = "1s";
const PAUSE: Duration = Duration::from_secs(2);
/// At least between two kills of workers, and the lease of those.
const KILL_INTERVAL: Duration = Duration::from_millis(600);
/// So many posts are written between two kills, also on a slow machine.
const WRITTEN_BETWEEN: u64 = 9;

async fn follower_paused(setup: Setup) {
    let mut scene = Scene::begin("follower paused past its lease (SIGSTOP)", &setup, 2, 0).await;
    for _ in 0..2 {
        scene.app.workers.push(setup.workers(&["--lease", LEASE]));
    }
    let database = setup.database().await;
    for turn in 0..4 {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / 5)
            .await;
        scene.app.workers[turn % 2].pause();
        let paused = tokio::time::Instant::now();
        let (_, head) = database::log_size(&database).await;
        // Even if it was paused inside of a transaction.
        eventually("the other follower takes over", SOON, async || {
            let behind = format!(
                "select count(*) as number from checkpoint k where k.position < \
                (select coalesce(max(p.position), 0) from event e join event_position p using (inserted) \
                 where e.part = k.part and p.position <= {head})"
            );
            (database::number(&database, &behind).await == 0).then_some(())
        })
        .await;
        tokio::time::sleep_until(paused + PAUSE).await;
        scene.app.workers[turn % 2].resume();
        scene.writers.await_more(100).await;
    }
    scene.settle().await;
}

async fn follower_killed(setup: Setup) {
    let mut scene = Scene::begin("follower killed and restarted", &setup, 1, 2).await;
    for turn in 0..6 {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / 7)
            .await;
        scene.app.workers[turn % 2].kill();
        scene.app.workers[turn % 2] = setup.workers(&[]);
    }
    scene.settle().await;
}

/// Somebody kills a worker in every interval, which is no shorter than a lease, while posts are written and read: what is left of
/// them keeps the read model, which in the end is the fold of the log.
async fn follower_of_posts_killed_again_and_again(setup: Setup) {
    let seeded = setup
        .command(&["seed"])
        .args(["--posts", "200", "--likes", "5", "--comments", "2"])
        .output()
        .expect("the gateway starts");
    assert!(seeded.status.success(), "{seeded:?}");
    let app = setup.start_many(1, 0, &[]);
    let flags = ["--lease", &format!("{}ms", KILL_INTERVAL.as_millis())];
    let mut workers = [setup.workers(&flags), setup.workers(&flags)];
    let database = setup.database().await;
    traffic::await_follower(&database, SOON).await;
    let posts = traffic::some_posts(&database, 200).await;
    let pace = Pace {
        mutations_per_second: 60,
        queries_per_second: 20,
    };
    let load = Traffic::start(app.clients(), posts, pace);
    let mut clock = tokio::time::interval(KILL_INTERVAL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 0..extent::of(30, 60) {
        load.await_more(WRITTEN_BETWEEN).await;
        clock.tick().await;
        workers[turn % 2].kill();
        workers[turn % 2] = setup.workers(&flags);
    }
    load.finish().await;
    // Nobody is killed any more, so these have leases that a busy machine keeps.
    for worker in &mut workers {
        worker.kill();
        *worker = setup.workers(&[]);
    }
    traffic::await_follower(&database, SOON).await;
    assert_eq!(traffic::wrong_rows(&database).await, 0);
}

tests::distributed!(
    follower_paused,
    follower_killed,
    follower_of_posts_killed_again_and_again
);
