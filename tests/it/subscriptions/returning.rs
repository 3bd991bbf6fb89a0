//! Hundreds of sockets that resume at once, after their gateway was killed: each gets everything once and in order, the log is read
//! about as often as for one of them, and who listens live waits no longer than before.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::socket::Socket;
use tests::statements::StatementLog;
use tests::{Setup, customers, ids};

const SOCKETS: usize = 500;
const EVENTS: usize = 1_100;
/// How many of the documents differ.
const KINDS: usize = 5;
/// Reads of the log, whichever way: 500 readers on their own would need some thousands.
const MOST_READS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(2);

/// A subscription like all of its kind, and unlike those of others.
fn document(kind: usize) -> String {
    format!(
        "subscription Of{kind}($after: String) {{ customerChanged(after: $after) {{ cursor type customer {{ id name }} }} }}"
    )
}

/// Creates customers, fifty in a request.
async fn create_many(client: &Client, count: usize) {
    let field = |number: usize| {
        format!(
            "c{number}: createCustomer(input: {{ name: \"C {number}\", email: \"c{number}@example.com\" }}) {{ customer {{ id }} }}"
        )
    };
    for from in (0..count).step_by(50) {
        let fields: Vec<String> = (from..count.min(from + 50)).map(field).collect();
        let mutation = format!("mutation {{ {} }}", fields.join(" "));
        client.run(&mutation, json!({})).await.data();
    }
}

/// Resumes, and returns the positions of what comes.
async fn resume(client: &Client, kind: usize, after: &str) -> Vec<u64> {
    let mut socket: Socket = client.socket().await;
    socket
        .subscribe("1", &document(kind), json!({ "after": after }))
        .await;
    let mut positions = Vec::with_capacity(EVENTS);
    for _ in 0..EVENTS {
        let change = socket.change("1").await;
        positions.push(ids::position(change["cursor"].as_str().expect("a cursor")));
    }
    positions
}

async fn hundreds_return_at_once(postgres: Postgres, setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let mut app = setup.start_many(1, 0, &[]);
    let after = app.client().head().await;
    create_many(app.client(), EVENTS).await;
    app.client().head_after(&after, EVENTS as u64).await;
    // Nothing is in the memory of the next one.
    app.gateways[0].kill_and_restart();
    let client = app.client().clone();

    let mut live = client.socket().await;
    let now = json!({ "after": client.head().await });
    live.subscribe("1", customers::CHANGES, now).await;
    let returning = async {
        let each = (0..SOCKETS).map(|number| {
            let (client, after) = (client.clone(), after.clone());
            tokio::spawn(async move { resume(&client, number % KINDS, &after).await })
        });
        join_all(each).await
    };
    let mut expected: Option<Vec<u64>> = None;
    let mut slowest = Duration::ZERO;
    let work = async {
        let mut returning = std::pin::pin!(returning);
        let mut number = 0;
        let returned = loop {
            tokio::select! {
                returned = &mut returning => break returned,
                latency = hear_one(&client, &mut live, number) => {
                    slowest = slowest.max(latency);
                    number += 1;
                }
            }
        };
        assert!(number > 0, "somebody listened live meanwhile");
        for positions in returned {
            let positions = positions.expect("a client");
            assert!(positions.is_sorted_by(|a, b| a < b), "in order, each once");
            assert_eq!(*expected.get_or_insert(positions.clone()), positions);
        }
    };
    let reads = log.of(&["order by p.position limit"], work).await;
    println!(
        "{} reads of the log, a live one waited {slowest:?}",
        reads.len()
    );
    assert!(
        reads.len() < MOST_READS,
        "{} reads:\n{}",
        reads.len(),
        reads.join("\n")
    );
    assert!(slowest < PATIENCE, "a live one waited {slowest:?}");
}

/// Returns how long it takes from a mutation to a socket that listens live.
async fn hear_one(client: &Client, live: &mut Socket, number: usize) -> Duration {
    let began = Instant::now();
    let name = format!("Live {number}");
    customers::create(client, &name, &format!("live{number}@example.com")).await;
    loop {
        let change: Value = live.change("1").await;
        if change["customer"]["name"] == name {
            return began.elapsed();
        }
    }
}

#[test]
fn distributed() {
    tests::setup::run_alone(|| async {
        // A server of its own: only there the statements of this test are alone.
        let postgres = Postgres::start();
        let setup = Setup::distributed_on(&postgres, Redis::shared());
        hundreds_return_at_once(postgres, setup).await;
    });
}
