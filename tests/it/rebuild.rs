//! Rebuilding the read model of posts: under writes, killed in the middle, twice at once, and over rows that were tampered
//! with. It is done in a process beside those that serve.

use std::process::Command;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use tests::process::Process;
use tests::traffic::{self, Pace, Traffic};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

const PACE: Pace = Pace {
    mutations_per_second: 100,
    queries_per_second: 100,
};

fn seed(setup: &Setup, posts: u32) {
    let done = setup
        .command(&["seed"])
        .args([
            "--posts",
            &posts.to_string(),
            "--likes",
            "6",
            "--comments",
            "3",
        ])
        .output()
        .expect("it starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn rebuild_command(setup: &Setup, flags: &[&str]) -> Command {
    setup.command(&[&["rebuild", "posts"], flags].concat())
}

fn start(setup: &Setup, name: &str, flags: &[&str]) -> Process {
    Process::spawn(
        name,
        &setup.directory,
        &mut rebuild_command(setup, flags),
        "KILL",
    )
}

/// Runs one to its end, which must be good, and gives what it printed.
fn finish(mut process: Process) -> String {
    let status = process.wait(SOON * 2);
    assert!(status.success(), "{status}: {}", process.log());
    process.output()
}

fn rebuild(setup: &Setup, name: &str) -> String {
    tokio::task::block_in_place(|| finish(start(setup, name, &[])))
}

/// Waits until a rebuild has applied so many events and is not at its end.
async fn await_done(database: &DatabaseConnection, events: u64) {
    eventually("a rebuild is on its way", SOON * 2, async || {
        let statement = format!(
            "select count(*) as number from rebuild where phase = 'building' and done >= {events}"
        );
        (database::number(database, &statement).await == 1).then_some(())
    })
    .await;
}

async fn events(database: &DatabaseConnection) -> u64 {
    database::log_size(database).await.0
}

async fn equals_the_live_model_under_writes(setup: Setup) {
    seed(&setup, 400);
    let app = setup.start();
    let database = setup.database().await;
    traffic::await_follower(&database, SOON * 2).await;
    let posts = traffic::some_posts(&database, 200).await;
    let traffic = Traffic::start(app.clients(), posts, PACE);
    traffic.await_more(50).await;
    for turn in 1..=2 {
        let printed = rebuild(&setup, &format!("rebuild-{turn}"));
        // On a busy machine the live model may be so far behind that its last streams cannot be compared.
        let is_equal = ["equal, row by row", "had not come to the last events"]
            .iter()
            .any(|said| printed.contains(said));
        assert!(
            is_equal && !printed.contains("rows were only in"),
            "{printed}"
        );
        traffic.await_more(50).await;
    }
    let done = traffic.finish().await;
    assert!(done.queries > 50, "{} queries", done.queries);
    traffic::await_follower(&database, SOON * 2).await;
    assert_eq!(traffic::wrong_rows(&database).await, 0);
    // At rest, from nothing once more: what the follower added to the first two is right, too.
    let before = events(&database).await;
    let printed = rebuild(&setup, "rebuild-at-rest");
    assert!(printed.contains("equal, row by row"), "{printed}");
    assert_eq!(
        events(&database).await,
        before,
        "a rebuild raises no events"
    );
    assert_eq!(traffic::wrong_rows(&database).await, 0);
}

async fn goes_on_after_a_kill(setup: Setup) {
    seed(&setup, 3_000);
    let database = setup.database().await;
    for (turn, events) in [(1, 1_000), (2, 3_000)] {
        let mut process = start(
            &setup,
            &format!("killed-{turn}"),
            &["--rebuild-batch-events", "100"],
        );
        await_done(&database, events).await;
        process.kill();
    }
    assert_eq!(
        database::number(&database, "select count(*) as number from post").await,
        0
    );
    let printed = rebuild(&setup, "resumed");
    let numbers: Vec<u64> = printed
        .lines()
        .find(|line| line.contains("is rebuilt"))
        .expect("how it went")
        .split_whitespace()
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect();
    assert_eq!(numbers[0], 30_000, "{printed}");
    assert!(numbers[1] <= 27_000, "it did not begin anew: {printed}");
    assert_eq!(traffic::wrong_rows(&database).await, 0);
    // The model was empty and is full; whoever follows goes on behind what was built.
    let app = setup.start();
    let posts = traffic::some_posts(&database, 64).await;
    let traffic = Traffic::start(app.clients(), posts, PACE);
    traffic.await_more(20).await;
    traffic.finish().await;
    traffic::await_follower(&database, SOON * 2).await;
    assert_eq!(traffic::wrong_rows(&database).await, 0);
}

async fn is_refused_while_another_runs(setup: Setup) {
    seed(&setup, 400);
    let database = setup.database().await;
    let first = start(&setup, "first", &["--rebuild-batch-events", "5"]);
    await_done(&database, 100).await;
    let second = tokio::task::block_in_place(|| rebuild_command(&setup, &[]).output());
    let second = second.expect("it starts");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "{text}");
    assert!(text.contains("being rebuilt by another process"), "{text}");
    tokio::task::block_in_place(|| finish(first));
    assert_eq!(traffic::wrong_rows(&database).await, 0);
}

async fn shows_what_was_tampered_with_and_rights_it(setup: Setup) {
    seed(&setup, 100);
    let app = setup.start();
    let database = setup.database().await;
    traffic::await_follower(&database, SOON * 2).await;
    let posts = traffic::some_posts(&database, 1).await;
    let document = "query($id: ID!) { post(id: $id) { message commentCount } }";
    let read = async || {
        app.client()
            .run(document, json!({ "id": posts[0] }))
            .await
            .data()["post"]
            .clone()
    };
    let good = read().await;
    for statement in [
        "update post set message = 'tampered' where id = (select min(id) from post)",
        "delete from post_comment where number = 2 and post_id = (select min(id) from post)",
        "insert into post_like select id, author_id, created_at from post where id = (select max(id) from post)",
    ] {
        // min(uuid) is not in all versions of Postgres.
        let statement = match database::is_postgres(&database) {
            true => statement
                .replace("min(id)", "min(id::text)::uuid")
                .replace("max(id)", "max(id::text)::uuid"),
            false => statement.to_owned(),
        };
        database
            .execute_unprepared(&statement)
            .await
            .expect("tampering");
    }
    assert_eq!(read().await["message"], "tampered");
    let printed = rebuild(&setup, "rebuild");
    for expected in [
        "post: 0 rows were only in the old one, 0 are only in the new one, 1 have other values",
        "message tampered -> ",
        "post_comment: 0 rows were only in the old one, 1 are only in the new one, 0 have other values",
        "post_like: 1 rows were only in the old one, 0 are only in the new one, 0 have other values",
    ] {
        assert!(
            printed.contains(expected),
            "{expected:?} is not in {printed}"
        );
    }
    assert_eq!(read().await, good);
    let printed = rebuild(&setup, "again");
    assert!(printed.contains("equal, row by row"), "{printed}");
}

/// An administrator asks, a worker does it, and the log tells who asked: once, however often the request is repeated.
async fn is_done_for_who_asks(setup: Setup) {
    seed(&setup, 50);
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    traffic::await_follower(&database, SOON * 2).await;
    let ask = "mutation { rebuildReadModel(input: { name: \"posts\" }) { readModel { name rebuild { phase } } } }";
    for turn in 0..2 {
        let answer = client
            .run_with(ask, json!({}), &[("idempotency-key", "rebuild-1")])
            .await;
        let model = &answer.data()["rebuildReadModel"]["readModel"];
        assert_eq!(model["name"], "posts", "in turn {turn}");
    }
    let status =
        "{ readModels { name rebuild { phase eventsApplied differences { onlyOld onlyNew } } } }";
    let rebuild = eventually("the rebuild is done", SOON * 2, async || {
        let models = client.run(status, json!({})).await.data()["readModels"].clone();
        let rebuild = models[0]["rebuild"].clone();
        (rebuild["phase"] == "DONE").then_some(rebuild)
    })
    .await;
    assert_eq!(rebuild["eventsApplied"], 500, "{rebuild}");
    let differences = rebuild["differences"].as_array().expect("a list").iter();
    let none = |it: &Value| it["onlyOld"] == 0 && it["onlyNew"] == 0;
    assert!(differences.clone().all(none), "{rebuild}");
    let requested = database::log(&database).await.into_iter();
    let mut requested = requested.filter(|entry| entry.kind == "RebuildRequested");
    let event = requested.next().expect("an event");
    assert_eq!(event.data, json!({ "name": "posts" }));
    assert_eq!(event.meta["actor"], setup.admin().id.as_str());
    assert!(requested.next().is_none(), "once");
    assert_eq!(traffic::wrong_rows(&database).await, 0);
}

/// With a tenth of its time what it writes takes ten times as long. What it does once, such as to begin and to end, takes as
/// long as ever, so less is expected of the whole.
async fn keeps_to_its_share(setup: Setup) {
    seed(&setup, 200);
    let took = |name: &str, share: &str| {
        let batches = ["--from-the-start", "--rebuild-batch-events", "10"];
        let flags = [&batches[..], &["--share", share]].concat();
        let began = Instant::now();
        tokio::task::block_in_place(|| finish(start(&setup, name, &flags)));
        began.elapsed()
    };
    // By turns, and of each the least, as something else may take the machine for a while.
    let (mut all, mut tenth) = (Duration::MAX, Duration::MAX);
    for turn in 0..3 {
        all = all.min(took(&format!("all-{turn}"), "100"));
        tenth = tenth.min(took(&format!("tenth-{turn}"), "10"));
    }
    assert!(tenth * 2 > all * 3, "{all:?} and {tenth:?}");
    for refused in ["0", "101", "some"] {
        let mut command = rebuild_command(&setup, &["--share", refused]);
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{refused}");
    }
}

#[test]
fn there_must_be_such_a_model() {
    let setup = Setup::embedded();
    let mut command = setup.command(&["rebuild"]);
    let output = command.arg("nonsense").output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("there is no read model nonsense; there is posts"),
        "{text}"
    );
}

tests::both_ways!(
    is_done_for_who_asks,
    equals_the_live_model_under_writes,
    goes_on_after_a_kill,
    is_refused_while_another_runs,
    shows_what_was_tampered_with_and_rights_it,
);
tests::both_ways!(alone: keeps_to_its_share);
