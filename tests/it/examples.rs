//! The examples against the real gateway: what readers copy works, and goes on where it stopped when its line is cut. What resumes
//! depends on storage, so the program in Rust runs both ways; the page needs a browser, and the feed Redis, so they run distributed.

use std::process::Command;

use tests::Setup;
use tests::customers::create;
use tests::process::Process;
use tests::programs::{NODE, product, repository};
use tests::rig::proxy::Proxy;
use tests::waiting::SOON;

/// The names of new customers in the lines, in order.
fn created<'a>(output: &'a str, marker: &str) -> Vec<&'a str> {
    let lines = output.lines().filter_map(|line| line.split_once(marker));
    let names = lines.filter_map(|(_, rest)| rest.split([',', ' ']).next());
    names.collect()
}

async fn the_consumer_goes_on_where_it_stopped(setup: Setup) {
    let app = setup.start();
    let proxy = Proxy::start(app.address().port()).await;
    let mut command = Command::new(product("consumer"));
    command
        .arg(format!("ws://127.0.0.1:{}/graphql", proxy.port))
        .env("EMAIL", &setup.admin().email)
        .env("PASSWORD", &setup.admin().password)
        .env("NAME", "Zero");
    let mut consumer = Process::spawn("consumer", &setup.directory, &mut command, "KILL");
    consumer.await_line("CREATED Zero", SOON);
    let names = ["One", "Two", "Three", "Four", "Five", "Six"];
    for (at, name) in names.iter().enumerate() {
        if at % 2 == 0 {
            proxy.cut_all();
        }
        create(app.client(), name, &format!("{name}@example.com")).await;
        if at % 2 == 1 {
            consumer.await_line(&format!("CREATED {name}"), SOON);
        }
    }
    let output = consumer.output();
    let expected: Vec<&str> = ["Zero"].into_iter().chain(names).collect();
    assert_eq!(created(&output, "CREATED "), expected, "{output}");
    assert!(output.contains("reconnecting"), "{output}");
}

async fn the_feed_shows_typed_events(setup: Setup) {
    let app = setup.start();
    let (redis_url, prefix) = setup.redis().expect("distributed");
    let feed = repository().join("examples/typescript/dist/feed/feed.js");
    assert!(feed.exists(), "run `tests/setup examples` first");
    let mut command = Command::new(&*NODE);
    command
        .arg(feed)
        .env("GATEWAY", app.gateways[0].url())
        .env("REDIS_URL", redis_url)
        .env("REDIS_PREFIX", prefix);
    let mut feed = Process::spawn("feed", &setup.directory, &mut command, "KILL");
    feed.await_line("from ", SOON);
    create(app.client(), "Ada", "ada@example.com").await;
    feed.await_line("Ada is a new customer, by ", SOON);
}

tests::both_ways!(the_consumer_goes_on_where_it_stopped);
tests::distributed!(the_feed_shows_typed_events);
