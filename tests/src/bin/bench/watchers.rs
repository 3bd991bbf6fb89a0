//! Live queries: 1,000 sockets watch one list of 20 customers, of which 50 a second change: `make bench-watchers`. It tells how often the query was
//! executed for a change, the bytes that came beside those of full answers, the time from a mutation's request to each socket, and
//! the gateway's processor time. It uses a private Postgres with default settings, and a private Redis.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tests::admin::Admin;
use tests::graphql::Client;
use tests::socket::Socket;
use tests::{Setup, customers, eventually};
use tokio::time::sleep_until;

use crate::summary::percentile;

const USAGE: &str = "bench watchers [--seconds N] [--watchers N]";
const ROWS: usize = 20;
const CHANGES_PER_SECOND: u64 = 50;
/// Mutations are under way at once, as one alone might not keep the pace.
const WRITERS: u64 = 4;
/// How long the first answers and the last patches may take.
const GRACE: Duration = Duration::from_secs(60);
/// Each change by itself: the interval between two of them is longer than the throttle.
const WATCH: &str = "query Watch @live(throttle: 10, patch: true) { customers(first: 20, filter: { search: \"watched\" }) { \
    nodes { id name email phone status version createdAt updatedAt } } }";

#[derive(Default)]
struct Seen {
    /// When each change was sent.
    sent: RefCell<Vec<Option<Instant>>>,
    /// The microseconds to each socket that saw a change.
    latencies: RefCell<Vec<u32>>,
    full_bytes: Cell<usize>,
    opened: Cell<usize>,
    answers: Cell<u64>,
    bytes: Cell<u64>,
    /// How many sockets have seen the last change.
    ended: Cell<usize>,
}

pub fn main(mut arguments: impl Iterator<Item = String>) {
    let (mut seconds, mut watchers) = (10, 1_000);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (name.as_str(), value) {
            ("--seconds", Some(number)) => seconds = number.clamp(1, 60),
            ("--watchers", Some(number)) => watchers = number.clamp(1, 5_000) as usize,
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
    tokio::task::LocalSet::new().block_on(&runtime, measure(seconds, watchers));
}

async fn measure(seconds: u64, watchers: usize) {
    let setup = Setup::distributed();
    let mut gateway = setup.gateway(&["--admin-listen", "127.0.0.1:0"]);
    let admin = Admin::of(&mut gateway.process);
    let client = gateway.client.clone();
    let mut ids = Vec::new();
    for number in 0..ROWS {
        let email = format!("watched.{number}@example.com");
        let customer = customers::create(&client, &format!("Watched {number}"), &email).await;
        ids.push(customer["id"].as_str().expect("an id").to_owned());
    }
    let changes = CHANGES_PER_SECOND * seconds;
    let seen = Seen::default();
    seen.sent.borrow_mut().resize(changes as usize, None);
    let mut sockets = Vec::new();
    for _ in 0..watchers {
        let mut socket = client.socket().await;
        socket.subscribe("1", WATCH, json!({})).await;
        sockets.push(socket);
    }
    let writing = async {
        eventually("the first answers", GRACE, async || {
            (seen.opened.get() == watchers).then_some(())
        })
        .await;
        let before = (admin.scrape().await, gateway.process.processor_time());
        let begun = Instant::now();
        let writers = (0..WRITERS).map(|one| write(&client, &ids, &seen, one, changes));
        join_all(writers).await;
        let wrote = begun.elapsed();
        eventually("the last patches", GRACE, async || {
            (seen.ended.get() == watchers).then_some(())
        })
        .await;
        let spent = gateway.process.processor_time() - before.1;
        (before.0, wrote, spent, begun.elapsed())
    };
    let reading = join_all(
        sockets
            .into_iter()
            .map(|socket| read(socket, &seen, changes)),
    );
    let (before, wrote, spent, took) = tokio::select! {
        done = writing => done,
        _ = reading => panic!("all sockets ended"),
    };
    let after = admin.scrape().await;
    let count = |name| after.sum(name, &[]) - before.sum(name, &[]);
    let executions = count("millrace_live_query_executions_total");
    let answers = seen.answers.get();
    let full = answers as f64 * seen.full_bytes.get() as f64;
    let mut latencies = seen.latencies.take();
    latencies.sort_unstable();
    println!(
        "{changes} changes in {:.1} s, {watchers} watchers of {ROWS} rows",
        wrote.as_secs_f64()
    );
    println!("   executions a change: {:.2}", executions / changes as f64);
    println!(
        "   answers a watcher: {:.0}",
        answers as f64 / watchers as f64
    );
    println!(
        "   bytes an answer: {:.0}, {:.3} of the {} of a full one",
        seen.bytes.get() as f64 / answers as f64,
        seen.bytes.get() as f64 / full,
        seen.full_bytes.get()
    );
    println!(
        "   from the mutation to the socket: p50 {:.1} ms, p99 {:.1} ms",
        percentile(&latencies, 50.0),
        percentile(&latencies, 99.0)
    );
    println!(
        "   processor time of the gateway: {:.1} µs an answer, {:.0} % of a core",
        spent.as_secs_f64() * 1e6 / answers as f64,
        spent.as_secs_f64() / took.as_secs_f64() * 100.0
    );
}

async fn write(client: &Client, ids: &[String], seen: &Seen, writer: u64, changes: u64) {
    let started = tokio::time::Instant::now();
    for number in (writer..changes).step_by(WRITERS as usize) {
        let due = Duration::from_secs_f64(number as f64 / CHANGES_PER_SECOND as f64);
        sleep_until(started + due).await;
        // The bar ends the number.
        let input =
            json!({ "id": ids[number as usize % ROWS], "name": format!("Watched w-{number}|") });
        seen.sent.borrow_mut()[number as usize] = Some(Instant::now());
        customers::apply(client, "update", input).await;
    }
}

/// Reads one socket. It looks only for the number, as parsing would take processor time from the server.
async fn read(mut socket: Socket, seen: &Seen, changes: u64) {
    let last = format!("w-{}|", changes - 1);
    let mut is_open = false;
    while let Some(text) = socket.text().await {
        if !text.contains("\"next\"") {
            continue;
        }
        if !std::mem::replace(&mut is_open, true) {
            seen.full_bytes.set(text.len());
            seen.opened.set(seen.opened.get() + 1);
            continue;
        }
        let now = Instant::now();
        seen.answers.set(seen.answers.get() + 1);
        seen.bytes.set(seen.bytes.get() + text.len() as u64);
        let numbers = text
            .split("w-")
            .skip(1)
            .filter_map(|rest| rest.split('|').next());
        // A full answer has older ones too.
        let newest = numbers
            .filter_map(|number| number.parse::<usize>().ok())
            .max();
        if let Some(sent) = newest.and_then(|number| seen.sent.borrow()[number]) {
            seen.latencies
                .borrow_mut()
                .push((now - sent).as_micros() as u32);
        }
        if text.contains(&last) {
            seen.ended.set(seen.ended.get() + 1);
        }
    }
}
