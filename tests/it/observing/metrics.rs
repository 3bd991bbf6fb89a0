//! The metrics that processes serve after some work are those that the documents list, with their types and labels, and their figures are
//! of the work that was done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tests::admin::{Admin, Scrape};
use tests::live::Watch;
use tests::programs::repository;
use tests::socket::Socket;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually, signals};

const LIST: &str = "docs/operating/metrics.md";
/// What is there with Redis only.
const OF_REDIS: [&str; 2] = [
    "millrace_log_relayed_position",
    "millrace_redis_memory_bytes",
];

/// What is there with read replicas only; `faults::replicas` looks at it.
const OF_REPLICAS: &str = "millrace_replica_";

/// What the documents say of a metric: its type, and the names of its labels.
type Listed = BTreeMap<String, (String, Vec<String>)>;

fn listed() -> Listed {
    let text = std::fs::read_to_string(repository().join(LIST)).expect("the list");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, kind, unit, labels, meaning, ..] = cells.as_slice() else {
            return None;
        };
        let (name, labels) = (name.trim_end_matches('`'), labels.split(','));
        let labels = labels.map(|label| label.trim().trim_matches('`').to_owned());
        let mut labels: Vec<_> = labels.filter(|label| !label.is_empty()).collect();
        labels.sort();
        assert!(!unit.is_empty() && !meaning.is_empty(), "{row}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
        for unit_in_name in ["seconds", "bytes"] {
            let base = name.trim_end_matches("_total");
            assert_eq!(
                *unit == unit_in_name,
                base.ends_with(&format!("_{unit_in_name}")),
                "{name}"
            );
        }
        Some((name.to_owned(), ((*kind).to_owned(), labels)))
    });
    rows.collect()
}

/// Does something of everything that is counted; returns what is still open after it.
async fn work(setup: &Setup, app: &tests::setup::Running) -> (Watch, Socket) {
    let client = app.client();
    let mut live = Watch::open(
        client,
        "query Watch @live { customers(first: 5) { totalCount } }",
        json!({}),
    )
    .await;
    let mut socket = client.socket().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "after": null }))
        .await;
    let before = client.head().await;
    for number in 0..10 {
        customers::create(client, "Ada", &format!("{number}@example.org")).await;
        socket.change("1").await;
    }
    live.until("ten customers", |data| {
        data["customers"]["totalCount"] == 10
    })
    .await;
    let mut resuming = client.socket().await;
    resuming
        .subscribe("1", customers::CHANGES, json!({ "after": before }))
        .await;
    for _ in 0..10 {
        resuming.change("1").await;
    }
    let id = customers::create(client, "Eve", "eve@example.org").await["id"].clone();
    for _ in 0..2 {
        customers::find(client, &id).await;
    }
    client.run("query Broken { nothing }", json!({})).await;
    let deep = format!(
        "query Deep {{ {} __typename {} }}",
        "a { ".repeat(40),
        "}".repeat(40)
    );
    client
        .run(&deep, json!({}))
        .await
        .expect_code("LIMIT_EXCEEDED");
    let signal = signals::submit(client, "measured", 1.0).await;
    signals::await_end(client, &signal["id"]).await;
    resuming.close().await;
    if setup.is_distributed() {
        customers::find(&app.clients()[1], &id).await;
    }
    (live, socket)
}

async fn what_is_served_is_what_is_listed(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    let mut app = setup.start_many(2, 1, &[]);
    let _open = work(&setup, &app).await;
    let mut admins: Vec<Admin> = Vec::new();
    for gateway in &mut app.gateways {
        admins.push(Admin::of(&mut gateway.process));
    }
    for worker in &mut app.workers {
        admins.push(Admin::of(worker));
    }
    let listed = listed();
    let expected: BTreeSet<&str> = listed
        .keys()
        .map(String::as_str)
        .filter(|name| setup.is_distributed() || !OF_REDIS.contains(name))
        .filter(|name| !name.starts_with(OF_REPLICAS))
        .collect();
    // The sampled ones come within seconds.
    let scrapes: Vec<Scrape> = eventually("all metrics are served", SOON, async || {
        let mut scrapes = Vec::new();
        for admin in &admins {
            scrapes.push(admin.scrape().await);
        }
        let served = scrapes.iter().flat_map(|scrape| scrape.types.keys());
        let served: BTreeSet<&str> = served.map(String::as_str).collect();
        let unlisted: Vec<_> = served.difference(&expected).collect();
        assert!(unlisted.is_empty(), "{LIST} does not list {unlisted:?}");
        let missing: Vec<_> = expected.difference(&served).collect();
        if !missing.is_empty() {
            println!("not served yet: {missing:?}");
        }
        missing.is_empty().then_some(scrapes)
    })
    .await;
    for scrape in &scrapes {
        for (name, kind) in &scrape.types {
            let (listed_kind, labels) = &listed[name];
            assert_eq!(kind, listed_kind, "{name}");
            assert_eq!(&scrape.labels(name), labels, "{name}");
        }
    }
    figures_are_of_the_work(&setup, &scrapes);
}

fn figures_are_of_the_work(setup: &Setup, scrapes: &[Scrape]) {
    let sum = |name: &str, labels: &[&str]| -> f64 {
        scrapes.iter().map(|scrape| scrape.sum(name, labels)).sum()
    };
    let appended = sum("millrace_events_appended_total", &[]);
    assert!(
        appended >= 15.0,
        "eleven customers, a signal and its steps: {appended}"
    );
    assert!(sum("millrace_events_sequenced_total", &[]) >= appended);
    let created = sum(
        "millrace_requests_total",
        &["type=\"mutation\"", "outcome=\"success\""],
    );
    assert!(created >= 12.0, "{created}");
    let timed = sum(
        "millrace_request_duration_seconds_count",
        &["type=\"mutation\""],
    );
    assert_eq!(
        timed,
        sum("millrace_requests_total", &["type=\"mutation\""])
    );
    assert_eq!(
        sum("millrace_errors_total", &["code=\"LIMIT_EXCEEDED\""]),
        1.0
    );
    assert_eq!(sum("millrace_limits_hit_total", &["limit=\"depth\""]), 1.0);
    assert!(sum("millrace_requests_total", &["outcome=\"refused\""]) >= 2.0);
    // The subscriber and the one that came later; nobody else was told of an event.
    let deliveries = sum("millrace_subscription_deliveries_total", &[]);
    assert!(deliveries >= 20.0, "{deliveries}");
    let pushed = sum("millrace_commit_to_socket_seconds_count", &[]);
    assert!((10.0..=22.0).contains(&pushed), "{pushed}");
    assert_eq!(
        sum("millrace_sockets_closed_total", &["code=\"gone\""]),
        1.0
    );
    assert_eq!(sum("millrace_sockets", &[]), 2.0);
    assert_eq!(sum("millrace_subscriptions", &["kind=\"live_query\""]), 1.0);
    assert!(sum("millrace_handler_attempts_total", &["outcome=\"done\""]) >= 4.0);
    let applied = sum(
        "millrace_follower_events_total",
        &["follower=\"customer_statistics\""],
    );
    assert_eq!(applied, 11.0);
    let delays = "millrace_commit_to_read_model_seconds_count";
    assert_eq!(sum(delays, &["follower=\"customer_statistics\""]), 11.0);
    assert!(sum("millrace_database_statement_duration_seconds_count", &[]) > 50.0);
    assert!(sum("process_resident_memory_bytes", &[]) > 1e6);
    if setup.is_distributed() {
        assert!(sum("millrace_events_relayed_total", &[]) >= appended);
    }
}

async fn the_lag_of_followers_is_seen(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    // Nobody applies anything on Postgres without workers.
    let mut app = setup.start_many(1, 0, &[]);
    for number in 0..3 {
        customers::create(app.client(), "Ada", &format!("{number}@example.org")).await;
    }
    let admin = Admin::of(&mut app.gateways[0].process);
    let of = ["follower=\"customer_statistics\""];
    eventually("the lag is seen", SOON, async || {
        let scrape = admin.scrape().await;
        let lag = scrape.sum("millrace_follower_lag_events", &of);
        let age = scrape.sum("millrace_follower_lag_seconds", &of);
        (lag >= 3.0 && age > 0.0).then_some(())
    })
    .await;
}

tests::both_ways!(what_is_served_is_what_is_listed);
tests::distributed!(the_lag_of_followers_is_seen);
