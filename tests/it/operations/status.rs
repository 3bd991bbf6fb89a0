//! The status of the workers: who holds which part, that it follows processes that die, the subscription to it, and health.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::socket::Frame;
use tests::waiting::SOON;
use tests::{Setup, customers, database, eventually};

use super::{await_held, create_post, follower, pause, resume, worker_status};

async fn parts_are_shared_and_taken_over(mut setup: Setup) {
    setup.settings.set("MILLRACE_LEASE", "1500ms");
    let mut app = setup.start_many(1, 2, &["--lease", "1500ms"]);
    let client = app.client().clone();
    let processes = if setup.is_distributed() { 2 } else { 1 };
    let is_shared = |shown: &Value, processes: usize| {
        let owners: std::collections::BTreeMap<_, usize> = shown["parts"]
            .as_array()
            .expect("parts")
            .iter()
            .filter_map(|part| part["owner"].as_str())
            .fold(Default::default(), |mut owners, owner| {
                *owners.entry(owner.to_owned()).or_default() += 1;
                owners
            });
        let members = shown["members"].as_array().map_or(0, Vec::len);
        owners.len() == processes && owners.values().sum::<usize>() == 16 && members == processes
    };
    let shared = eventually("the parts are shared", SOON, async || {
        let shown = follower(&client, "posts").await;
        is_shared(&shown, processes).then_some(shown)
    })
    .await;
    let tokens = |shown: &Value| -> i64 {
        let parts = shown["parts"].as_array().expect("parts").iter();
        parts
            .map(|part| part["token"].as_i64().expect("a token"))
            .sum()
    };
    for part in shared["parts"].as_array().expect("parts") {
        assert!(part["leasedUntil"].is_string(), "{part}");
    }
    // One dies; the other, or the next one, takes its parts.
    if setup.is_distributed() {
        app.workers[0].kill();
    } else {
        app.gateways[0].kill_and_restart();
    }
    let after = eventually("the parts are taken over", SOON, async || {
        let shown = follower(&client, "posts").await;
        (is_shared(&shown, 1) && tokens(&shown) > tokens(&shared)).then_some(shown)
    })
    .await;
    assert_ne!(after["members"], shared["members"]);
    // All followers that there are, and nobody else.
    let status = worker_status(&client).await;
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|it| it["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let followers = names(&status["followers"]);
    for name in [
        "customer_statistics",
        "deliveries",
        "posts",
        "posts_trending",
        "student_cache",
    ] {
        assert!(
            followers.contains(&name.to_owned()),
            "{name}: {followers:?}"
        );
    }
    let handlers = names(&status["handlers"]);
    for name in ["signal_orchestrator", "signal_trend", "signal_notifier"] {
        assert!(handlers.contains(&name.to_owned()), "{name}: {handlers:?}");
    }
}

async fn without_workers_everything_lags(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let start = client.head().await;
    for number in 0..5 {
        create_post(client, &format!("Post {number}")).await;
    }
    client.head_after(&start, 5).await;
    let database = setup.database().await;
    let (events, head) = database::log_size(&database).await;
    let shown = follower(client, "posts").await;
    assert_eq!(
        (shown["lag"]["events"].as_u64(), events),
        (Some(head), head)
    );
    assert_eq!(
        (&shown["members"], &shown["parts"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(shown["position"], 0);
    assert!(shown["lag"]["seconds"].as_f64() > Some(0.0));
}

const SUBSCRIPTION: &str = "subscription { workerStatus { followers { name lag { events } pause { pausedBy { name } } } handlers { name } } }";

async fn the_status_comes_now_and_when_it_changes(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut first = client.socket().await;
    first.subscribe("1", SUBSCRIPTION, json!({})).await;
    let posts =
        |payload: &Value| super::named(&payload["data"]["workerStatus"]["followers"], "posts");
    assert_eq!(posts(&first.payload("1").await)["pause"], Value::Null);
    pause(client, "posts").await;
    let paused = |payload: &Value| posts(payload)["pause"].is_object();
    while !paused(&first.payload("1").await) {}
    // Who comes later begins with what is now.
    let mut second = client.socket().await;
    second.subscribe("1", SUBSCRIPTION, json!({})).await;
    assert!(paused(&second.payload("1").await));
    await_held(client, "posts").await;
    for socket in [&mut first, &mut second] {
        while posts(&socket.payload("1").await)["lag"]["events"] == 0 {}
    }
    resume(client, "posts").await;
    for socket in [&mut first, &mut second] {
        loop {
            let shown = posts(&socket.payload("1").await);
            if shown["pause"].is_null() && shown["lag"]["events"] == 0 {
                break;
            }
        }
    }
    // What came before is read first.
    while let Some(Frame::Message(_)) = first.receive_within(Duration::from_millis(100)).await {}
    // However much happens, it comes once a second.
    let began = Instant::now();
    let mut values = 0;
    while values == 0 || began.elapsed() < Duration::from_secs(3) {
        assert!(began.elapsed() < SOON, "nothing comes");
        create_post(client, "Again").await;
        if let Some(Frame::Message(message)) = first.receive_within(Duration::from_millis(20)).await
        {
            values += u64::from(message["type"] == "next");
        }
    }
    let seconds = began.elapsed().as_secs();
    assert!(values <= seconds + 1, "{values} in {seconds} s");
}

async fn who_loses_the_role_hears_no_more(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let person = tests::people::with_role(client, "ADMIN").await;
    let mut socket = person.client(client).socket().await;
    socket.subscribe("1", SUBSCRIPTION, json!({})).await;
    let log = "subscription { eventLog { type } }";
    socket.payload("1").await;
    socket.subscribe("2", log, json!({})).await;
    create_post(client, "Seen").await;
    eventually("an event is heard", SOON, async || {
        let message = socket.message().await;
        (message["id"] == "2" && message["type"] == "next").then_some(())
    })
    .await;
    tests::people::set_role(client, &person.id, "STAFF")
        .await
        .data();
    create_post(client, "Not seen").await;
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let message = socket.message().await;
        assert!(!message.to_string().contains("Not seen"));
        if message["type"] == "error" {
            assert_eq!(message["payload"][0]["extensions"]["code"], "FORBIDDEN");
            ended.push(message["id"].clone());
        }
    }
}

const HEALTH: &str = "{ health { isHealthy version database { isUp tookMs } redis { isUp } logPosition position relayedPosition secondsBehind } }";

async fn health_is_told(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let health = eventually("all is well", SOON, async || {
        let health = client.run(HEALTH, json!({})).await.data()["health"].clone();
        (health["isHealthy"] == true).then_some(health)
    })
    .await;
    assert_eq!(health["database"]["isUp"], true);
    assert_eq!(health["redis"].is_object(), setup.is_distributed());
    let (_, head) = database::log_size(&setup.database().await).await;
    assert!(
        health["logPosition"].as_u64() <= Some(head) && health["logPosition"].as_u64() > Some(0)
    );
}

async fn health_is_told_in_outages(_: Setup) {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let setup = Setup::distributed_on(&postgres, &redis);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let ask = async || client.run(HEALTH, json!({})).await.data()["health"].clone();
    eventually("all is well", SOON, async || {
        (ask().await["isHealthy"] == true).then_some(())
    })
    .await;
    redis.kill();
    eventually("Redis is missed", SOON, async || {
        let health = ask().await;
        let is_missed = health["redis"]["isUp"] == false;
        is_missed.then(|| {
            assert_eq!(health["isHealthy"], false);
            assert_eq!(health["database"]["isUp"], true);
        })
    })
    .await;
    redis.restart();
    eventually("Redis is back", SOON, async || {
        (ask().await["isHealthy"] == true).then_some(())
    })
    .await;
    postgres.crash();
    let health = ask().await;
    assert_eq!(health["database"]["isUp"], false);
    assert_eq!(health["isHealthy"], false);
    assert_eq!(health["logPosition"], Value::Null);
    assert!(health["position"].as_u64() > Some(0));
    postgres.restart();
    eventually("the database is back", SOON, async || {
        // Until it is back, who asks may not be known any more.
        let answer = client.run(HEALTH, json!({})).await.body;
        (answer["data"]["health"]["isHealthy"] == true).then_some(())
    })
    .await;
}

/// A Redis that is full answers, and takes nothing.
async fn a_full_redis_is_told(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let ask = async || client.run(HEALTH, json!({})).await.data()["health"].clone();
    let is_relayed = async || {
        let health = ask().await;
        (health["isHealthy"] == true && health["relayedPosition"] == health["position"])
            .then_some(())
    };
    customers::create(client, "Ada", "before@example.com").await;
    eventually("all is relayed", SOON, is_relayed).await;
    redis.set_max_memory(1);
    customers::create(client, "Ada", "full@example.com").await;
    let health = eventually("it is told", SOON, async || {
        let health = ask().await;
        (health["redis"]["isUp"] == false).then_some(health)
    })
    .await;
    assert_eq!(health["isHealthy"], false);
    assert!(health["relayedPosition"].as_u64() < health["position"].as_u64());
    redis.set_max_memory(0);
    eventually("all is relayed again", SOON, is_relayed).await;
}

tests::both_ways!(
    parts_are_shared_and_taken_over,
    the_status_comes_now_and_when_it_changes,
    who_loses_the_role_hears_no_more,
    health_is_told,
);
tests::distributed!(
    without_workers_everything_lags,
    health_is_told_in_outages,
    a_full_redis_is_told,
);
