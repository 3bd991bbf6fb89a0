//! Who asks for much reads in turn with others, so others hardly notice. The time of a well-behaved reader is measured beside ten
//! loops of one caller, each of which counts what only reading every row can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::graphql::Client;
use tests::recipe::finish;
use tests::{Setup, people};

const LOOPS: usize = 10;
/// As many as an operation may cost.
const SEARCHES: usize = 7;
const MEASURED: Duration = Duration::from_secs(4);

async fn read(client: &Client) -> Duration {
    let began = Instant::now();
    let document = "{ customers(first: 1) { nodes { id name } } }";
    client.run(document, json!({})).await.data();
    began.elapsed()
}

/// Median and 95th percentile of reads, one after the other.
async fn latencies(client: &Client) -> (Duration, Duration) {
    let (until, mut taken) = (Instant::now() + MEASURED, Vec::new());
    while Instant::now() < until {
        taken.push(read(client).await);
    }
    taken.sort();
    (taken[taken.len() / 2], taken[taken.len() * 95 / 100])
}

async fn ten_loops_of_one_caller_starve_nobody(setup: Setup) {
    let customers = ["--customers", "20000"];
    let seeded = finish(setup.command(&["seed"]).args(customers));
    assert!(seeded.status.success(), "{seeded:?}");
    let app = setup.start();
    let client = app.client();
    let greedy = people::with_role(client, "STAFF").await.client(client);
    let reader = people::with_role(client, "STAFF").await.client(client);
    let (alone, _) = latencies(&reader).await;
    let searches = (0..SEARCHES)
        .map(|n| format!("a{n}: customers(filter: {{ search: \"{n}q\" }}) {{ totalCount }}"));
    let document: Arc<str> = format!("{{ {} }}", searches.collect::<Vec<_>>().join(" ")).into();
    let began = Instant::now();
    greedy.run(&document, json!({})).await.data();
    let whole = began.elapsed();
    let is_over = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(AtomicU64::new(0));
    let loops: Vec<_> = (0..LOOPS)
        .map(|_| {
            let (client, document) = (greedy.clone(), document.clone());
            let (is_over, answers) = (is_over.clone(), answers.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = client.run(&document, json!({})).await;
                    // Those who ask for more than may wait are told so.
                    let code = answer.code().unwrap_or("RATE_LIMITED");
                    assert_eq!(code, "RATE_LIMITED", "{:?}", answer.body);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (median, late) = latencies(&reader).await;
    is_over.store(true, Ordering::Relaxed);
    for task in loops {
        task.await.expect("a loop");
    }
    let answers = answers.load(Ordering::Relaxed);
    println!(
        "alone {alone:?}; beside ten loops {median:?}, 95% {late:?}; they got {answers} answers, the first in {whole:?}"
    );
    assert!(answers > 0);
    // Out of turn one would wait for several of those to end.
    let most = whole.max(Duration::from_millis(250));
    assert!(median < most, "{median:?} of {most:?}");
}

tests::both_ways!(alone: ten_loops_of_one_caller_starve_nobody);
