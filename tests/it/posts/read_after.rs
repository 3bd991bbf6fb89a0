//! Read your writes: a query that names what its client wrote shows it, on whichever gateway, or says in time that it cannot.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::{Setup, eventually, tokens, waiting::SOON};

use super::api::{create, find, person, send, send_with_key};

const FIND: &str = "query Find($id: ID!) { post(id: $id) { message likeCount version } }";
/// With it the status tells of errors, too.
const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");
const LIMIT: Duration = Duration::from_secs(1);

fn token(answer: &Answer) -> String {
    let token = answer.body["extensions"]["readAfter"].as_str();
    token
        .unwrap_or_else(|| panic!("no token: {}", answer.http.text()))
        .to_owned()
}

async fn find_after(client: &Client, id: &Value, token: &str) -> Answer {
    client
        .run_with(FIND, json!({ "id": id }), &[STRICT, ("read-after", token)])
        .await
}

/// Many writes, each read at once on the other gateway, by header, by extension and over a socket.
async fn what_was_written_is_read(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (ada, here) = person(app.client(), "Ada").await;
    let elsewhere = ada.client(&app.gateways[app.gateways.len() - 1].client);
    let mut socket = elsewhere.socket().await;
    for turn in 0..40_u64 {
        let created = send(&here, "createPost", json!({ "message": turn.to_string() })).await;
        let id = created.data()["createPost"]["post"]["id"].clone();
        let liked = send(&here, "likePost", json!({ "id": id })).await;
        assert_eq!(liked.data()["likePost"]["post"]["likeCount"], 1);
        let expected = json!({ "message": turn.to_string(), "likeCount": 1, "version": 2 });
        let token = token(&liked);
        let found = match turn % 3 {
            0 => find_after(&elsewhere, &id, &token).await.data()["post"].clone(),
            1 => {
                let body = json!({ "query": FIND, "variables": { "id": id }, "extensions": { "readAfter": token } });
                let answer = elsewhere.post(&body, &[]).await.expect("an answer");
                answer.data()["post"].clone()
            }
            _ => {
                let name = turn.to_string();
                let payload = json!({ "query": FIND, "variables": { "id": id }, "extensions": { "readAfter": token } });
                let message = json!({ "id": name, "type": "subscribe", "payload": payload });
                socket.send(message).await;
                let payload = socket.payload(&name).await;
                assert_eq!(socket.message().await["type"], "complete");
                payload["data"]["post"].clone()
            }
        };
        assert_eq!(found, expected, "in turn {turn}");
    }
}

/// Who changes nothing is shown what somebody else wrote, and can wait for that.
async fn what_changes_nothing_has_a_token(setup: Setup) {
    let app = setup.start_many(1, 1, &[]);
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Liked twice").await;
    let input = json!({ "id": post["id"] });
    let first = send(&ada, "likePost", input.clone()).await;
    let again = send(&ada, "likePost", input).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(token(&first), token(&again));
}

/// What was written in a request is waited for, also when something else in it changed nothing.
async fn what_was_written_is_what_is_waited_for(setup: Setup) {
    let app = setup.start_many(1, 0, &["--read-after-timeout", "500ms"]);
    let (_, ada) = person(app.client(), "Ada").await;
    let old = create(&ada, "Old").await;
    let new = create(&ada, "New").await;
    send(&ada, "likePost", json!({ "id": old["id"] }))
        .await
        .data();
    let document = "mutation($new: LikePostInput!, $old: LikePostInput!) {
        first: likePost(input: $new) { post { version } } second: likePost(input: $old) { post { version } } }";
    let variables = json!({ "new": { "id": new["id"] }, "old": { "id": old["id"] } });
    let answer = ada.run(document, variables).await;
    let id = new["id"].as_str().and_then(tests::ids::uuid_digits);
    let id = id.expect("an id").replace('-', "");
    let token = token(&answer);
    let written = token.split('.').next();
    assert_eq!(written, Some(format!("post-{id}-2").as_str()));
}

/// Who had to repeat a mutation can read it, too.
async fn a_repeat_has_the_token(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (_, ada) = person(app.client(), "Ada").await;
    let input = json!({ "message": "once" });
    let first = send_with_key(&ada, "createPost", input.clone(), Some("k")).await;
    let again = send_with_key(&ada, "createPost", input, Some("k")).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(token(&first), token(&again));
    let customer = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }";
    let input = json!({ "input": { "name": "Bob", "email": "bob@example.org" } });
    let key = [("idempotency-key", "c")];
    let first = app.client().run_with(customer, input.clone(), &key).await;
    let again = app.client().run_with(customer, input, &key).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(token(&first), token(&again));
}

/// Without a worker the read model stands still. Mutations show the new state all the same; who waits is told in time.
async fn the_wait_has_an_end(setup: Setup) {
    let timeout = format!("{}ms", LIMIT.as_millis());
    let app = setup.start_many(2, 0, &["--read-after-timeout", &timeout]);
    let (_, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Nobody reads this yet").await;
    assert_eq!(post["message"], "Nobody reads this yet");
    let liked = send(&ada, "likePost", json!({ "id": post["id"] })).await;
    assert_eq!(liked.data()["likePost"]["post"]["likeCount"], 1);
    let began = Instant::now();
    let refused = find_after(&ada, &post["id"], &token(&liked)).await;
    let took = began.elapsed();
    refused.expect_code("READ_AFTER_TIMEOUT");
    assert_eq!(refused.status, 504);
    assert!(took >= LIMIT / 2 && took < 15 * LIMIT, "{took:?}");
    assert_eq!(
        find(&ada, &post["id"]).await,
        Value::Null,
        "who does not wait reads"
    );

    let _workers = setup.workers(&[]);
    eventually("the read model comes along", SOON, async || {
        let answer = find_after(&ada, &post["id"], &token(&liked)).await;
        (answer.code() != Some("READ_AFTER_TIMEOUT")).then(|| {
            assert_eq!(answer.data()["post"]["likeCount"], 1);
        })
    })
    .await;
}

async fn other_tokens_are_refused(setup: Setup) {
    let app = setup.start_many(1, 1, &["--read-after-timeout", "300ms"]);
    let (person, ada) = person(app.client(), "Ada").await;
    let post = create(&ada, "Hello").await;
    for refused in ["", "post", "post-7-1", &"x".repeat(4_000)] {
        let answer = find_after(&ada, &post["id"], refused).await;
        answer.expect_code("BAD_REQUEST");
        assert_eq!(answer.status, 400, "{refused}");
    }
    // No header at all; it does not come so far as to have a code.
    let answer = find_after(&ada, &post["id"], "\u{7f}").await;
    assert_eq!(answer.status, 400, "{}", answer.http.text());
    let body = json!({ "query": "{ __typename }", "extensions": { "readAfter": 7 } });
    let answer = ada.post(&body, &[]).await.expect("an answer");
    answer.expect_code("BAD_REQUEST");
    // Of an event that is not there, or not yet.
    let token = tokens::read_after(&person.id, "post-00000000000000000000000000000007-1");
    let answer = find_after(&ada, &post["id"], &token).await;
    answer.expect_code("READ_AFTER_TIMEOUT");
}

/// What no read model shows is waited for as well: it is enough that it has a position.
async fn what_no_read_model_shows_has_a_token(setup: Setup) {
    let app = setup.start();
    let admin = setup.admin().client(app.client());
    let pause = "mutation { pauseWorker(input: { name: \"posts_trending\" }) { __typename } }";
    let token = token(&admin.run(pause, json!({})).await);
    let answer = admin
        .run_with(
            "{ me { role } }",
            json!({}),
            &[STRICT, ("read-after", &token)],
        )
        .await;
    assert_eq!(answer.data()["me"]["role"], "ADMIN");
}

tests::both_ways!(
    what_was_written_is_read,
    what_no_read_model_shows_has_a_token,
    a_repeat_has_the_token,
    what_changes_nothing_has_a_token,
    what_was_written_is_what_is_waited_for,
    other_tokens_are_refused
);
tests::distributed!(the_wait_has_an_end);
