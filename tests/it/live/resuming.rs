//! A client that comes back, on any gateway, says what it has: it is sent again only if it is no longer right, and nothing older is.

use serde_json::json;
use tests::live::Watch;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually};

use super::CUSTOMERS;

async fn what_is_right_is_not_sent_again(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let (one, other) = (&clients[0], &clients[clients.len() - 1]);
    customers::create(one, "Ada", "ada@example.com").await;
    let page = json!({ "first": 5 });
    let mut watch = Watch::open(one, CUSTOMERS, page.clone()).await;
    watch
        .until("one", |it| it["customers"]["totalCount"] == 1)
        .await;
    let had = watch.close().await;
    let answers = had.answers;
    // `Watched::take` holds that the answer has no data if it is the same, and is not older.
    let mut watch = Watch::resume(other, CUSTOMERS, page.clone(), had).await;
    assert_eq!(watch.state().answers, answers + 1);
    assert_eq!(watch.data()["customers"]["totalCount"], 1);
    customers::create(one, "Bob", "bob@example.com").await;
    watch
        .until("two", |it| it["customers"]["totalCount"] == 2)
        .await;
    let had = watch.close().await;
    customers::create(one, "Eve", "eve@example.com").await;
    let watch = Watch::resume(one, CUSTOMERS, page, had).await;
    assert_eq!(watch.data()["customers"]["totalCount"], 3);
}

async fn reads_wait_for_what_the_client_wrote(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let (one, other) = (&clients[0], &clients[clients.len() - 1]);
    let document = "mutation { createPost(input: { message: \"Hello\" }) { post { id } } }";
    let written = one.run(document, json!({})).await;
    let token = &written.body["extensions"]["readAfter"];
    let mut socket = other.socket().await;
    let id = &written.data()["createPost"]["post"]["id"];
    let payload = json!({
        "query": "query($id: ID!) @live { post(id: $id) { message } }",
        "variables": { "id": id },
        "extensions": { "readAfter": token },
    });
    socket
        .send(json!({ "type": "subscribe", "id": "1", "payload": payload }))
        .await;
    let first = socket.payload("1").await;
    assert_eq!(first["data"]["post"]["message"], "Hello");
}

async fn what_is_not_understood_is_refused(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let refused = async |document: &str, live: serde_json::Value| {
        let mut socket = client.socket().await;
        let payload = json!({ "query": document, "extensions": { "live": live } });
        socket
            .send(json!({ "type": "subscribe", "id": "1", "payload": payload }))
            .await;
        let message = socket.message().await;
        assert_eq!(message["type"], "error", "{message}");
        message["payload"][0]["extensions"]["code"].clone()
    };
    let document = "query @live { me { id } }";
    assert_eq!(refused(document, json!(1)).await, "BAD_REQUEST");
    let foreign = json!({ "cursor": "00000001-7-00000001" });
    assert_eq!(refused(document, foreign).await, "CURSOR_INVALID");
    let never = json!(null);
    let document = "query @live(throttle: 1) { me { id } }";
    assert_eq!(
        refused(document, never.clone()).await,
        "GRAPHQL_VALIDATION_FAILED"
    );
    let document = "mutation @live { signOut(input: {}) { signedOut } }";
    assert_eq!(refused(document, never).await, "GRAPHQL_VALIDATION_FAILED");
}

tests::both_ways!(
    what_is_right_is_not_sent_again,
    reads_wait_for_what_the_client_wrote
);
async fn they_count_as_subscriptions(setup: Setup) {
    let app = setup.start_many(1, 1, &["--max-subscriptions-per-user", "2"]);
    let document = "query @live { me { id } }";
    let mut socket = app.client().socket().await;
    for id in ["1", "2"] {
        socket.subscribe(id, document, json!({})).await;
        socket.payload(id).await;
    }
    socket.subscribe("3", document, json!({})).await;
    let refused = socket.message().await;
    let code = &refused["payload"][0]["extensions"]["code"];
    assert_eq!(code, "RATE_LIMITED", "{refused}");
    socket.complete("1").await;
    let again = || async {
        let mut socket = app.client().socket().await;
        socket.subscribe("4", document, json!({})).await;
        (socket.message().await["type"] == "next").then_some(())
    };
    eventually("the place is free", SOON, async || again().await).await;
}

tests::embedded!(
    what_is_not_understood_is_refused,
    they_count_as_subscriptions
);
