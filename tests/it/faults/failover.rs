//! Redis behind sentinels, in a cluster, and behind an address that moves: another server takes over, with or without the consent of the one
//! before. Everybody finds it, and meanwhile events come from the log.

use std::time::Instant;

use super::{Scene, redis::round};
use tests::redis::{Redis, cluster::Cluster, sentinels::Sentinels};
use tests::rig::proxy::Proxy;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually};

const PROCESSES: usize = 3;

async fn begin<'a>(name: &str, setup: &'a Setup, redis: &Redis) -> Scene<'a> {
    let scene = Scene::begin(name, setup, PROCESSES - 1, 1).await;
    scene.writers.await_acknowledged(200).await;
    everybody_uses(redis, &scene).await;
    scene
}

/// Writers are answered and subscribers hear of it, until all processes read the streams of this Redis, and new events are in them.
async fn everybody_uses(redis: &Redis, scene: &Scene<'_>) {
    let (_, prefix) = scene.setup.redis().expect("it has Redis");
    let prefix = prefix.to_owned();
    let began = Instant::now();
    let position = |redis: &Redis| redis.last_position(&format!("*{prefix}*"));
    let mut before = None;
    loop {
        round(scene).await;
        let is_read = redis.readers() >= PROCESSES;
        let now = is_read.then(|| position(redis));
        if before.is_some() && now > before {
            return;
        }
        before = before.or(now);
        let readers = redis.readers();
        assert!(began.elapsed() < SOON, "{readers} read, at {now:?}");
    }
}

async fn nobody_uses(redis: &Redis) {
    eventually("nobody reads its streams", SOON, async || {
        (redis.readers() == 0).then_some(())
    })
    .await;
}

async fn master_killed(setup: Setup) {
    let sentinels = Sentinels::start();
    let setup = setup.with_redis(sentinels.url());
    let [first, second] = &sentinels.servers;
    let scene = begin("the master of Redis is killed", &setup, first).await;
    first.kill();
    everybody_uses(second, &scene).await;
    // It was started again, and somebody made it a replica. Now the other one ends.
    first.restart();
    first.follow(second);
    eventually("it is in step", SOON, async || {
        second.has_replica().then_some(())
    })
    .await;
    second.kill();
    everybody_uses(first, &scene).await;
    scene.settle().await;
}

/// It says nothing for a while, and then goes on as if it were still the master.
async fn master_stopped(setup: Setup) {
    let sentinels = Sentinels::start();
    let setup = setup.with_redis(sentinels.url());
    let [first, second] = &sentinels.servers;
    let scene = begin("the master of Redis is stopped", &setup, first).await;
    first.stay_master();
    first.pause();
    everybody_uses(second, &scene).await;
    first.resume();
    nobody_uses(first).await;
    everybody_uses(second, &scene).await;
    nobody_uses(first).await;
    scene.settle().await;
}

/// The old master knows nothing of the new one, and serves everybody who asks.
async fn two_masters(setup: Setup) {
    let sentinels = Sentinels::start();
    let setup = setup.with_redis(sentinels.url());
    let [first, second] = &sentinels.servers;
    let scene = begin("Redis has two masters", &setup, first).await;
    first.stay_master();
    sentinels.fail_over();
    everybody_uses(second, &scene).await;
    nobody_uses(first).await;
    scene.settle().await;
}

/// The first sentinel that is named is none, the next one is silent.
async fn sentinels_that_do_not_answer(setup: Setup) {
    let (sentinels, other) = (Sentinels::start(), Redis::start());
    sentinels.sentinels[0].pause();
    let setup = setup.with_redis(sentinels.url_with(&[other.port()], "millrace"));
    let [first, second] = &sentinels.servers;
    // There is no master when they start.
    first.pause();
    let app = setup.start_many(PROCESSES - 1, 1, &[]);
    customers::create(app.client(), "Early", "early@example.com").await;
    eventually("all of them are there", SOON, async || {
        (second.readers() >= PROCESSES).then_some(())
    })
    .await;
    let (_, prefix) = setup.redis().expect("it has Redis");
    let before = second.last_position(prefix);
    customers::create(app.client(), "Late", "late@example.com").await;
    eventually("its event is there", SOON, async || {
        (second.last_position(prefix) > before).then_some(())
    })
    .await;
}

async fn node_killed(setup: Setup) {
    let mut cluster = Cluster::start();
    let setup = setup.with_redis(cluster.url());
    let owner = cluster.replicate(setup.redis().expect("it has Redis").1);
    let (owner, replica) = (&cluster.nodes[owner], cluster.nodes.last().expect("a node"));
    let scene = begin("a node of the cluster is killed", &setup, owner).await;
    owner.kill();
    everybody_uses(replica, &scene).await;
    // It comes back as the replica.
    owner.restart();
    scene.writers.await_more(200).await;
    everybody_uses(replica, &scene).await;
    scene.settle().await;
}

async fn slot_moves(setup: Setup) {
    let mut cluster = Cluster::start();
    let setup = setup.with_redis(cluster.url());
    let (_, prefix) = setup.redis().expect("it has Redis");
    let owner = cluster.replicate(prefix);
    let replica = cluster.nodes.len() - 1;
    let scene = begin(
        "the slot moves in the cluster",
        &setup,
        &cluster.nodes[owner],
    )
    .await;
    cluster.fail_over();
    everybody_uses(&cluster.nodes[replica], &scene).await;
    nobody_uses(&cluster.nodes[owner]).await;
    let third = (owner + 1) % replica;
    cluster.move_slot(prefix, replica, third);
    everybody_uses(&cluster.nodes[third], &scene).await;
    nobody_uses(&cluster.nodes[replica]).await;
    scene.settle().await;
}

/// The address of a service leads to a master, and then to its replica, which has taken over. What was connected before stays so, to a
/// server that goes on as a replica, with all events in its streams.
async fn address_moves(setup: Setup) {
    let (first, second) = (Redis::start(), Redis::start());
    second.follow(&first);
    eventually("it is in step", SOON, async || {
        first.has_replica().then_some(())
    })
    .await;
    let address = Proxy::start(first.port()).await;
    let setup = setup.with_redis(format!("redis://127.0.0.1:{}", address.port));
    let scene = begin("the address of Redis moves", &setup, &first).await;
    second.follow_nobody();
    address.lead_to(second.port());
    first.follow(&second);
    everybody_uses(&second, &scene).await;
    nobody_uses(&first).await;
    scene.settle().await;
}

/// Its users may not ask what it is.
async fn address_that_says_nothing(setup: Setup) {
    let redis = Redis::start();
    redis.say_nothing();
    let setup = setup.with_redis(redis.url());
    let scene = begin("nobody may ask what Redis is", &setup, &redis).await;
    scene.settle().await;
}

tests::distributed!(
    address_moves,
    address_that_says_nothing,
    master_killed,
    master_stopped,
    two_masters,
    sentinels_that_do_not_answer,
    node_killed,
    slot_moves,
);
