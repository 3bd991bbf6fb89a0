//! The single connection mode of graphql-sse: who may use a stream, and where. What clients do with it is in `tests/js/sse-client.mjs`.

use serde_json::{Value, json};
use tests::event_stream::EventStream;
use tests::graphql::{Answer, Client};
use tests::http::{Response, request};
use tests::{Setup, customers, people};

const HEADER: &str = "x-graphql-event-stream-token";
/// Which everybody may see.
const POSTS: &str = "subscription { postFeed { type } }";
const CHANGES: &str = "subscription { customerChanged { customer { name } } }";

async fn reserve(client: &Client) -> String {
    let accepted = [("accept", "text/plain")];
    let reserving = client.signed(&request("PUT", "/graphql", &accepted));
    let reserved = client.send(&reserving).await.expect("an answer");
    assert_eq!(reserved.status, 201, "{}", reserved.text());
    reserved.text()
}

async fn open(client: &Client, token: &str) -> EventStream {
    let target = format!("/graphql?token={token}");
    let opening = request("GET", &target, &[("accept", "text/event-stream")]);
    let mut stream = EventStream::open(client, &opening).await;
    stream.until("\r\n\r\n", 1).await;
    stream
}

/// Returns the status of the refusal.
async fn refused_to_open(client: &Client, token: &str) -> u16 {
    let target = format!("/graphql?token={token}");
    let stream = [("accept", "text/event-stream")];
    client.get(&target, &stream).await.status
}

async fn start(client: &Client, token: &str, id: Option<&str>, query: &str) -> Answer {
    let mut body = json!({ "query": query });
    if let Some(id) = id {
        body["extensions"] = json!({ "operationId": id });
    }
    let answer = client.post(&body, &[(HEADER, token)]).await;
    answer.expect("an answer")
}

async fn stop(client: &Client, token: &str, id: &str) -> Response {
    let target = format!("/graphql?operationId={id}");
    let stopping = request("DELETE", &target, &[(HEADER, token)]);
    let stopped = client.send(&client.signed(&stopping)).await;
    stopped.expect("an answer")
}

fn of(stream: &EventStream, id: &str) -> Vec<Value> {
    let mut results = stream.results();
    results.retain(|it| it["id"] == id);
    results
}

async fn operations_share_a_stream(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let token = reserve(client).await;
    // What was started before it is opened waits.
    assert_eq!(
        start(client, &token, Some("early"), "{ __typename }")
            .await
            .status,
        202
    );
    let mut stream = open(client, &token).await;
    stream.until("event: complete", 1).await;
    assert_eq!(
        of(&stream, "early")[0]["payload"]["data"]["__typename"],
        "Query"
    );
    // They begin with what comes after this place, whenever they begin.
    let changes = CHANGES.replace(
        "Changed",
        &format!("Changed(after: \"{}\")", client.head().await),
    );
    for id in ["one", "two"] {
        assert_eq!(start(client, &token, Some(id), &changes).await.status, 202);
    }
    customers::create(client, "Ada", "ada@example.com").await;
    stream.until("\"Ada\"", 2).await;
    let again = start(client, &token, Some("one"), CHANGES).await;
    assert_eq!(again.status, 409);
    again.expect_code("CONFLICT");
    assert_eq!(stop(client, &token, "one").await.status, 200);
    let shown = of(&stream, "one").len();
    customers::create(client, "Last", "last@example.com").await;
    stream.until("\"Last\"", 1).await;
    assert!(of(&stream, "one").len() <= shown + 1, "{}", stream.text);
    // The id of what was stopped is free.
    assert_eq!(
        start(client, &token, Some("one"), "{ nope }").await.status,
        202
    );
    stream.until("GRAPHQL_VALIDATION_FAILED", 1).await;
    stream
        .until("event: complete\ndata: {\"id\":\"one\"}", 1)
        .await;

    let missing = start(client, &token, None, CHANGES).await;
    assert_eq!(missing.status, 400);
    let long = "x".repeat(257);
    assert_eq!(
        start(client, &token, Some(&long), CHANGES).await.status,
        400
    );
    assert_eq!(refused_to_open(client, &token).await, 409);
    drop(stream);
    tests::eventually(
        "the stream is forgotten",
        tests::waiting::SOON,
        async || {
            let answer = start(client, &token, Some("late"), CHANGES).await;
            (answer.status == 404).then(|| answer.expect_code("NOT_FOUND").clone())
        },
    )
    .await;
}

async fn a_stream_is_its_users_alone(setup: Setup) {
    let app = setup.start_many(1, 1, &["--max-operations", "2"]);
    let client = app.client();
    let ada = people::register(client, "Ada").await.client(client);
    let eve = people::register(client, "Eve").await.client(client);
    let unopened = reserve(&ada).await;
    for id in ["1", "2"] {
        assert_eq!(
            start(&ada, &unopened, Some(id), "{ __typename }")
                .await
                .status,
            202
        );
    }
    let token = reserve(&ada).await;
    for other in [&eve, &client.anonymous()] {
        let refused = start(other, &token, Some("1"), CHANGES).await;
        assert_eq!(refused.status, 403);
        refused.expect_code("FORBIDDEN");
        assert_eq!(stop(other, &token, "1").await.status, 403);
    }
    assert_eq!(refused_to_open(&eve, &token).await, 403);
    let reserving = ada
        .signed_in_as("nonsense")
        .signed(&request("PUT", "/graphql", &[]));
    let refused = ada.send(&reserving).await.expect("an answer");
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(refused_to_open(&ada, "unknown").await, 404);
    // A browser's EventSource has nothing but the token.
    let mut stream = open(&client.anonymous(), &token).await;
    let me = "{ me { name } }";
    assert_eq!(start(&ada, &token, Some("me"), me).await.status, 202);
    stream.until("event: complete", 1).await;
    assert!(!of(&stream, "me")[0]["payload"]["data"]["me"]["name"].is_null());
    for id in ["1", "2"] {
        assert_eq!(start(&ada, &token, Some(id), POSTS).await.status, 202);
    }
    let refused = start(&ada, &token, Some("3"), POSTS).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.expect_code("LIMIT_EXCEEDED")["limit"], "operations");
}

/// What was stopped is held until the stream is read, so it counts for a while.
async fn stopped_operations_are_bounded(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let token = reserve(client).await;
    let mut refused = None;
    for _ in 0..20 {
        let started = start(client, &token, Some("1"), "{ __typename }").await;
        if started.status != 202 {
            refused = Some(started);
            break;
        }
        assert_eq!(stop(client, &token, "1").await.status, 200);
    }
    let refused = refused.expect("a bound");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.expect_code("LIMIT_EXCEEDED")["limit"], "operations");
    let mut stream = open(client, &token).await;
    let mut started = 0;
    while start(client, &token, Some("2"), "{ __typename }")
        .await
        .status
        != 202
    {
        started += 1;
        assert!(started < 100, "there is room again");
    }
    stream.until("event: complete", 1).await;
    assert_eq!(
        of(&stream, "2")[0]["payload"]["data"]["__typename"],
        "Query"
    );
}

/// Other gateways do not know a stream, and say so.
async fn a_stream_is_of_one_gateway(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let token = reserve(&clients[0]).await;
    let refused = start(&clients[1], &token, Some("1"), CHANGES).await;
    assert_eq!(refused.status, 404);
    refused.expect_code("NOT_FOUND");
    assert_eq!(
        start(&clients[0], &token, Some("1"), CHANGES).await.status,
        202
    );
}

tests::embedded!(
    operations_share_a_stream,
    a_stream_is_its_users_alone,
    stopped_operations_are_bounded
);
tests::distributed!(a_stream_is_of_one_gateway);
