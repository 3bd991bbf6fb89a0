//! What is compressed, and what is not: small answers, answers of mutations, which may have tokens in them, and streams.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tests::customers::{self, CREATE};
use tests::event_stream::EventStream;
use tests::{Setup, http, people};

const GZIP: (&str, &str) = ("accept-encoding", "gzip");
const ALL: &str = "{ customers(first: 100) { nodes { id name email createdAt updatedAt } } }";

async fn large_answers_to_queries_are_compressed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for number in 0..20 {
        customers::create(client, "Ada", &format!("ada{number}@example.com")).await;
    }
    let plain = client.run(ALL, json!({})).await;
    assert_eq!(plain.http.header("content-encoding"), None);
    let body = json!({ "query": ALL });
    let answer = client.post(&body, &[GZIP]).await.expect("an answer");
    assert_eq!(answer.http.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.http.header("vary"), Some("accept-encoding"));
    let mut text = String::new();
    let mut decoder = GzDecoder::new(&answer.http.body[..]);
    decoder.read_to_string(&mut text).expect("gzip");
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["data"], plain.body["data"]);
    assert!(answer.http.body.len() < plain.http.body.len() / 2);
    let brotli = [("accept-encoding", "gzip, deflate, br")];
    let answer = client.post(&body, &brotli).await.expect("an answer");
    assert_eq!(answer.http.header("content-encoding"), Some("br"));

    for (headers, body) in [
        ([GZIP], json!({ "query": "{ __typename }" })),
        ([("accept-encoding", "gzip;q=0")], body.clone()),
    ] {
        let answer = client.post(&body, &headers).await.expect("an answer");
        assert_eq!(answer.http.header("content-encoding"), None, "{body}");
    }
}

/// A name as long as this makes the answer of a mutation larger than what is compressed of queries.
async fn mutations_are_not_compressed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let many = (0..40).map(|at| format!("a{at}: name")).collect::<Vec<_>>();
    let document = CREATE.replacen("{ id", &format!("{{ {} id", many.join(" ")), 1);
    let input = json!({ "name": "n".repeat(60), "email": "a@example.com" });
    let body = json!({ "query": document, "variables": { "input": input } });
    let answer = client.post(&body, &[GZIP]).await.expect("an answer");
    assert!(answer.data().is_object() && answer.http.body.len() > 2_000);
    assert_eq!(answer.http.header("content-encoding"), None);
    let person = people::register(client, "Ada").await;
    let signing_in = "mutation($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken } } }";
    let input = json!({ "email": person.email, "password": person.password });
    let body = json!({ "query": signing_in, "variables": { "input": input } });
    let answer = client.post(&body, &[GZIP]).await.expect("an answer");
    assert!(answer.data()["signIn"]["session"]["accessToken"].is_string());
    assert_eq!(answer.http.header("content-encoding"), None);
}

async fn streams_are_not_compressed(setup: Setup) {
    let app = setup.start();
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let body = json!({ "query": "subscription { customerStatistics { total } }" }).to_string();
        let post = http::post("/graphql", &[("accept", accept), GZIP], body.as_bytes());
        let mut stream = EventStream::open(app.client(), &post).await;
        stream.until("\"total\":", 1).await;
        assert!(!stream.text.contains("content-encoding"), "{}", stream.text);
    }
}

async fn pages_are_compressed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let plain = client.get("/schema.graphql", &[]).await;
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    for _ in 0..2 {
        let page = client.get("/schema.graphql", &[GZIP]).await;
        assert_eq!(page.header("content-encoding"), Some("gzip"));
        assert_eq!(page.header("content-type"), plain.header("content-type"));
        let mut text = String::new();
        let mut decoder = GzDecoder::new(&page.body[..]);
        decoder.read_to_string(&mut text).expect("gzip");
        assert_eq!(text, plain.text());
    }
}

async fn compression_can_be_turned_off(setup: Setup) {
    let app = setup.start_many(1, 0, &["--compress-above", "0"]);
    let page = app.client().get("/schema.graphql", &[GZIP]).await;
    assert_eq!(page.header("content-encoding"), None);
    assert_eq!(page.header("vary"), None);
}

tests::embedded!(
    large_answers_to_queries_are_compressed,
    mutations_are_not_compressed,
    streams_are_not_compressed,
    pages_are_compressed,
    compression_can_be_turned_off
);
