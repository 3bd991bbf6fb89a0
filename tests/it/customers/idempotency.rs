//! A repeat under the same key gets the first answer and does nothing; the key stands for one request.

use serde_json::{Value, json};
use tests::graphql::Answer;
use tests::{Setup, customers};

fn input(name: &str) -> Value {
    json!({ "name": name, "email": format!("{name}@example.com") })
}

async fn repeats_get_the_first_answer(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let first = customers::send_with_key(client, "create", input("ada"), Some("key-1")).await;
    let id = customers::changed("create", &first)["id"].clone();
    customers::apply(
        client,
        "update",
        json!({ "id": id, "name": "Changed since" }),
    )
    .await;
    for gateway in &app.gateways {
        let again =
            customers::send_with_key(&gateway.client, "create", input("ada"), Some("key-1")).await;
        assert_eq!(
            again.data(),
            first.data(),
            "the first answer, not today's state"
        );
    }
    let other = customers::send_with_key(client, "create", input("bob"), Some("key-2")).await;
    assert_ne!(customers::changed("create", &other)["id"], id);
}

async fn another_body_is_refused(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    customers::send_with_key(client, "create", input("ada"), Some("key-1"))
        .await
        .data();
    let head = client.head_after(&start, 1).await;
    let other = customers::send_with_key(client, "create", input("bob"), Some("key-1")).await;
    other.expect_code("IDEMPOTENCY_KEY_REUSED");
    assert_eq!(client.head().await, head);
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

async fn simultaneous_repeats_are_applied_once(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    for round in 0..30 {
        let key = format!("race-{round}");
        let attempts = (0..4).map(|number| {
            let client = app.gateways[number % app.gateways.len()].client.clone();
            let (key, input) = (key.clone(), input(&format!("c{round}")));
            async move { customers::send_with_key(&client, "create", input, Some(&key)).await }
        });
        let answers = futures::future::join_all(attempts).await;
        let done: Vec<&Answer> = answers
            .iter()
            .filter(|answer| answer.code().is_none())
            .collect();
        assert!(
            !done.is_empty(),
            "{:?}",
            answers.iter().map(Answer::code).collect::<Vec<_>>()
        );
        assert!(
            done.iter().all(|answer| answer.data() == done[0].data()),
            "one answer for all"
        );
        for other in answers.iter().filter(|answer| answer.code().is_some()) {
            // Told to come again while the first is at work; never that the address is taken by itself.
            assert!(
                matches!(other.code(), Some("UNAVAILABLE" | "TIMEOUT")),
                "{}",
                other.http.text()
            );
        }
    }
    let total = app
        .client()
        .run("{ customers(first: 1) { totalCount } }", json!({}))
        .await;
    assert_eq!(total.data()["customers"]["totalCount"], 30);
}

async fn failures_leave_the_key_usable(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let bad = json!({ "name": "", "email": "ada@example.com" });
    let first = customers::send_with_key(client, "create", bad.clone(), Some("key-1")).await;
    first.expect_code("VALIDATION");
    let again = customers::send_with_key(client, "create", bad, Some("key-1")).await;
    again.expect_code("VALIDATION");
    // Whether a corrected body may use the key is the product's choice; it must say which.
    let corrected = customers::send_with_key(client, "create", input("ada"), Some("key-1")).await;
    assert!(
        matches!(corrected.code(), None | Some("IDEMPOTENCY_KEY_REUSED")),
        "{}",
        corrected.http.text()
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
    repeats_get_the_first_answer,
    another_body_is_refused,
    sockets_send_the_key_as_an_extension,
    simultaneous_repeats_are_applied_once,
    failures_leave_the_key_usable,
);
