//! The kit keeps its own promise: whatever becomes of a test run, nothing that it started is left.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tests::guard;
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::waiting::{SOON, eventually_blocking};

/// Set for the run inside of the test.
const INSIDE: &str = "KIT_RUNS_INSIDE";

#[test]
fn nothing_outlives_a_killed_run() {
    if std::env::var_os(INSIDE).is_some() {
        return run_until_killed();
    }
    let mut run = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "kit::nothing_outlives_a_killed_run",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .env_remove("KEEP_TEST_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let lines = BufReader::new(run.stdout.take().expect("its output")).lines();
    let told: Vec<String> = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("STARTED ").map(str::to_owned))
        .take(3)
        .collect();
    assert_eq!(told.len(), 3, "it started what it should: {told:?}");
    assert!(told.iter().all(|path| Path::new(path).exists()), "{told:?}");
    run.kill().expect("it is killed");
    run.wait().expect("it ended");
    eventually_blocking("servers and files are gone", SOON, || {
        told.iter()
            .all(|path| !Path::new(path).exists())
            .then_some(())
    });
}

fn run_until_killed() {
    let postgres = Postgres::start();
    let redis = Redis::start();
    println!("\nSTARTED /proc/{}", postgres.pid());
    println!("STARTED /proc/{}", redis.pid());
    println!("STARTED {}", guard::directory().display());
    // Nothing comes while there is somebody who could kill it.
    let _ = std::io::stdin().lines().next();
}

#[test]
fn servers_come_back_with_what_they_keep() {
    let postgres = Postgres::start();
    postgres.execute("postgres", "create table kept (id int)");
    postgres.execute("postgres", "insert into kept values (7)");
    postgres.crash();
    postgres.restart();
    assert_eq!(postgres.execute("postgres", "select id from kept"), "7");
    assert_eq!(postgres.execute("postgres", "show fsync"), "on");

    let redis = Redis::start();
    assert_eq!(redis.key_count(), 0);
    redis.kill();
    redis.restart();
    redis.flush_all();
}
