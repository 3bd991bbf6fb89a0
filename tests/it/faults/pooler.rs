//! PgBouncer between the product and its database ends under load and comes back, with all sessions lost.

use super::{MUTATIONS, Scene};
use tests::{Setup, pooler::Pooler, postgres::Postgres, redis::Redis};

async fn pooler_killed(_: Setup) {
    let (postgres, redis) = (Postgres::shared(), Redis::shared());
    let mut pooler = Pooler::start(postgres, "session");
    let setup = Setup::distributed_through((postgres, pooler.port()), (redis, redis.port()));
    let scene = Scene::begin("PgBouncer killed and restarted", &setup, 2, 1).await;
    for turn in 0..3 {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / 4)
            .await;
        pooler.kill();
        pooler.restart(postgres);
    }
    scene.settle().await;
}

tests::distributed!(pooler_killed);
