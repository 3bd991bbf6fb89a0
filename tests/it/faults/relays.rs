//! Whoever sequences also relays: all do it at once, and any of them may die in between.

use super::{MUTATIONS, Scene};
use tests::{Setup, postgres::Postgres, redis::Redis};

async fn two_relays_at_once(setup: Setup) {
    let scene = Scene::begin("two relays at once (2 gateways, 2 workers)", &setup, 2, 2).await;
    scene.writers.await_acknowledged(*MUTATIONS).await;
    scene.settle().await;
}

async fn relay_killed(setup: Setup) {
    let mut scene = Scene::begin("relay killed", &setup, 2, 2).await;
    for turn in 1..=2 {
        scene
            .writers
            .await_acknowledged(turn * *MUTATIONS / 4)
            .await;
        scene.app.gateways[turn - 1].process.kill();
        scene.app.workers[turn - 1].kill();
        scene.writers.await_more(100).await;
        scene.app.gateways[turn - 1].restart();
        scene.app.workers[turn - 1] = scene.setup.workers(&[]);
    }
    scene.settle().await;
}

/// A relay dies while Redis loses what it had: the next one has to find out where the streams end.
async fn relay_killed_while_redis_forgets(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let mut scene = Scene::begin("relay killed while Redis forgets", &setup, 2, 2).await;
    for turn in 0..4 {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / 5)
            .await;
        let index = turn % 2;
        scene.app.gateways[index].process.pause();
        scene.app.workers[index].kill();
        redis.flush_all();
        scene.app.gateways[index].process.kill();
        scene.writers.await_more(100).await;
        scene.app.gateways[index].restart();
        scene.app.workers[index] = scene.setup.workers(&[]);
    }
    scene.settle().await;
}

tests::distributed!(
    two_relays_at_once,
    relay_killed,
    relay_killed_while_redis_forgets
);
