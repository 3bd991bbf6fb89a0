//! Two Postgres hosts under load. The primary is killed, or stops and comes back while its standby has been promoted: the processes go
//! on by themselves, what was answered is there, and nobody goes back. A failover begins an epoch, so subscribers start over.

use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;
use tests::comparison::{Course, Findings, KnownLog};
use tests::postgres::{Postgres, url_of};
use tests::redis::Redis;
use tests::setup::connect;
use tests::subscriber::{Mood, Subscriber};
use tests::waiting::SOON;
use tests::writers::Writers;
use tests::{Ledger, Running, Setup, database, eventually, ids};

use super::{WRITERS, await_exact_statistics, compare_histories};

/// How long mutations wait after the promotion, as the pages for operators say.
const GOES_ON_WITHIN: Duration = Duration::from_secs(20);
const MUTATIONS: usize = 600;

/// Two servers, the second of which has each commit of the first, and all that works on them.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    setup: Setup,
    name: String,
    app: Running,
    writers: Writers,
    subscribers: Vec<Subscriber>,
    ledger: Ledger,
    start: String,
}

impl Pair {
    async fn begin(name: &str) -> Self {
        let (primary, standby, mut setup) = tokio::task::block_in_place(|| {
            let primary = Postgres::start();
            let setup = Setup::distributed_on(&primary, Redis::shared());
            let standby = primary.standby();
            primary.wait_for_standby();
            (primary, standby, setup)
        });
        let database = setup.database_url.rsplit('/').next().expect("a name");
        let database = database.to_owned();
        setup.database_url = url_of(&[&primary, &standby], &database);
        let app = setup.start_many(2, 1, &[]);
        let clients = app.clients();
        let start = app.client().head().await;
        let subscribers = [Mood::Restless, Mood::Steady]
            .map(|mood| Subscriber::start(clients.clone(), &start, mood));
        let writers = Writers::start(clients, WRITERS, MUTATIONS);
        writers.await_acknowledged(MUTATIONS / 3).await;
        Self {
            primary,
            standby,
            ledger: Ledger::open(name, &setup),
            setup,
            name: database,
            app,
            writers,
            subscribers: subscribers.into(),
            start,
        }
    }

    /// Promotes the standby, and waits until mutations go on.
    async fn fail_over(&self) {
        let before = self.writers.acknowledged();
        tokio::task::block_in_place(|| self.standby.promote());
        let promoted = Instant::now();
        self.writers.await_acknowledged(before + 2 * WRITERS).await;
        let took = promoted.elapsed();
        assert!(took < GOES_ON_WITHIN, "mutations went on after {took:?}");
    }

    /// Holds all to account, on the new primary.
    async fn settle(mut self) {
        let fresh = eventually("both gateways are of the new epoch", SOON, async || {
            let mut heads = Vec::new();
            for client in self.app.clients() {
                let answer = client.run("{ __typename }", serde_json::json!({})).await;
                heads.push(answer.body["extensions"]["cursor"].as_str()?.to_owned());
            }
            let is_new = |head: &String| ids::epoch(head) != ids::epoch(&self.start);
            heads.iter().all(is_new).then(|| heads.swap_remove(0))
        })
        .await;
        let old = std::mem::take(&mut self.subscribers);
        let from_the_beginning = ids::cursor_at(&fresh, 0);
        let fresh = Subscriber::start(self.app.clients(), &from_the_beginning, Mood::Restless);
        self.ledger.enter(self.writers.finish().await);
        let database = connect(&self.standby.url(&self.name)).await;
        self.ledger.compare_log(&database).await;
        for subscriber in old {
            compare_until_told(subscriber, &database).await;
        }
        self.ledger.compare_subscriber(fresh).await;
        await_exact_statistics(&self.app, &database).await;
        compare_histories(&self.app, &database).await;
        let gateways = self.app.gateways.iter_mut();
        let mut processes = gateways
            .map(|it| &mut it.process)
            .chain(&mut self.app.workers);
        assert!(processes.all(|it| it.is_running()), "nobody was restarted");
        self.ledger.close(MUTATIONS);
        drop(self.setup);
    }
}

/// A subscriber of the old epoch is told so, and nothing else. What it got before is the log, in order and without a gap.
async fn compare_until_told(subscriber: Subscriber, database: &DatabaseConnection) {
    let told = eventually("a subscriber is told", SOON, async || {
        let told = subscriber.take_problems();
        (!told.is_empty()).then_some(told)
    })
    .await;
    let others: Vec<_> = told
        .iter()
        .filter(|it| !it.contains("CURSOR_INVALID"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let (start, end) = (subscriber.start, subscriber.position());
    let mut entries = database::log(database).await;
    entries.retain(|entry| entry.position.is_some_and(|position| position <= end));
    let (mut log, mut findings) = (KnownLog::default(), Findings::default());
    log.extend(entries, &mut findings);
    let wants = |entry: &database::LogEntry| entry.stream == "customer";
    Course::new(start).compare(subscriber.take(), &log, wants, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
}

async fn the_primary_is_killed(_: Setup) {
    let pair = Pair::begin("The primary was killed, its standby promoted").await;
    tokio::task::block_in_place(|| pair.primary.kill());
    pair.fail_over().await;
    pair.settle().await;
}

async fn the_primary_stops_and_comes_back(_: Setup) {
    let pair = Pair::begin("The primary stopped, and came back too late").await;
    let stopped = tokio::task::block_in_place(|| pair.primary.stop());
    pair.fail_over().await;
    drop(stopped);
    // It believes that it is the primary. Commits of before, which nobody was told of, wait there for their standby, and for ever.
    let old = |statement: &str| {
        tokio::task::block_in_place(|| pair.primary.execute(&pair.name, statement))
    };
    let connections = "select count(*) from pg_stat_activity where application_name = 'millrace'
        and wait_event is distinct from 'SyncRep'";
    eventually("the old one is left", SOON, async || {
        (old(connections) == "0").then_some(())
    })
    .await;
    let events = "select count(*) from event";
    let left_with = old(events);
    for _ in 0..3 {
        let before = pair.writers.acknowledged();
        let ended = tokio::task::block_in_place(|| pair.standby.end_connections());
        assert!(ended > 0, "the processes are connected to the new one");
        pair.writers.await_acknowledged(before + 2 * WRITERS).await;
    }
    assert_eq!(old(events), left_with, "nobody writes to the old one");
    pair.settle().await;
}

tests::distributed!(the_primary_is_killed, the_primary_stops_and_comes_back);
