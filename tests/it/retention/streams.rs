//! Redis's streams: refilled behind what was pruned, also when they ended before it; and trimmed by the slowest checkpoint.

use serde_json::json;
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::{Setup, customers, database, eventually};

use super::{SOON, head, prune_all, seed};

/// The greatest position in the streams of all parts.
const LAST: &str = "local last = 0
    for _, key in ipairs(redis.call('KEYS', '*:part:*')) do
        local entry = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
        if entry then last = math.max(last, tonumber(string.match(entry[1], '^%d+'))) end
    end
    return last";
/// The number of entries in all of them.
const ENTRIES: &str = "local entries = 0
    for _, key in ipairs(redis.call('KEYS', '*:part:*')) do entries = entries + redis.call('XLEN', key) end
    return entries";

async fn refilled_behind_what_was_pruned(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let app = setup.start_many(2, 1, &[]);
    let [one, other] = [&app.gateways[0].client, &app.gateways[1].client];
    let database = setup.database().await;
    let mut socket = other.socket().await;
    socket.subscribe("1", customers::CHANGES, json!({})).await;
    let mut number = 0;
    let mut write = async |count: u32| {
        for _ in 0..count {
            customers::create(one, "Customer", &format!("{number}@example.com")).await;
            number += 1;
        }
    };
    let complete = async |what: &str| {
        eventually(what, SOON, async || {
            (redis.run_script(LAST, &[]) == head(&database).await).then_some(())
        })
        .await;
    };
    // A gateway that has not come so far when the log is pruned would have to end the subscription.
    let mut hear = async |count: u32| {
        for _ in 0..count {
            socket.change("1").await;
        }
    };
    write(40).await;
    complete("all is in Redis").await;
    hear(40).await;
    prune_all(&setup, &database).await;
    redis.flush_all();
    write(40).await;
    complete("after FLUSHALL what is left is in Redis").await;
    hear(40).await;

    // Redis ends before what is pruned meanwhile.
    redis.pause();
    write(40).await;
    hear(40).await;
    prune_all(&setup, &database).await;
    redis.resume();
    write(40).await;
    complete("the streams begin anew behind it").await;
    hear(40).await;
}

async fn trimmed_by_the_slowest_checkpoint(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let mut app = setup.start_many(1, 1, &[]);
    customers::create(app.client(), "First", "first@example.com").await;
    let database = setup.database().await;
    let deliveries = "select count(*) as number from checkpoint where follower = 'deliveries'";
    eventually("the handlers' follower has checkpoints", SOON, async || {
        (database::number(&database, deliveries).await == 16).then_some(())
    })
    .await;
    tokio::task::block_in_place(|| app.workers[0].kill());
    seed(&setup, 14_000);
    eventually("all is in Redis", SOON, async || {
        (redis.run_script(LAST, &[]) == head(&database).await).then_some(())
    })
    .await;
    // Longer than the interval at which the streams are trimmed: nobody has passed these.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let entries = redis.run_script(ENTRIES, &[]);
    assert!(
        entries >= 14_000,
        "{entries} entries are kept for the followers"
    );
    app.workers.push(setup.workers(&[]));
    let passed = eventually("the streams are trimmed", SOON, async || {
        let entries = redis.run_script(ENTRIES, &[]);
        (entries < 13_000).then_some(entries)
    })
    .await;
    // Ten thousand positions stay for gateways that reconnect.
    assert!(passed >= 10_000, "{passed}");
}

tests::distributed!(
    refilled_behind_what_was_pruned,
    trimmed_by_the_slowest_checkpoint
);
