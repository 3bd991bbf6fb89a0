//! Crowds: one event for 10 subscribers beside 100,000 other subscriptions, one event for as many sockets as there may be, and
//! thousands who resume at once: `make bench-crowd`. Others are one live subscriber, and one who asks. It uses a private Postgres and a
//! private Redis, and addresses of loopback only.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::admin::Admin;
use tests::graphql::Client;
use tests::socket::Socket;
use tests::{Gateway, Setup, customers, eventually};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::summary::percentile;

const USAGE: &str = "bench crowd [--others N] [--sockets N] [--resuming N]";
const LISTENERS: usize = 10;
const CHANGES: usize = 300;
/// The operations of a socket, which has at most 100.
const OPERATIONS: usize = 100;
/// What those who resume have missed.
const MISSED: usize = 500;
const GRACE: Duration = Duration::from_secs(120);

const ONE: &str =
    "subscription One($id: ID!) { customerChanged(id: $id) { customer { id name } } }";
const ALL: &str =
    "subscription All($after: String) { customerChanged(after: $after) { customer { id name } } }";

/// What one process at the gateway's door measures with.
struct Bench {
    gateway: Gateway,
    admin: Admin,
    client: Client,
    /// The customer that changes, and how often it did: a name that it has already is no change.
    id: String,
    changes: Cell<usize>,
}

pub fn main(mut arguments: impl Iterator<Item = String>) {
    let (mut others, mut sockets, mut resuming) = (100_000, 14_000, 2_000);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .and_then(|value| value.parse::<usize>().ok());
        match (name.as_str(), value) {
            ("--others", Some(number)) => others = number.clamp(OPERATIONS, 200_000),
            ("--sockets", Some(number)) => sockets = number.clamp(1, 50_000),
            ("--resuming", Some(number)) => resuming = number.clamp(1, 10_000),
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
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let setup = Setup::distributed();
        // Each has a gateway of its own: memory left over from one would hide what the next takes.
        Bench::start(&setup).await.beside_others(others).await;
        Bench::start(&setup).await.to_all(sockets).await;
        Bench::start(&setup).await.resume(resuming).await;
    });
}

impl Bench {
    async fn start(setup: &Setup) -> Self {
        let most = "1000000";
        let mut gateway = setup.gateway(&[
            "--admin-listen",
            "127.0.0.1:0",
            "--max-subscriptions",
            most,
            "--max-subscriptions-per-user",
            most,
            "--max-subscriptions-per-address",
            most,
            "--max-sockets-per-user",
            most,
            "--max-clients-per-address",
            most,
            "--max-subscription-bytes",
            "1000000000",
        ]);
        let admin = Admin::of(&mut gateway.process);
        let client = gateway.client.clone();
        let email = format!("{}@example.com", fastrand::u64(..));
        let customer = customers::create(&client, "The one", &email).await;
        Self {
            id: customer["id"].as_str().expect("an id").to_owned(),
            changes: Cell::new(0),
            gateway,
            admin,
            client,
        }
    }

    /// Opens sockets with one subscription each.
    async fn open(&self, count: usize, document: &str, variables: &Value) -> Vec<Socket> {
        let mut sockets = Vec::new();
        for _ in 0..count {
            let mut socket = self.client.socket().await;
            socket.subscribe("1", document, variables.clone()).await;
            sockets.push(socket);
        }
        sockets
    }

    async fn await_subscriptions(&self, count: usize) {
        eventually("all subscriptions", GRACE, async || {
            let open = self.admin.scrape().await.sum("millrace_subscriptions", &[]);
            (open >= count as f64).then_some(())
        })
        .await;
    }

    /// Returns the next name of the customer.
    fn next_name(&self) -> String {
        let number = self.changes.replace(self.changes.get() + 1);
        format!("The one {number}|")
    }

    async fn change(&self, name: &str) {
        let input = json!({ "id": self.id, "name": name });
        customers::apply(&self.client, "update", input).await;
    }

    /// Returns the microseconds from each of some mutations to each of these sockets.
    async fn latencies(&self, sockets: &mut [Socket], changes: usize) -> Vec<u32> {
        let mut latencies = Vec::new();
        for _ in 0..changes {
            let (sent, name) = (Instant::now(), self.next_name());
            let arrivals = sockets.iter_mut().map(async |socket| {
                hear(socket, &name).await;
                sent.elapsed().as_micros() as u32
            });
            let ((), arrived) = tokio::join!(self.change(&name), join_all(arrivals));
            latencies.extend(arrived);
        }
        latencies.sort_unstable();
        latencies
    }

    async fn beside_others(&self, others: usize) {
        let of_one = json!({ "id": self.id });
        let mut listeners = self.open(LISTENERS, ONE, &of_one).await;
        self.await_subscriptions(LISTENERS).await;
        self.latencies(&mut listeners, CHANGES).await;
        let alone = self.latencies(&mut listeners, CHANGES).await;
        let before = self.gateway.process.resident_bytes();
        let rows = (0..1_000).map(|number| {
            let email = format!("other.{number}@example.com");
            json!({ "name": format!("Other {number}"), "email": email })
        });
        customers::create_many(&self.client, rows.collect()).await;
        let ids = customer_ids(&self.client).await;
        let mut crowd = JoinSet::new();
        for number in 0..others / OPERATIONS {
            let mut socket = self.client.socket().await;
            for operation in 0..OPERATIONS {
                let id = &ids[(number * OPERATIONS + operation) % ids.len()];
                // Each tenth is unlike all others, so that groups are of different sizes.
                let document = match operation % 10 {
                    0 => format!(
                        "subscription S{number}_{operation}($id: ID!) {{ customerChanged(id: $id) {{ customer {{ id }} }} }}"
                    ),
                    _ => ONE.to_owned(),
                };
                socket
                    .subscribe(&operation.to_string(), &document, json!({ "id": id }))
                    .await;
            }
            crowd.spawn_local(async move { while text(&mut socket).await.is_some() {} });
        }
        self.await_subscriptions(LISTENERS + others / OPERATIONS * OPERATIONS)
            .await;
        let grown = self.gateway.process.resident_bytes().saturating_sub(before);
        let beside = self.latencies(&mut listeners, CHANGES).await;
        crowd.shutdown().await;
        let [one, other] = [&alone, &beside].map(|all| [50.0, 99.0].map(|it| percentile(all, it)));
        println!("one event to {LISTENERS} subscribers");
        println!("   alone: p50 {:.2} ms, p99 {:.2} ms", one[0], one[1]);
        println!(
            "   beside {others} other subscriptions: p50 {:.2} ms, p99 {:.2} ms; ratios {:.2} and {:.2}",
            other[0],
            other[1],
            other[0] / one[0],
            other[1] / one[1]
        );
        println!(
            "   memory of one of these: {:.1} KiB",
            grown as f64 / 1024.0 / others as f64
        );
    }

    async fn to_all(&self, sockets: usize) {
        let calm = self.asked(Duration::from_secs(3)).await;
        let before = self.gateway.process.resident_bytes();
        let heard = Rc::new(Cell::new(0));
        let mut crowd = JoinSet::new();
        for _ in 0..sockets {
            let mut socket = self.client.socket().await;
            socket.subscribe("1", ALL, json!({})).await;
            let heard = heard.clone();
            crowd.spawn_local(async move {
                while let Some(text) = text(&mut socket).await {
                    heard.set(heard.get() + usize::from(text.contains("The one")));
                }
            });
        }
        self.await_subscriptions(sockets).await;
        let grown = self.gateway.process.resident_bytes().saturating_sub(before);
        let mut times = Vec::new();
        for _ in 0..10 {
            heard.set(0);
            let sent = Instant::now();
            self.change(&self.next_name()).await;
            while heard.get() < sockets {
                assert!(
                    sent.elapsed() < GRACE,
                    "{} of {sockets} heard it",
                    heard.get()
                );
                sleep(Duration::from_millis(1)).await;
            }
            times.push(sent.elapsed().as_micros() as u32);
        }
        times.sort_unstable();
        let changing = async {
            for _ in 0..30 {
                self.change(&self.next_name()).await;
                sleep(Duration::from_millis(100)).await;
            }
        };
        let (during, ()) = tokio::join!(self.asked(Duration::from_secs(3)), changing);
        crowd.shutdown().await;
        println!("one event to {sockets} sockets");
        println!(
            "   until the last has it: p50 {:.0} ms, longest {:.0} ms",
            percentile(&times, 50.0),
            percentile(&times, 100.0)
        );
        println!(
            "   memory of a socket: {:.1} KiB",
            grown as f64 / 1024.0 / sockets as f64
        );
        println!(
            "   a query of another, p99: {calm:.2} ms when calm, {during:.2} ms beside ten events a second to all of them"
        );
    }

    async fn resume(&self, resuming: usize) {
        let mut live = self.open(1, ALL, &json!({})).await;
        self.await_subscriptions(1).await;
        let calm = self.latencies(&mut live, CHANGES).await;
        let start = self.client.head().await;
        let mut end = String::new();
        for _ in 0..MISSED {
            end = self.next_name();
            self.change(&end).await;
        }
        hear(&mut live[0], &end).await;
        let mut sockets = Vec::new();
        for _ in 0..resuming {
            sockets.push(self.client.socket().await);
        }
        let spent = self.gateway.process.processor_time();
        let began = Instant::now();
        let mut crowd = JoinSet::new();
        for mut socket in sockets {
            let (start, end) = (start.clone(), end.clone());
            crowd.spawn_local(async move {
                socket.subscribe("1", ALL, json!({ "after": start })).await;
                let mut events = 0;
                while let Some(text) = text(&mut socket).await {
                    events += usize::from(text.contains("The one "));
                    if text.contains(&end) {
                        break;
                    }
                }
                assert_eq!(events, MISSED, "none is lost, and none is repeated");
                events
            });
        }
        let mut beside = Vec::new();
        let mut caught_up = 0;
        while !crowd.is_empty() {
            beside.extend(self.latencies(&mut live, 1).await);
            while let Some(done) = crowd.try_join_next() {
                caught_up += done.expect("no panic");
            }
            assert!(began.elapsed() < GRACE, "{} still resume", crowd.len());
        }
        let took = began.elapsed();
        let spent = self.gateway.process.processor_time() - spent;
        beside.sort_unstable();
        println!("{resuming} resume at once behind {MISSED} events");
        println!(
            "   all have caught up after {:.1} s: {caught_up} deliveries, {:.1} µs of the gateway's processor time each",
            took.as_secs_f64(),
            spent.as_secs_f64() * 1e6 / caught_up as f64
        );
        println!(
            "   from a mutation to a live subscriber: p50 {:.2} ms, p99 {:.2} ms; calm {:.2} and {:.2}",
            percentile(&beside, 50.0),
            percentile(&beside, 99.0),
            percentile(&calm, 50.0),
            percentile(&calm, 99.0)
        );
    }

    /// Returns the 99th percentile of the milliseconds that a query takes, one after the other.
    async fn asked(&self, duration: Duration) -> f64 {
        let mut times = Vec::new();
        let began = Instant::now();
        while began.elapsed() < duration {
            let asked = Instant::now();
            self.client.run("{ me { id } }", json!({})).await.data();
            times.push(asked.elapsed().as_micros() as u32);
        }
        times.sort_unstable();
        percentile(&times, 99.0)
    }
}

/// Returns the next text of a socket that is not a ping, which it answers; `None` at the end.
async fn text(socket: &mut Socket) -> Option<String> {
    loop {
        let text = socket.text().await?;
        match text.contains("\"type\":\"ping\"") {
            true => socket.send(json!({ "type": "pong" })).await,
            false => return Some(text.to_string()),
        }
    }
}

async fn hear(socket: &mut Socket, mark: &str) {
    while let Some(text) = text(socket).await {
        if text.contains(mark) {
            return;
        }
    }
    panic!("the socket ended");
}

/// Returns the ids of a thousand customers.
async fn customer_ids(client: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = Value::Null;
    while ids.len() < 1_000 {
        let document = "query($after: String) { customers(first: 100, after: $after, filter: { search: \"other\" }) { \
            nodes { id } pageInfo { endCursor } } }";
        let answer = client.run(document, json!({ "after": after })).await;
        let page = &answer.data()["customers"];
        let nodes = page["nodes"].as_array().expect("nodes");
        assert!(!nodes.is_empty(), "{} customers", ids.len());
        ids.extend(
            nodes
                .iter()
                .filter_map(|it| it["id"].as_str().map(str::to_owned)),
        );
        after = page["pageInfo"]["endCursor"].clone();
    }
    ids
}
