//! Who spends too much is told so and when to come back, on every transport, and nobody else notices. Gateways with a Redis count together,
//! and each for itself when it is away.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::http::post;
use tests::people::{self, register};
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::waiting::SOON;
use tests::{Setup, eventually};

const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");
const ME: &str = "{ me { id } }";
const MUCH: &str = "{ users(first: 100) { nodes { id name role version } } }";
/// Some dozens of requests may take this long on a slow and busy machine, whatever Redis does.
const QUICK: Duration = Duration::from_secs(60);

async fn ask(client: &Client, document: &str) -> Answer {
    client.run_with(document, json!({}), &[STRICT]).await
}

/// Asks until there is a refusal; returns it with the number of answers before.
async fn spend(client: &Client, document: &str, most: u32) -> (u32, Answer) {
    for answers in 0..most {
        let answer = ask(client, document).await;
        if answer.code().is_some() {
            answer.expect_code("RATE_LIMITED");
            return (answers, answer);
        }
    }
    panic!("{most} answers, and no refusal");
}

fn number(answer: &Answer, header: &str) -> u64 {
    let value = answer.http.header(header).expect(header);
    value.parse().expect(header)
}

async fn a_user_who_spends_too_much_is_told_when_to_come_back(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-cost-per-user", "600"]);
    let ada = register(app.client(), "Ada").await.client(app.client());
    let bob = register(app.client(), "Bob").await.client(app.client());
    let first = ask(&ada, ME).await;
    first.data();
    let policy =
        "\"user\";q=600;qu=\"complexity\";w=60, \"address\";q=6000000;qu=\"complexity\";w=60";
    assert_eq!(first.http.header("ratelimit-policy"), Some(policy));
    let state = first.http.header("ratelimit").expect("a state");
    assert!(state.starts_with("\"user\";r=58"), "{state}");
    assert_eq!(first.http.header("retry-after"), None);

    let (answers, refused) = spend(&ada, ME, 100).await;
    assert!((40..80).contains(&answers), "{answers}");
    assert_eq!(refused.status, 429);
    assert!((1..=3).contains(&number(&refused, "retry-after")));
    let told = &refused.extensions()["retryAfterSeconds"];
    assert_eq!(told, &json!(number(&refused, "retry-after")));
    let state = refused.http.header("ratelimit").expect("a state");
    assert!(state.starts_with("\"user\";r="), "{state}");

    // On a socket it is an error of the operation, and the socket stays.
    let mut socket = ada.socket().await;
    socket.subscribe("1", MUCH, json!({})).await;
    let message = socket.message().await;
    assert_eq!(message["type"], "error", "{message}");
    let extensions = &message["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert!(extensions["retryAfterSeconds"].is_u64(), "{extensions}");
    socket.subscribe("2", MUCH, json!({})).await;
    assert_eq!(socket.message().await["id"], "2");
    // An event stream has it as its one result.
    let stream = ("accept", "text/event-stream");
    let body = json!({ "query": MUCH });
    let events = ada.post(&body, &[stream]).await.expect("an answer");
    assert!(events.http.text().contains("RATE_LIMITED"));

    ask(&bob, ME).await.data();
    // An administrator has spent as much, and is answered.
    for _ in 0..60 {
        ask(app.client(), ME).await.data();
    }
    assert_eq!(app.client().get("/health/ready", &[]).await.status, 200);
    eventually("there is something to spend again", SOON, async || {
        ask(&ada, ME).await.code().is_none().then_some(())
    })
    .await;
}

async fn documents_that_are_refused_cost_something(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-cost-per-address", "600"]);
    let anonymous = app.client().anonymous();
    let long = format!("{{ nonsense(text: \"{}\") }}", "a".repeat(8_000));
    let mut codes: Vec<Value> = Vec::new();
    for _ in 0..10 {
        let answer = ask(&anonymous, &long).await;
        codes.push(answer.extensions()["code"].clone());
    }
    assert_eq!(codes[0], "GRAPHQL_VALIDATION_FAILED", "{codes:?}");
    assert!(
        codes[5..].iter().all(|code| code == "RATE_LIMITED"),
        "{codes:?}"
    );
    // The administrator calls from the same address.
    ask(app.client(), ME).await.data();
    // What is no JSON to its end was read to its end.
    drop(app);
    let app = setup.start_many(1, 0, &["--max-cost-per-address", "600"]);
    let anonymous = app.client().anonymous();
    let broken = format!("{{\"query\": \"{}\"", "a".repeat(8_000));
    let request = post(
        "/graphql",
        &[("content-type", "application/json")],
        broken.as_bytes(),
    );
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(anonymous.send(&request).await.expect("an answer").status);
    }
    assert_eq!(statuses[0], 400, "{statuses:?}");
    assert!(statuses[5..].iter().all(|it| *it == 429), "{statuses:?}");
}

async fn gateways_count_together_and_without_redis_each_for_itself(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let app = setup.start_many(2, 1, &["--max-cost-per-user", "6000"]);
    let clients = app.clients();
    let ada = register(&clients[0], "Ada").await;
    let bob = register(&clients[0], "Bob").await;
    let here = ada.client(&clients[0]);
    let (answers, _) = spend(&here, MUCH, 100).await;
    assert!(answers < 20, "{answers}");
    // Alone, the other one would let in five hundred of these.
    let (answers, _) = spend(&ada.client(&clients[1]), ME, 500).await;
    assert!(answers < 250, "{answers}");

    redis.pause();
    let began = Instant::now();
    for client in &clients {
        let (answers, _) = spend(&bob.client(client), MUCH, 100).await;
        assert!((5..20).contains(&answers), "{answers}");
    }
    assert!(began.elapsed() < QUICK, "{:?}", began.elapsed());
    redis.resume();
    let eve = register(&clients[0], "Eve").await;
    let both = eventually("they count together again", SOON * 2, async || {
        let other = people::sign_in(&clients[0], &eve.email, &eve.password).await;
        spend(&other.client(&clients[0]), MUCH, 100).await;
        let (answers, _) = spend(&other.client(&clients[1]), ME, 501).await;
        (answers < 250).then_some(answers)
    })
    .await;
    assert!(both < 250);
}

tests::embedded!(
    a_user_who_spends_too_much_is_told_when_to_come_back,
    documents_that_are_refused_cost_something
);
tests::distributed!(gateways_count_together_and_without_redis_each_for_itself);
