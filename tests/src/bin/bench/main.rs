//! The benchmark: the distributed gateway against its peers, in alternating rounds on one machine, on private Postgres and
//! Redis. `make bench BENCH="--seconds 5 --rounds 3"`. It prints medians of the rounds and their ratios. `bench rebuild` is
//! `rebuild.rs`, `bench followers` is `followers.rs`, `bench watchers` is `watchers.rs`, `bench crowd` is `crowd.rs`.

mod chat;
mod crowd;
mod fanout;
mod followers;
mod load;
mod rebuild;
mod servers;
mod stores;
mod summary;
mod watchers;

use std::time::Duration;

use servers::{Kind, Server};
use stores::{Rows, Store};
use summary::Summary;

const USAGE: &str = "bench [--seconds N] [--rounds N] [--customers N] [--posts N] \
    [--only q3,q1,q2,m1,s1,chat,sockets] [--servers millrace,mercurius,stock]";

/// The measurements, and their duration.
struct Plan {
    seconds: u64,
    rounds: usize,
    rows: Rows,
    only: Option<Vec<String>>,
    servers: Vec<Kind>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan = Self {
            seconds: 5,
            rounds: 3,
            rows: Rows {
                customers: 100_000,
                posts: 10_000,
            },
            only: None,
            servers: Kind::ALL.to_vec(),
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{name} {value}: not a number\n{USAGE}"))
            };
            match name.as_str() {
                "--seconds" => plan.seconds = number()?.clamp(1, 60),
                "--rounds" => plan.rounds = number()?.clamp(1, 20) as usize,
                "--customers" => plan.rows.customers = number()?.clamp(1_000, 1_000_000),
                "--posts" => plan.rows.posts = number()?.clamp(100, 1_000_000),
                "--only" => plan.only = Some(value.split(',').map(str::to_owned).collect()),
                "--servers" => {
                    plan.servers = value
                        .split(',')
                        .map(Kind::named)
                        .collect::<Option<_>>()
                        .ok_or(USAGE)?
                }
                _ => return Err(USAGE.into()),
            }
        }
        if !plan.has("q2") {
            plan.rows.posts = 0;
        }
        Ok(plan)
    }

    fn has(&self, workload: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|name| name == workload))
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("rebuild") => return rebuild::main(std::env::args().skip(2)),
        Some("followers") => return followers::main(std::env::args().skip(2)),
        Some("crowd") => return crowd::main(std::env::args().skip(2)),
        Some("watchers") => return watchers::main(std::env::args().skip(2)),
        _ => {}
    }
    let plan = Plan::parse(std::env::args().skip(1)).unwrap_or_else(|problem| {
        eprintln!("{problem}");
        std::process::exit(2);
    });
    // One thread: on a small machine the load generator must leave the servers as much as possible.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(&plan));
}

async fn run(plan: &Plan) {
    let is_peer = |kind: &&Kind| **kind != Kind::Millrace;
    let peers: Vec<&'static str> = plan
        .servers
        .iter()
        .filter(is_peer)
        .map(|kind| kind.name())
        .collect();
    eprintln!(
        "{} customers and {} posts for each",
        plan.rows.customers, plan.rows.posts
    );
    let own = Store::of_millrace(plan.rows).await;
    let theirs = Store::of_peers(plan.rows);
    let mut summary = Summary::new(peers);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for kind in &plan.servers {
            let store = match kind {
                Kind::Millrace => &own,
                _ => &theirs,
            };
            let server = kind.start(store);
            measure(plan, &server, &mut summary).await;
            drop(server);
            if plan.has("sockets") && kind.runs("sockets") {
                // This server is a new one: memory left over from the load would hide what sockets take.
                let server = kind.start(store);
                fanout::measure_idle(&server, &mut summary).await;
            }
        }
    }
    summary.print(plan.rounds, plan.seconds);
}

async fn measure(plan: &Plan, server: &Server<'_>, summary: &mut Summary) {
    let has = |workload: &str| plan.has(workload) && server.kind.runs(workload);
    for workload in ["q3", "q1", "q2", "m1"] {
        if has(workload) {
            server.store.settle();
            load::measure(server, workload, plan.duration(), summary).await;
        }
    }
    if has("s1") {
        server.store.settle();
        fanout::measure_customers(server, plan.duration(), summary).await;
    }
    if has("chat") {
        server.store.settle();
        chat::measure(server, plan.duration(), summary).await;
    }
}
