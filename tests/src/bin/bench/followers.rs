//! The rate at which one worker process follows: `make bench-followers BENCH="--posts 5000 --customers 20000"`, with twenty
//! events for each post. The log exists already; the process starts without any checkpoint, and all its followers reach the
//! end, each past every event of the log. It also measures this with half of the customers' streams held by dead letters, which
//! every batch then has to look up and park events behind. Where other programs run beside it, the processor times say more than
//! the rates. It uses a private Postgres with default settings, and a private Redis.

use std::time::{Duration, Instant};

use tests::postgres::Postgres;
use tests::{Setup, database};

const USAGE: &str = "bench followers [--posts N] [--customers N]";
const LIMIT: Duration = Duration::from_secs(1_800);

pub fn main(mut arguments: impl Iterator<Item = String>) {
    let (mut posts, mut customers) = (5_000, 20_000);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u32>().ok());
        match (name.as_str(), value) {
            ("--posts", Some(number)) => posts = number.max(100),
            ("--customers", Some(number)) => customers = number.max(100),
            _ => {
                eprintln!("{USAGE}");
                std::process::exit(2);
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        println!("-- nothing fails");
        measure(posts, customers, "").await;
        println!("-- every second customer has a dead letter in customer_statistics");
        measure(posts, customers, HELD).await;
    });
}

/// Inserts letters for the first events of every second customer, as if these had failed.
const HELD: &str = "insert into dead_letter
    (id, consumer, kind, position, part, stream, stream_id, version, type, event_id, error, fingerprint, attempts,
     first_at, last_at, parked)
    select gen_random_uuid(), 'customer_statistics', 'follower', -row_number() over (), part, stream, stream_id, version, type,
           event_id, 'made up', 'made up', 5, now(), now(), false
    from event where stream = 'customer' and inserted % 2 = 0";

async fn measure(posts: u32, customers: u32, prepare: &str) {
    let setup = Setup::distributed();
    let name = setup
        .database_url
        .rsplit('/')
        .next()
        .expect("a name")
        .to_owned();
    seed(&setup, &["--customers", &customers.to_string()]);
    seed(
        &setup,
        &[
            "--posts",
            &posts.to_string(),
            "--likes",
            "15",
            "--comments",
            "4",
        ],
    );
    if !prepare.is_empty() {
        Postgres::shared().execute(&name, prepare);
    }
    Postgres::shared().execute(&name, "vacuum analyze");
    Postgres::shared().execute(&name, "checkpoint");
    let database = setup.database().await;
    let events = database::number(&database, "select count(*) as number from event").await;
    let began = Instant::now();
    let postgres_before = Postgres::shared().processor_time();
    let mut workers = setup.workers(&[]);
    let mut followers: Vec<(String, Duration)> = Vec::new();
    // These followers are at the end; all followers are known once they have taken their parts.
    let arrived =
        "select c.follower as text from checkpoint c cross join log_head h group by c.follower
        having count(*) = 16 and bool_and(c.position >= h.part_positions[c.part + 1])";
    let all = "select count(distinct follower) as number from checkpoint";
    while (followers.len() as u64) < database::number(&database, all).await.max(4) {
        assert!(began.elapsed() < LIMIT, "only {followers:?} are at the end");
        tokio::time::sleep(Duration::from_millis(200)).await;
        for follower in database::texts(&database, arrived).await {
            if !followers.iter().any(|(known, _)| *known == follower) {
                followers.push((follower, began.elapsed()));
            }
        }
    }
    let took = began.elapsed();
    let postgres = Postgres::shared().processor_time() - postgres_before;
    let worker = workers.processor_time();
    for (follower, took) in &followers {
        let rate = events as f64 / took.as_secs_f64();
        println!(
            "   {follower:<22} {:>7.1} s {rate:>9.0} events/s",
            took.as_secs_f64()
        );
    }
    let rate = events as f64 / took.as_secs_f64();
    println!(
        "   the process: {events} events past {} followers in {:.1} s, {rate:.0} events/s, {:.0} events/s by each in sum",
        followers.len(),
        took.as_secs_f64(),
        rate * followers.len() as f64,
    );
    let per_million = |time: Duration| time.as_secs_f64() * 1e6 / events as f64;
    println!(
        "   processor time of a million events: {:.1} s of the process, {:.1} s of Postgres",
        per_million(worker),
        per_million(postgres),
    );
    let letters = database::number(&database, "select count(*) as number from dead_letter").await;
    println!("   dead letters: {letters}");
    workers.terminate(Duration::from_secs(60));
}

fn seed(setup: &Setup, arguments: &[&str]) {
    let seeded = setup
        .command(&["seed"])
        .args(arguments)
        .output()
        .expect("the gateway starts");
    let text = String::from_utf8_lossy(&seeded.stderr);
    assert!(seeded.status.success(), "millrace seed failed: {text}");
    println!(
        "seeding: {}",
        String::from_utf8_lossy(&seeded.stdout).trim()
    );
}
