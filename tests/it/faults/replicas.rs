//! Read replicas under load: what one gateway has answered, or told a subscriber, is in the lists of every other one, while the replica
//! that answers them lags, is killed, stops, cancels statements and is promoted. No query fails, and none takes long.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::admin::{Admin, Scrape};
use tests::customers::{self, changed};
use tests::graphql::{Answer, Client};
use tests::postgres::Postgres;
use tests::recipe::finish;
use tests::redis::Redis;
use tests::waiting::SOON;
use tests::{Running, Setup, eventually};
use tokio::task::JoinHandle;

/// Three times what a query may lose at a replica, as the pages for operators say.
const BOUND: Duration = Duration::from_secs(10);
const PEOPLE: usize = 6;
/// The reads during each fault.
const READS: u64 = 60;

const LIST: &str = "query List($filter: CustomerFilter) { customers(filter: $filter, first: 5) { totalCount nodes { id name version } } }";
const POSTS: &str = "query Posts($filter: PostFilter) { posts(filter: $filter, first: 5) { nodes { id version } } }";
const CREATE_POST: &str =
    "mutation Create($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";

/// A primary, its standby, and gateways that use it as a replica.
struct Stage {
    primary: Postgres,
    standby: Postgres,
    name: String,
    setup: Setup,
}

impl Stage {
    fn set() -> Self {
        tokio::task::block_in_place(|| {
            let primary = Postgres::start();
            let mut setup = Setup::distributed_on(&primary, Redis::shared());
            let standby = primary.standby();
            standby.await_all_of(&primary);
            let name = setup.database_url.rsplit('/').next().expect("a name");
            let (name, url) = (name.to_owned(), standby.url(name));
            setup.settings.set("MILLRACE_REPLICA_URL", &url);
            setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
            Self {
                primary,
                standby,
                name,
                setup,
            }
        })
    }

    fn tell_standby(&self, statements: &[&str]) {
        tokio::task::block_in_place(|| {
            for statement in statements {
                self.standby.execute(&self.name, statement);
            }
        });
    }
}

/// What became of the queries of all.
#[derive(Default)]
struct Reads {
    count: AtomicU64,
    longest_ms: AtomicU64,
    is_over: AtomicBool,
}

impl Reads {
    /// Sends a query, which has to be answered.
    async fn ask(&self, client: &Client, document: &str, variables: Value, token: &str) -> Value {
        let headers = [("read-after", token)];
        let headers = if token.is_empty() { &[][..] } else { &headers };
        let began = Instant::now();
        let answer = client.run_with(document, variables, headers).await;
        let took = began.elapsed();
        assert!(answer.body["errors"].is_null(), "{}", answer.http.text());
        assert!(took < BOUND, "it took {took:?}");
        self.count.fetch_add(1, Ordering::Relaxed);
        let took = took.as_millis() as u64;
        self.longest_ms.fetch_max(took, Ordering::Relaxed);
        answer.data().clone()
    }

    async fn list(&self, client: &Client, filter: Value) -> Value {
        let listed = self
            .ask(client, LIST, json!({ "filter": filter }), "")
            .await;
        listed["customers"].clone()
    }

    /// Waits for this many more reads.
    async fn await_more(&self, what: &str, people: &[JoinHandle<()>]) {
        let until = self.count.load(Ordering::Relaxed) + READS;
        let longest = self.longest_ms.swap(0, Ordering::Relaxed);
        println!("before {what}: {longest} ms at most");
        eventually(what, SOON, async || {
            assert!(people.iter().all(|it| !it.is_finished()), "somebody failed");
            (self.count.load(Ordering::Relaxed) >= until).then_some(())
        })
        .await;
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

fn token(answer: &Answer) -> String {
    let token = answer.body["extensions"]["readAfter"].as_str();
    let token = token.unwrap_or_else(|| panic!("no token: {}", answer.http.text()));
    token.to_owned()
}

/// Somebody who writes at one gateway, and looks at once at the other.
async fn write_and_read(reads: Arc<Reads>, clients: Vec<Client>, number: usize) {
    let mut turn = 0;
    while !reads.is_over() {
        let here = &clients[(number + turn) % clients.len()];
        let there = &clients[(number + turn + 1) % clients.len()];
        let email = format!("{number}-{turn}@example.org");
        let customer = customers::create(here, "Ada", &email).await;
        let listed = reads.list(there, json!({ "email": { "eq": email } })).await;
        assert_eq!(listed["totalCount"], 1, "{listed}");
        assert_eq!(listed["nodes"][0]["id"], customer["id"]);
        let input = json!({ "id": customer["id"], "name": "Grace" });
        let answer = customers::send(here, "update", input).await;
        let version = changed("update", &answer)["version"].clone();
        let by_id = json!({ "id": { "eq": customer["id"] } });
        let listed = reads.list(there, by_id).await;
        assert_eq!(listed["nodes"][0]["version"], version, "{listed}");
        assert_eq!(
            customers::find(there, &customer["id"]).await["version"],
            version
        );
        if turn % 4 == 0 {
            let input = json!({ "input": { "message": email } });
            let posted = here.run(CREATE_POST, input).await;
            let id = &posted.data()["createPost"]["post"]["id"];
            let filter = json!({ "filter": { "id": { "eq": id } } });
            let listed = reads.ask(there, POSTS, filter, &token(&posted)).await;
            assert_eq!(&listed["posts"]["nodes"][0]["id"], id, "{listed}");
        }
        turn += 1;
    }
}

/// Somebody who looks at what a subscription tells, at all gateways: neither lists nor caches are behind it.
async fn hear_and_read(reads: Arc<Reads>, clients: Vec<Client>) {
    let mut socket = clients[0].socket().await;
    let variables = json!({ "after": null });
    socket.subscribe("1", customers::CHANGES, variables).await;
    while !reads.is_over() {
        let change = socket.change("1").await;
        let (id, version) = (&change["customer"]["id"], change["version"].as_i64());
        for client in &clients {
            let listed = reads.list(client, json!({ "id": { "eq": id } })).await;
            assert!(
                listed["nodes"][0]["version"].as_i64() >= version,
                "{listed} {change}"
            );
            let found = customers::find(client, id).await;
            assert!(found["version"].as_i64() >= version, "{found} {change}");
        }
    }
    socket.close().await;
}

async fn scrape_all(admins: &[Admin]) -> Vec<Scrape> {
    let mut scrapes = Vec::new();
    for admin in admins {
        scrapes.push(admin.scrape().await);
    }
    scrapes
}

/// Waits until each gateway has read something more at its replica.
async fn await_used(admins: &[Admin]) {
    let used = |scrape: &Scrape| scrape.sum("millrace_replica_reads_total", &["place=\"replica\""]);
    let before: Vec<f64> = scrape_all(admins).await.iter().map(used).collect();
    eventually("the replica answers", SOON, async || {
        let now = scrape_all(admins).await;
        let mut both = now.iter().map(used).zip(&before);
        both.all(|(now, before)| now > *before).then_some(())
    })
    .await;
}

fn admins(app: &mut Running) -> Vec<Admin> {
    let gateways = app.gateways.iter_mut();
    gateways.map(|it| Admin::of(&mut it.process)).collect()
}

async fn nothing_is_older_whatever_befalls_the_replica(_: Setup) {
    let stage = Stage::set();
    let mut app = stage.setup.start_many(2, 1, &[]);
    let (admins, clients) = (admins(&mut app), app.clients());
    let reads = Arc::new(Reads::default());
    let mut people: Vec<JoinHandle<()>> = (0..PEOPLE)
        .map(|number| tokio::spawn(write_and_read(reads.clone(), clients.clone(), number)))
        .collect();
    people.push(tokio::spawn(hear_and_read(reads.clone(), clients.clone())));
    await_used(&admins).await;

    stage.tell_standby(&["select pg_wal_replay_pause()"]);
    reads
        .await_more("reads beside one that lags", &people)
        .await;
    stage.tell_standby(&["select pg_wal_replay_resume()"]);
    await_used(&admins).await;

    for _ in 0..2 {
        tokio::task::block_in_place(|| stage.standby.kill());
        reads
            .await_more("reads beside one that is dead", &people)
            .await;
        tokio::task::block_in_place(|| stage.standby.restart());
        await_used(&admins).await;
    }

    let stopped = tokio::task::block_in_place(|| stage.standby.stop());
    reads
        .await_more("reads beside one that is silent", &people)
        .await;
    drop(stopped);
    await_used(&admins).await;

    // Whatever reads there is ended as soon as it is in the way.
    stage.tell_standby(&[
        "alter system set max_standby_streaming_delay = 0",
        "select pg_reload_conf()",
    ]);
    for _ in 0..10 {
        tokio::task::block_in_place(|| stage.primary.execute(&stage.name, "vacuum customer"));
        tokio::task::block_in_place(|| stage.standby.end_connections());
        reads.await_more("reads that are cut", &people).await;
    }
    await_used(&admins).await;

    let scrapes = scrape_all(&admins).await;
    for (name, labels) in [
        ("millrace_replica_reads_total", ["place"]),
        ("millrace_replica_fallbacks_total", ["reason"]),
        ("millrace_replica_lag_events", ["replica"]),
    ] {
        assert_eq!(scrapes[0].labels(name), labels, "{name}");
    }
    // Nothing is to cancel the promotion.
    stage.tell_standby(&[
        "alter system reset max_standby_streaming_delay",
        "select pg_reload_conf()",
    ]);
    tokio::task::block_in_place(|| stage.standby.promote());
    stage.tell_standby(&["update customer set name = 'Nobody'"]);
    reads
        .await_more("reads beside one that was promoted", &people)
        .await;
    reads.is_over.store(true, Ordering::Relaxed);
    // The subscriber waits for something to hear.
    customers::create(app.client(), "Eve", "last@example.org").await;
    for person in people {
        person.await.expect("nobody has seen anything older");
    }
    let scrapes = scrape_all(&admins).await;
    for reason in ["behind", "away", "foreign", "resting"] {
        let label = format!("reason=\"{reason}\"");
        let of = |scrape: &Scrape| scrape.sum("millrace_replica_fallbacks_total", &[&label]);
        assert!(
            scrapes.iter().map(of).sum::<f64>() > 0.0,
            "none was {reason}"
        );
    }
    for scrape in &scrapes {
        let of = |place: &str| scrape.sum("millrace_replica_reads_total", &[place]);
        println!(
            "{} at the replica, {} at the primary",
            of("replica"),
            of("primary")
        );
    }
}

/// What cannot be proven is not shown: while the primary is away queries are unavailable, as they are without replicas.
async fn the_primary_is_away(_: Setup) {
    let stage = Stage::set();
    let mut app = stage.setup.start_many(1, 1, &[]);
    let (admins, client) = (admins(&mut app), app.client());
    let reads = Arc::new(Reads::default());
    customers::create(client, "Ada", "ada@example.org").await;
    let used = await_used(&admins);
    let reading = async {
        loop {
            assert_eq!(reads.list(client, json!({})).await["totalCount"], 1);
        }
    };
    tokio::select! {
        () = used => {}
        () = reading => {}
    }
    tokio::task::block_in_place(|| stage.primary.crash());
    let began = Instant::now();
    let answer = client.run(LIST, json!({})).await;
    answer.expect_code("UNAVAILABLE");
    assert!(began.elapsed() < Duration::from_secs(30));
    tokio::task::block_in_place(|| stage.primary.restart());
    eventually("queries are answered", SOON, async || {
        let answer = client.run(LIST, json!({})).await;
        (answer.body["data"]["customers"]["totalCount"] == 1).then_some(())
    })
    .await;
}

fn said(command: &mut Command) -> String {
    let output = finish(command);
    let texts =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts.concat()
}

/// Operators are told of each replica, and nobody of its password.
async fn each_replica_is_named(_: Setup) {
    let mut stage = Stage::set();
    let (port, name) = (stage.standby.port(), stage.name.clone());
    let run = |setup: &Setup, arguments: &[&str]| {
        let mut command = setup.command(arguments);
        tokio::task::block_in_place(|| said(&mut command))
    };
    let well = format!("127.0.0.1:{port}  has all that the primary has");
    let says = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let status = says(&run(&stage.setup, &["status"]));
    assert!(status.contains(&says(&well)), "{status}");
    let status = run(&stage.setup, &["status", "--json"]);
    assert!(status.contains("\"isWell\": true"), "{status}");
    let doctor = says(&run(&stage.setup, &["doctor"]));
    assert!(
        doctor.contains(&format!("ok replicas {}", says(&well))),
        "{doctor}"
    );
    stage.tell_standby(&["select pg_wal_replay_pause()"]);
    tokio::task::block_in_place(|| {
        stage
            .primary
            .execute(&name, "create table late (number int)")
    });
    let doctor = says(&run(&stage.setup, &["doctor"]));
    let behind = format!("warning replicas 127.0.0.1:{port} is behind, by 0 events");
    assert!(doctor.contains(&behind), "{doctor}");
    let secret = format!("postgres://me:unspeakable@127.0.0.1:{port},127.0.0.1:1/{name}");
    stage.setup.settings.set("MILLRACE_REPLICA_URL", &secret);
    let config = run(&stage.setup, &["config"]);
    let masked = format!("replica-url = \"postgres://***@127.0.0.1:{port},127.0.0.1:1/{name}\"");
    assert!(
        config.contains(&masked) && !config.contains("unspeakable"),
        "{config}"
    );
    let file = stage.setup.directory.join("replica");
    std::fs::write(&file, stage.standby.url(&name)).expect("a file");
    stage.setup.settings.leave("MILLRACE_REPLICA_URL");
    let path = file.display().to_string();
    stage.setup.settings.set("MILLRACE_REPLICA_URL_FILE", &path);
    let config = run(&stage.setup, &["config"]);
    assert!(
        config.contains("the file that MILLRACE_REPLICA_URL_FILE names"),
        "{config}"
    );
    stage.setup.database_url = "sqlite://nowhere.db".to_owned();
    let refused = run(&stage.setup, &["status"]);
    assert!(
        refused.contains("MILLRACE_REPLICA_URL names standbys"),
        "{refused}"
    );
}

tests::distributed!(alone: nothing_is_older_whatever_befalls_the_replica);
tests::distributed!(the_primary_is_away, each_replica_is_named);
