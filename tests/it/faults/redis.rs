//! Redis is expendable: flushed, paused, stopped, or come back empty, it costs time and nothing else.

use std::time::{Duration, Instant};

use super::{MUTATIONS, Scene};
use tests::{Setup, postgres::Postgres, redis::Redis};

const FLUSHES: usize = 15;
/// Longer than any pause of those who try again.
const OUTAGE: Duration = Duration::from_secs(5);

async fn redis_flushed(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let scene = Scene::begin("Redis FLUSHALL, repeatedly", &setup, 2, 1).await;
    for turn in 0..FLUSHES {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / (FLUSHES + 1))
            .await;
        redis.flush_all();
    }
    scene.settle().await;
    assert!(redis.key_count() > 0, "the streams were filled again");
}

async fn redis_stopped(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let scene = Scene::begin("Redis stopped for 5 s, then down for 5 s", &setup, 2, 1).await;
    scene.writers.await_acknowledged(500).await;
    let calm = round(&scene).await;
    redis.pause();
    deliveries_go_on(&scene, calm).await;
    redis.resume();
    scene.writers.await_more(200).await;
    redis.kill();
    deliveries_go_on(&scene, calm).await;
    redis.restart();
    scene.writers.await_more(200).await;
    scene.settle().await;
}

/// For as long as the outage lasts, writers are answered and subscribers hear of it, about as soon as when all was calm.
async fn deliveries_go_on(scene: &Scene<'_>, calm: Duration) {
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || began.elapsed() < OUTAGE {
        round(scene).await;
        rounds += 1;
    }
    let each = began.elapsed() / rounds;
    assert!(
        each < (OUTAGE / 3).max(10 * calm),
        "50 mutations were answered and heard of in {each:?}, and in {calm:?} before"
    );
}

/// Returns how long 50 mutations take until they are answered and heard of.
pub(super) async fn round(scene: &Scene<'_>) -> Duration {
    let began = Instant::now();
    let positions: Vec<u64> = scene
        .subscribers
        .iter()
        .map(|subscriber| subscriber.position())
        .collect();
    scene.writers.await_more(50).await;
    for (subscriber, position) in scene.subscribers.iter().zip(positions) {
        subscriber.await_position(position + 1).await;
    }
    began.elapsed()
}

tests::distributed!(redis_flushed, redis_stopped);
