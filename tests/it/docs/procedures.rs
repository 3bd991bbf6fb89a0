//! Does what the pages for operators tell them to do with databases: the commands are those of the page, run by bash beside real servers.
//! Commands are the blocks marked `sh test` below a heading; what the page says in words between them (stop, start), the test does.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;
use tests::postgres::Postgres;
use tests::programs::{POSTGRES_BIN, product};
use tests::redis::Redis;
use tests::waiting::SOON;
use tests::{Running, Setup, customers, eventually, ids};

use super::Page;

/// The commands of a page below a heading, up to the next one of its level or above.
fn commands(page: &str, heading: &str) -> Vec<String> {
    let text = Page::read(page).text;
    let start = format!("\n{heading}\n");
    let (_, below) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("{page} has no {heading}"));
    let level = heading.split(' ').next().expect("hashes").len();
    let ends = |line: &&str| {
        let hashes = line.len() - line.trim_start_matches('#').len();
        (1..=level).contains(&hashes) && line[hashes..].starts_with(' ')
    };
    // A comment in a block begins with a hash, too.
    let mut is_fenced = false;
    let section = below.lines().take_while(|line| {
        is_fenced ^= line.starts_with("```");
        is_fenced || !ends(line)
    });
    let section = section.collect::<Vec<_>>().join("\n");
    let fences = section.split("```").skip(1).step_by(2);
    let blocks = fences.filter_map(|fence| Some(fence.strip_prefix("sh test\n")?.to_owned()));
    blocks.collect()
}

/// Runs a block as an operator does, who has set where the database is.
fn run(setup: &Setup, block: &str, variables: &[(&str, &str)]) {
    let product = product("millrace");
    let programs = product.parent().expect("a folder");
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = [PathBuf::from(programs), POSTGRES_BIN.clone()];
    let path = path.into_iter().chain(std::env::split_paths(&inherited));
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", block])
        .current_dir(&setup.directory)
        .env("PATH", std::env::join_paths(path).expect("a path"))
        .env("DATABASE_URL", &setup.database_url)
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    setup.settings.give_to(&mut bash);
    let output = bash.output().expect("bash starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{block}\n{said}");
}

/// Creates customers as clients do: who meets a connection that the database has left repeats, under the same key.
async fn create(app: &Running, range: std::ops::Range<u32>) {
    for number in range {
        let email = format!("c{number}@example.com");
        let input = json!({ "name": "C", "email": email });
        eventually("the customer is created", SOON, async || {
            let (client, input) = (app.client(), input.clone());
            let answer = customers::send_with_key(client, "create", input, Some(&email)).await;
            (!answer.is_passing()).then(|| customers::changed("create", &answer))
        })
        .await;
    }
}

async fn stop(app: &mut Running) {
    tokio::task::block_in_place(|| {
        let gateways = app.gateways.iter_mut().map(|gateway| &mut gateway.process);
        for process in gateways.chain(&mut app.workers) {
            assert!(process.terminate(SOON).success());
        }
    });
}

/// Every customer is there that should be, counted once, and a cursor of what is lost is refused, in a new epoch.
async fn assert_restored(app: &Running, total: u64, lost: &str) {
    eventually("a new epoch", SOON, async || {
        let answer = app.client().run(customers::STATISTICS, json!({})).await;
        let head = answer.body["extensions"]["cursor"].as_str()?;
        let counted = &answer.body["data"]["customerStatistics"]["total"];
        (ids::epoch(head) != ids::epoch(lost) && *counted == total).then_some(())
    })
    .await;
    let mut socket = app.client().socket().await;
    let variables = json!({ "after": lost });
    socket
        .subscribe("lost", customers::CHANGES, variables)
        .await;
    let refused = socket.message().await;
    let code = &refused["payload"][0]["extensions"]["code"];
    assert_eq!(code, "CURSOR_INVALID", "{refused}");
    let now = app.client().head().await;
    create(app, 900..903).await;
    app.client().head_after(&now, 3).await;
}

async fn a_dump_is_restored(_: Setup) {
    let (postgres, redis) = (Postgres::shared(), Redis::start());
    let setup = Setup::distributed_on(postgres, &redis);
    let [backup, restore] = ["## To back up", "## To restore a backup"]
        .map(|heading| commands("docs/operating/backup.md", heading).remove(0));
    let mut app = setup.start_many(1, 1, &[]);
    let start = app.client().head().await;
    create(&app, 0..5).await;
    app.client().head_after(&start, 5).await;
    tokio::task::block_in_place(|| run(&setup, &backup, &[]));
    create(&app, 5..12).await;
    let lost = app.client().head_after(&start, 12).await;
    stop(&mut app).await;
    tokio::task::block_in_place(|| run(&setup, &restore, &[]));
    app.gateways[0].restart();
    app.workers = vec![setup.workers(&[])];
    assert_restored(&app, 5, &lost).await;
}

async fn a_file_is_restored(setup: Setup) {
    std::os::unix::fs::symlink(".", setup.directory.join("data")).expect("a link");
    let page = "docs/operating/backup.md";
    let backup = commands(page, "### SQLite").remove(0);
    let restore = commands(page, "### SQLite").remove(1);
    let mut app = setup.start();
    let start = app.client().head().await;
    create(&app, 0..5).await;
    app.client().head_after(&start, 5).await;
    stop(&mut app).await;
    // One of before was made while writes were in their log only.
    let (stale, writes) = (setup.directory.join("backup/millrace.db-wal"), "of before");
    std::fs::create_dir(setup.directory.join("backup")).expect("a folder");
    std::fs::write(&stale, writes).expect("a file");
    tokio::task::block_in_place(|| run(&setup, &backup, &[]));
    let kept = std::fs::read(&stale).unwrap_or_default();
    assert_ne!(kept, writes.as_bytes(), "they would be applied to this");
    app.gateways[0].restart();
    create(&app, 5..12).await;
    let lost = app.client().head_after(&start, 12).await;
    // As it is when the machine failed.
    app.gateways[0].process.kill();
    tokio::task::block_in_place(|| run(&setup, &restore, &[]));
    app.gateways[0].restart();
    assert_restored(&app, 5, &lost).await;
}

/// The standby lacks commits that were answered; the processes run on, and find it where the primary was.
async fn a_standby_takes_over(_: Setup) {
    let (primary, redis) = tokio::task::block_in_place(|| (Postgres::start(), Redis::start()));
    let setup = Setup::distributed_on(&primary, &redis);
    let promote = commands("docs/operating/backup.md", "## To fail over").remove(0);
    let app = setup.start_many(1, 1, &[]);
    let start = app.client().head().await;
    create(&app, 0..5).await;
    app.client().head_after(&start, 5).await;
    let standby = tokio::task::block_in_place(|| {
        let standby = primary.standby();
        standby.await_all_of(&primary);
        standby.follow_no_more();
        standby
    });
    create(&app, 5..12).await;
    let lost = app.client().head_after(&start, 12).await;
    let _standby = tokio::task::block_in_place(|| {
        let port = primary.port();
        primary.crash();
        let standby = standby.move_to(port);
        run(&setup, &promote, &[("STANDBY_URL", &setup.database_url)]);
        standby
    });
    assert_restored(&app, 5, &lost).await;
}

/// Another Redis in place of one that is lost needs nothing to be done.
async fn a_lost_redis_is_filled_again(_: Setup) {
    let redis = tokio::task::block_in_place(Redis::start);
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let app = setup.start_many(2, 1, &[]);
    let start = app.client().head().await;
    create(&app, 0..5).await;
    let before = app.client().head_after(&start, 5).await;
    tokio::task::block_in_place(|| redis.kill());
    create(&app, 5..8).await;
    tokio::task::block_in_place(|| redis.restart());
    create(&app, 8..10).await;
    let after = app.gateways[1].client.head_after(&start, 10).await;
    assert_eq!(ids::epoch(&before), ids::epoch(&after), "nothing is lost");
    eventually("the streams are there again", SOON, async || {
        (redis.key_count() > 0).then_some(())
    })
    .await;
    eventually("the customers are counted", SOON, async || {
        let statistics = customers::statistics(app.client()).await;
        (statistics["total"] == 10).then_some(())
    })
    .await;
}

#[test]
fn commands_are_those_below_a_heading() {
    let found = commands("docs/operating/backup.md", "## To restore a backup");
    assert!(found[0].contains("pg_restore"), "{found:?}");
    assert!(
        found.iter().all(|block| !block.contains("pg_promote")),
        "{found:?}"
    );
}

tests::embedded!(a_file_is_restored);
tests::distributed!(
    a_dump_is_restored,
    a_standby_takes_over,
    a_lost_redis_is_filled_again
);
