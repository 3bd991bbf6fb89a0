//! Pauses: a follower and a handler that are held take nothing, their lag is exactly what waits, and what waited is done once
//! they are let go. All processes know, however they came to be.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::traffic::{self, wrong_rows};
use tests::waiting::SOON;
use tests::{Setup, database, eventually, signals};

use super::{
    audited, await_held, comment, create_post, follower, handler, mutate_with_key, pause, resume,
    unapplied,
};

async fn a_paused_follower_holds_and_goes_on(setup: Setup) {
    let mut app = setup.start_many(1, 2, &[]);
    let client = app.client().clone();
    let database = setup.database().await;
    pause(&client, "posts").await;
    await_held(&client, "posts").await;
    let shown = follower(&client, "posts").await;
    assert_eq!(shown["pause"]["pausedBy"]["id"], setup.admin().id.as_str());
    let posts = "select count(*) as number from post";
    let before = database::number(&database, posts).await;
    for number in 0..20 {
        let post = create_post(&client, &format!("Post {number}")).await;
        comment(&client, &post, "A comment").await;
    }
    // Another process joins, and one is killed: it is held all the same.
    if setup.is_distributed() {
        app.workers.push(setup.workers(&[]));
        app.workers[0].kill();
    } else {
        app.gateways[0].kill_and_restart();
    }
    let held_since = Instant::now();
    let oldest = "select cast(min(p.position) as bigint) as number from event e join event_position p on p.inserted = e.inserted
         left join checkpoint k on k.follower = 'posts' and k.part = e.part where p.position > coalesce(k.position, 0)";
    let age = match database::is_postgres(&database) {
        true => "cast(extract(epoch from statement_timestamp() - e.occurred_at) * 1000 as bigint)",
        false => {
            "cast((unixepoch('subsec') - unixepoch(e.occurred_at, 'subsec')) * 1000 as integer)"
        }
    };
    let mut looks = 0;
    while looks < 6 || held_since.elapsed() < Duration::from_secs(2) {
        let asked = Instant::now();
        let lag = eventually("a lag between two equal counts", SOON, async || {
            let counted = unapplied(&database, "posts").await;
            let lag = follower(&client, "posts").await["lag"].clone();
            let is_still = counted == unapplied(&database, "posts").await;
            is_still.then(|| {
                assert_eq!(lag["events"], counted);
                lag
            })
        })
        .await;
        assert!(lag["events"].as_u64() >= Some(40), "{lag}");
        assert_eq!(lag["isEstimate"], false);
        let first = database::number(&database, oldest).await;
        let of_first = format!(
            "select {age} as number from event e join event_position p on p.inserted = e.inserted where p.position = {first}"
        );
        let age = database::number(&database, &of_first).await as f64 / 1_000.0;
        let seconds = lag["seconds"].as_f64().expect("a number");
        assert!(
            seconds <= age + 0.01 && age - seconds < 6.0 + asked.elapsed().as_secs_f64(),
            "{seconds} is not {age}"
        );
        let shown = follower(&client, "posts").await["position"].as_u64();
        assert!(shown < Some(first), "{shown:?} {first}");
        assert_eq!(
            database::number(&database, posts).await,
            before,
            "it applies nothing"
        );
        looks += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    resume(&client, "posts").await;
    eventually("nothing is left", SOON, async || {
        let shown = follower(&client, "posts").await;
        (shown["lag"]["events"] == 0).then(|| {
            assert_eq!(shown["lag"]["seconds"], 0.0);
            assert_eq!(shown["pause"], Value::Null);
        })
    })
    .await;
    traffic::await_follower(&database, SOON).await;
    assert_eq!(wrong_rows(&database).await, 0);
    assert!(database::number(&database, posts).await >= before + 20);
    let told = audited(&database).await;
    let admin = setup.admin().id.clone();
    let data = json!({ "name": "posts" });
    assert_eq!(
        told,
        [
            ("WorkerPaused".to_owned(), data.clone(), admin.clone()),
            ("WorkerResumed".to_owned(), data, admin),
        ]
    );
}

async fn a_paused_handler_holds_and_goes_on(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    pause(client, "signal_trend").await;
    // Held once a signal has the answers of the others, and this one's does not come, though it could at once.
    let mut last = Value::Null;
    let lacks_trend = |signal: &Value| {
        let results = signal["results"].as_array().expect("results");
        results.len() == 2 && results.iter().all(|it| it["processor"] != "TREND")
    };
    eventually("the handler is held", SOON, async || {
        last = signals::submit(client, "held", 1.0).await["id"].clone();
        let answered = |signal: &Value| signal["results"].as_array().map(Vec::len) >= Some(2);
        signals::await_signal(client, &last, "two or three answers", answered).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        lacks_trend(&signals::find(client, &last).await).then_some(())
    })
    .await;
    let second = signals::submit(client, "held", 2.0).await["id"].clone();
    let shown = eventually("both wait", SOON, async || {
        let shown = handler(client, "signal_trend").await;
        (shown["waiting"] == 2).then_some(shown)
    })
    .await;
    assert_eq!(shown["lag"]["events"], 2);
    assert!(shown["lag"]["seconds"].as_f64() > Some(0.0), "{shown}");
    assert_eq!(
        (&shown["running"], &shown["retrying"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(shown["pause"]["pausedBy"]["id"], setup.admin().id.as_str());
    assert!(shown["concurrency"].as_u64() > Some(0));
    resume(client, "signal_trend").await;
    for id in [&last, &second] {
        let signal = signals::await_end(client, id).await;
        assert_eq!(signal["status"], "COMPLETED", "{signal}");
        assert_eq!(signal["results"].as_array().map(Vec::len), Some(3));
    }
    let shown = eventually("nothing waits", SOON, async || {
        let shown = handler(client, "signal_trend").await;
        (shown["waiting"] == 0 && shown["running"] == 0).then_some(shown)
    })
    .await;
    assert_eq!(shown["lag"], json!({ "events": 0, "seconds": 0.0 }));
    assert!(shown["doneLastMinute"].as_u64() >= Some(2), "{shown}");
    assert_eq!(shown["deadLetters"], 0);
}

async fn a_repeat_changes_and_tells_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let input = json!({ "name": "posts" });
    for _ in 0..2 {
        let shown = "workerStatus { followers { name } }";
        let key = Some("pause-1");
        let answer = mutate_with_key(client, "pauseWorker", input.clone(), shown, key).await;
        answer.data();
    }
    // A second pause, and a resume of what is not held.
    pause(client, "posts").await;
    resume(client, "posts_trending").await;
    assert_eq!(audited(&database).await.len(), 1);
    // The key is of another request.
    let other = json!({ "name": "posts_trending" });
    let shown = "workerStatus { followers { name } }";
    let answer = mutate_with_key(client, "pauseWorker", other, shown, Some("pause-1")).await;
    answer.expect_code("IDEMPOTENCY_KEY_REUSED");
    assert_eq!(audited(&database).await.len(), 1);
    assert!(follower(client, "posts_trending").await["pause"].is_null());
    assert!(follower(client, "posts").await["pause"].is_object());
}

tests::both_ways!(
    a_paused_follower_holds_and_goes_on,
    a_paused_handler_holds_and_goes_on,
    a_repeat_changes_and_tells_nothing,
);
