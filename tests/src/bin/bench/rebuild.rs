//! The rebuild of the read model of posts: `make bench-rebuild BENCH="--posts 50000"`, with twenty events for each post. It
//! runs first at rest, then while a gateway serves 200 mutations a second, with their follower, and queries, none of which may
//! fail. The upper bound is COPY of the same rows into the same tables, with the same indexes. All on a private Postgres with
//! default settings.

use std::time::{Duration, Instant};

use tests::postgres::Postgres;
use tests::process::Process;
use tests::traffic::{self, Pace, Traffic};
use tests::{Setup, guard};

const USAGE: &str = "bench rebuild [--posts N] [--mutations N a second] [--queries N a second]";
const LIMIT: Duration = Duration::from_secs(1_800);
/// The tables with their keys.
const TABLES: [(&str, &str); 3] = [
    ("post", "id"),
    ("post_comment", "post_id, number"),
    ("post_like", "post_id, user_id"),
];

pub fn main(mut arguments: impl Iterator<Item = String>) {
    let (mut posts, mut pace) = (
        50_000,
        Pace {
            mutations_per_second: 200,
            queries_per_second: 100,
        },
    );
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u32>().ok());
        match (name.as_str(), value) {
            ("--posts", Some(number)) => posts = number.max(100),
            ("--mutations", Some(number)) => pace.mutations_per_second = number,
            ("--queries", Some(number)) => pace.queries_per_second = number,
            _ => {
                eprintln!("{USAGE}");
                std::process::exit(2);
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(posts, pace));
}

async fn run(posts: u32, pace: Pace) {
    let setup = Setup::distributed();
    let name = setup
        .database_url
        .rsplit('/')
        .next()
        .expect("a name")
        .to_owned();
    println!("seeding: {}", seed(&setup, posts));
    Postgres::shared().execute(&name, "vacuum analyze");
    let database = setup.database().await;

    println!("-- at rest, with no live model");
    let (printed, took) = rebuild(&setup, "at-rest");
    print!("{printed}");
    println!(
        "   {:.1} s from start to end of the process",
        took.as_secs_f64()
    );
    let at_rest = rate(&printed);
    assert_eq!(
        traffic::wrong_rows(&database).await,
        0,
        "the model is what the log says"
    );

    println!(
        "-- under {} mutations and {} queries a second",
        pace.mutations_per_second, pace.queries_per_second
    );
    let app = setup.start();
    let ids = traffic::some_posts(&database, 2_000).await;
    let load = Traffic::start(app.clients(), ids, pace);
    load.await_more(200).await;
    let (before, began) = (load.mutations(), Instant::now());
    let command = tokio::task::spawn_blocking({
        let process = start(&setup, "under-load");
        move || finish(process)
    });
    let (printed, took) = command.await.expect("the rebuild ends");
    let mutations = load.mutations() - before;
    let during = began.elapsed();
    let done = load.finish().await;
    print!("{printed}");
    println!(
        "   {:.1} s from start to end of the process",
        took.as_secs_f64()
    );
    println!(
        "   meanwhile {mutations} mutations ({:.0} a second); {} queries, none failed: median {:.1} ms, 99 % below {:.1} ms, slowest {:.1} ms",
        mutations as f64 / during.as_secs_f64(),
        done.queries,
        millis(done.query_time(500)),
        millis(done.query_time(990)),
        millis(done.query_time(1_000)),
    );
    traffic::await_follower(&database, LIMIT).await;
    let wrong = traffic::wrong_rows(&database).await;
    println!("   rows that are not what the log says: {wrong}");
    assert_eq!(wrong, 0);
    assert!(
        printed.contains("equal, row by row"),
        "the old model and the new one differ"
    );
    let under_load = rate(&printed);
    drop(app);

    let events = f64::from(posts) * 20.0;
    let copied = copy(&name);
    let limit = events / copied.as_secs_f64();
    println!(
        "-- COPY of the same rows, with indexes: {:.1} s",
        copied.as_secs_f64()
    );
    println!(
        "at rest     {at_rest:>9.0} events/s   {:.2} of COPY ({limit:.0} events/s)",
        at_rest / limit
    );
    println!(
        "under load  {under_load:>9.0} events/s   {:.2} of COPY",
        under_load / limit
    );
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn seed(setup: &Setup, posts: u32) -> String {
    let seeded = setup
        .command(&["seed"])
        .args([
            "--posts",
            &posts.to_string(),
            "--likes",
            "15",
            "--comments",
            "4",
        ])
        .output()
        .expect("the gateway starts");
    let text = String::from_utf8_lossy(&seeded.stderr);
    assert!(seeded.status.success(), "millrace seed failed: {text}");
    String::from_utf8_lossy(&seeded.stdout).trim().to_owned()
}

fn start(setup: &Setup, name: &str) -> (Process, Instant) {
    let mut command = setup.command(&["rebuild", "posts"]);
    let began = Instant::now();
    let process = Process::spawn(name, guard::directory(), &mut command, "KILL");
    (process, began)
}

fn finish((mut process, began): (Process, Instant)) -> (String, Duration) {
    let status = process.wait(LIMIT);
    assert!(status.success(), "{status}: {}", process.log());
    (process.output(), began.elapsed())
}

fn rebuild(setup: &Setup, name: &str) -> (String, Duration) {
    finish(start(setup, name))
}

/// Returns the rate that the command reports: events a second, from its first read of the log to the change of tables.
fn rate(printed: &str) -> f64 {
    let said = printed
        .lines()
        .find_map(|line| line.split_once(" events/s)")?.0.rsplit('(').next());
    let said = said.and_then(|number| number.replace(',', "").parse().ok());
    said.unwrap_or_else(|| panic!("no rate in {printed}"))
}

/// Returns how long COPY takes for the rows of the model, with the primary keys in place and the other indexes created
/// afterwards.
fn copy(database: &str) -> Duration {
    let postgres = Postgres::shared();
    let file = |table: &str| {
        guard::directory()
            .join(format!("{table}.copy"))
            .display()
            .to_string()
    };
    for (table, key) in TABLES {
        postgres.execute(
            database,
            &format!(
                "\\copy (select * from {table} order by {key}) to '{}'",
                file(table)
            ),
        );
        postgres.execute(
            database,
            &format!("create table {table}_copy (like {table} including all excluding indexes, primary key ({key}))"),
        );
    }
    let began = Instant::now();
    for (table, _) in TABLES {
        postgres.execute(
            database,
            &format!("\\copy {table}_copy from '{}'", file(table)),
        );
    }
    for index in [
        "created_at, id",
        "like_count, id",
        "author_id, created_at, id",
    ] {
        postgres.execute(database, &format!("create index on post_copy ({index})"));
    }
    began.elapsed()
}
