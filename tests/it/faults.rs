//! What the promises are worth: real processes are killed, paused and cut off while eight writers write and two subscribers
//! reconnect at random; afterwards the ledger must show nothing lost, doubled or reordered.

mod contention;
mod disks;
mod failover;
mod followers;
mod gateways;
mod groups;
mod hosts;
mod pooler;
mod postgres;
mod redis;
mod relays;
mod replicas;
mod restored;
mod silences;
mod sole;
mod transactions;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tests::subscriber::{Mood, Subscriber};
use tests::waiting::SOON;
use tests::writers::Writers;
use tests::{Ledger, Running, Setup, customers, database, eventually, extent};

/// Mutations that are answered in each test, at least.
static MUTATIONS: LazyLock<usize> = LazyLock::new(|| extent::of(1_500, 5_000));
const WRITERS: usize = 8;

/// Writers and subscribers at work.
struct Scene<'a> {
    setup: &'a Setup,
    app: Running,
    writers: Writers,
    subscribers: Vec<Subscriber>,
    ledger: Ledger,
}

impl<'a> Scene<'a> {
    /// Two subscribers over all gateways, and the writers. Some customers exist before.
    async fn begin(name: &str, setup: &'a Setup, gateways: usize, workers: usize) -> Self {
        let app = setup.start_many(gateways, workers, &[]);
        let ledger = Ledger::open(name, setup);
        let clients = app.clients();
        let start = app.client().head().await;
        let subscribers = [Mood::Restless, Mood::Steady]
            .map(|mood| Subscriber::start(clients.clone(), &start, mood));
        let writers = Writers::start(clients, WRITERS, *MUTATIONS);
        Self {
            setup,
            app,
            writers,
            subscribers: subscribers.into(),
            ledger,
        }
    }

    /// Ends the writers, and holds the ledger, the histories and the statistics to account.
    async fn settle(mut self) {
        self.ledger.enter(self.writers.finish().await);
        let database = self.setup.database().await;
        self.ledger.compare_log(&database).await;
        for subscriber in self.subscribers {
            self.ledger.compare_subscriber(subscriber).await;
        }
        for gateway in &mut self.app.gateways {
            if !gateway.process.is_running() {
                gateway.restart();
            }
        }
        if self.setup.is_distributed()
            && self
                .app
                .workers
                .iter_mut()
                .all(|worker| !worker.is_running())
        {
            self.app.workers.push(self.setup.workers(&[]));
        }
        await_exact_statistics(&self.app, &database).await;
        compare_histories(&self.app, &database).await;
        self.ledger.close(*MUTATIONS);
    }
}

/// The statistics come to what the table of customers and the log have, so that every event was counted once.
async fn await_exact_statistics(app: &Running, database: &sea_orm::DatabaseConnection) {
    let mut expected = BTreeMap::new();
    for status in ["PROSPECT", "ACTIVE", "SUSPENDED", "CLOSED"] {
        let statement = format!(
            "select count(*) as number from customer where deleted_at is null and status = '{status}'"
        );
        expected.insert(status, database::number(database, &statement).await);
    }
    for (count, kind) in [
        ("created", "Created"),
        ("deleted", "Deleted"),
        ("restored", "Restored"),
    ] {
        let statement =
            format!("select count(*) as number from event where type = 'Customer{kind}'");
        expected.insert(count, database::number(database, &statement).await);
    }
    let what = format!("statistics come to {expected:?}");
    eventually(&what, SOON, async || {
        let statistics = customers::statistics(app.client()).await;
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for row in statistics["byStatus"].as_array().expect("rows") {
            let status = row["status"].as_str().expect("a status");
            found.insert(status, row["count"].as_u64().expect("a count"));
        }
        for count in ["created", "deleted", "restored"] {
            let days = statistics["byDay"].as_array().expect("rows").iter();
            found.insert(count, days.filter_map(|day| day[count].as_u64()).sum());
        }
        (found == expected).then_some(())
    })
    .await;
}

/// The API's history of some customers is what the log has.
async fn compare_histories(app: &Running, database: &sea_orm::DatabaseConnection) {
    let document =
        "{ customers(first: 20) { nodes { version history(first: 100) { nodes { version } } } } }";
    let answer = app.client().run(document, json!({})).await;
    for customer in answer.data()["customers"]["nodes"]
        .as_array()
        .expect("nodes")
    {
        let versions: Vec<&Value> = customer["history"]["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| &node["version"])
            .collect();
        let expected: Vec<u64> =
            (1..=customer["version"].as_u64().expect("a version").min(100)).collect();
        assert_eq!(versions, expected, "a history has every version");
    }
    let statement = "select count(*) as number from customer c where c.version <> \
        (select max(version) from event e where e.stream_id = c.id)";
    assert_eq!(
        database::number(database, statement).await,
        0,
        "customers that are not at their last event"
    );
}
