//! Erasing while something else goes on that has copies: a rebuild that reads the log, and Redis that does not answer.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Setup, database, eventually, people, traffic};

use super::{ERASE, MARKER, SOON, STATUS, Scene, await_end, write_everywhere};
use crate::retention::{command, markers};

async fn request(scene: &Scene, id: &str) {
    let admin = scene.app.client();
    people::deactivate(admin, Some(id)).await.data();
    let input = json!({ "input": { "id": id } });
    admin.run(ERASE, input).await.data();
}

async fn steps_done(scene: &Scene, id: &str) -> (Value, Vec<Value>) {
    let answer = scene.app.client().run(STATUS, json!({ "id": id })).await;
    let erasure = answer.data()["erasure"].clone();
    let steps = erasure["steps"].as_array().expect("steps").iter();
    let done = steps.filter(|step| step["doneAt"].is_string());
    let places = done.map(|step| step["place"].clone()).collect();
    (erasure, places)
}

/// What a rebuild has read before the log was redacted does not come back with its tables, nor stays in what it reports.
async fn a_rebuild_brings_nothing_back(setup: Setup) {
    let scene = Scene::begin(setup.way).await;
    let mut seed = scene.setup.command(&["seed"]);
    seed.args(["--posts", "1500", "--likes", "2", "--comments", "2"]);
    let seeded = tokio::task::block_in_place(|| seed.output()).expect("it starts");
    assert!(seeded.status.success());
    let written = write_everywhere(&scene).await;
    traffic::await_follower(&scene.database, SOON).await;

    let flags = ["posts", "--rebuild-batch-events", "5"];
    let mut rebuild = command(&scene.setup, "rebuild", &flags);
    let rebuild = tokio::task::spawn_blocking(move || tests::recipe::finish(&mut rebuild));
    eventually("the rebuild is on its way", SOON, async || {
        let begun =
            "select count(*) as number from rebuild where phase = 'building' and done >= 500";
        (database::number(&scene.database, begun).await == 1).then_some(())
    })
    .await;
    request(&scene, &written.person.id).await;
    eventually("the log is redacted", SOON, async || {
        let (_, done) = steps_done(&scene, &written.person.id).await;
        done.contains(&json!("LOG")).then_some(())
    })
    .await;
    assert!(!rebuild.is_finished(), "it was at work meanwhile");
    let rebuilt = rebuild.await.expect("it ends");
    let printed = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(rebuilt.status.success(), "{printed}");
    await_end(&scene, &written.person.id).await;
    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(traffic::wrong_rows(&scene.database).await, 0);
}

/// Without Redis an erasure goes as far as it can, says so, and ends when Redis is back.
async fn redis_is_waited_for(setup: Setup) {
    let scene = Scene::begin(setup.way).await;
    let redis = scene.redis.as_ref().expect("Redis");
    let written = write_everywhere(&scene).await;
    let id = written.person.id.clone();
    redis.pause();
    request(&scene, &id).await;
    let waits_for_redis = async || {
        let (erasure, done) = steps_done(&scene, &id).await;
        assert_eq!(erasure["finishedAt"], Value::Null);
        assert!(!done.contains(&json!("STREAMS")), "{done:?}");
        done.contains(&json!("TABLES")).then_some(())
    };
    eventually("the tables are erased", SOON, waits_for_redis).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(waits_for_redis().await.is_some());
    let (database, archive) = (&scene.database, &scene.archive);
    let left = markers::find(&scene.setup, database, None, archive, MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
    redis.resume();
    await_end(&scene, &id).await;
    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
}

tests::both_ways!(a_rebuild_brings_nothing_back);

tests::distributed!(redis_is_waited_for);
