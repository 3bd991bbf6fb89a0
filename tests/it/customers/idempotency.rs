//! Idempotency keys where one request is not one mutation over HTTP. What all records have is in `records::idempotency`.

use serde_json::{Value, json};
use tests::{Setup, customers};

fn input(name: &str) -> Value {
    json!({ "name": name, "email": format!("{name}@example.com") })
}

async fn sockets_send_the_key_as_an_extension(setup: Setup) {
    let app = setup.start();
    let mut socket = app.client().socket().await;
    let mut answers = Vec::new();
    for id in ["1", "2"] {
        let payload = json!({
            "query": customers::CREATE, "variables": { "input": input("ada") }, "extensions": { "idempotencyKey": "key-1" },
        });
        socket
            .send(json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
        answers.push(socket.payload(id).await["data"].clone());
        assert_eq!(socket.message().await["type"], "complete");
    }
    assert!(
        answers[0]["createCustomer"]["customer"]["id"].is_string(),
        "{}",
        answers[0]
    );
    assert_eq!(answers[0], answers[1]);
    let by_header =
        customers::send_with_key(app.client(), "create", input("ada"), Some("key-1")).await;
    assert_eq!(
        *by_header.data(),
        answers[0],
        "header and extension are one key"
    );
}

/// A key covers the whole request: with two mutations in it, neither may get the other's answer.
async fn one_key_for_two_mutations(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let document = "mutation { \
        a: createCustomer(input: { name: \"Ada\", email: \"ada@example.com\" }) { customer { id name } } \
        b: createCustomer(input: { name: \"Bob\", email: \"bob@example.com\" }) { customer { id name } } }";
    let headers = [("idempotency-key", "key-1")];
    let first = client.run_with(document, json!({}), &headers).await;
    let total = "{ customers(first: 1) { totalCount } }";
    if let Some(code) = first.code() {
        assert_eq!(code, "BAD_REQUEST", "{}", first.http.text());
        assert_eq!(
            client.run(total, json!({})).await.data()["customers"]["totalCount"],
            0
        );
        return;
    }
    assert_eq!(first.data()["a"]["customer"]["name"], "Ada");
    assert_eq!(first.data()["b"]["customer"]["name"], "Bob");
    let again = client.run_with(document, json!({}), &headers).await;
    assert_eq!(again.data(), first.data());
    assert_eq!(
        client.run(total, json!({})).await.data()["customers"]["totalCount"],
        2
    );
}

tests::both_ways!(
    one_key_for_two_mutations,
    sockets_send_the_key_as_an_extension,
);
