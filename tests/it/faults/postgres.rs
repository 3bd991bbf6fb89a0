//! The database itself crashes under load and comes back: what was answered is there, what was not is repeated.

use super::{MUTATIONS, Scene};
use tests::{Setup, postgres::Postgres, redis::Redis};

async fn database_crashed(_: Setup) {
    let postgres = Postgres::start();
    let setup = Setup::distributed_on(&postgres, Redis::shared());
    let scene = Scene::begin("Postgres crashed and restarted", &setup, 2, 1).await;
    for turn in 0..2 {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / 3)
            .await;
        postgres.crash();
        postgres.restart();
    }
    scene.settle().await;
}

tests::distributed!(database_crashed);
