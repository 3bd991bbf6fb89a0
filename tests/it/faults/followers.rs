//! Followers that die, and that are paused past their lease and then go on as if nothing had happened: the statistics must
//! come to the exact counts all the same.

use std::time::Duration;

use super::{MUTATIONS, Scene};
use tests::{Setup, database, eventually};

/// Longer than a lease.
const PAUSE: Duration = Duration::from_secs(12);

async fn follower_paused(setup: Setup) {
    let mut scene = Scene::begin("follower paused past its lease (SIGSTOP)", &setup, 2, 2).await;
    let database = setup.database().await;
    for turn in 0..2 {
        scene
            .writers
            .await_acknowledged((turn + 1) * MUTATIONS / 4)
            .await;
        scene.app.workers[turn].pause();
        let paused = tokio::time::Instant::now();
        // The other takes its parts over, and comes to the end of the log without it.
        let (_, head) = database::log_size(&database).await;
        eventually("the other follower takes over", Duration::from_secs(60), async || {
            let behind = format!("select count(*) as number from checkpoint k where k.position < \
                (select coalesce(max(p.position), 0) from event e join event_position p using (inserted) \
                 where e.part = k.part and p.position <= {head})");
            (database::number(&database, &behind).await == 0).then_some(())
        })
        .await;
        tokio::time::sleep_until(paused + PAUSE).await;
        scene.app.workers[turn].resume();
        scene.writers.await_more(500).await;
    }
    scene.settle().await;
}

async fn follower_killed(setup: Setup) {
    let mut scene = Scene::begin("follower killed and restarted", &setup, 1, 2).await;
    for turn in 0..6 {
        scene
            .writers
            .await_acknowledged((turn + 1) * MUTATIONS / 7)
            .await;
        scene.app.workers[turn % 2].kill();
        scene.app.workers[turn % 2] = setup.workers();
    }
    scene.settle().await;
}

tests::distributed!(follower_paused, follower_killed);
