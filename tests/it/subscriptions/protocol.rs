//! The protocol's rules, frame by frame. The `graphql-ws` client itself runs in `javascript`. What no event decides runs
//! embedded.

use serde_json::json;
use tests::socket::{Frame, Socket, subscribe_message};
use tests::{Setup, customers};
use tokio_tungstenite::tungstenite::Message;

const HELLO: &str = "{ __typename }";

async fn operations_run_on_the_socket(setup: Setup) {
    let app = setup.start();
    let mut socket = app.client().socket().await;

    socket.subscribe("q", HELLO, json!({})).await;
    let payload = socket.payload("q").await;
    assert_eq!(payload["data"]["__typename"], "Query");
    assert!(payload["extensions"]["cursor"].is_string(), "{payload}");
    assert_eq!(
        socket.message().await,
        json!({ "type": "complete", "id": "q" })
    );

    let input = json!({ "input": { "name": "Ada", "email": "ada@example.com" } });
    socket.subscribe("m", customers::CREATE, input).await;
    let created = socket.payload("m").await;
    assert_eq!(
        created["data"]["createCustomer"]["customer"]["version"], 1,
        "{created}"
    );
    assert_eq!(socket.message().await["type"], "complete");

    // The id is free again after `complete`; an error ends an operation without one.
    socket.subscribe("q", "{ unknownField }", json!({})).await;
    let error = socket.message().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("q")),
        "{error}"
    );
    assert_eq!(
        error["payload"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    socket.subscribe("q", HELLO, json!({})).await;
    socket.payload("q").await;
    assert_eq!(
        socket.message().await["type"],
        "complete",
        "and no complete of the failed one came between"
    );
}

async fn pings_are_answered(setup: Setup) {
    let app = setup.start();
    let mut socket = app.client().socket().await;
    socket
        .send(json!({ "type": "ping", "payload": { "n": 1 } }))
        .await;
    let Frame::Message(pong) = socket.receive().await else {
        panic!("no message")
    };
    assert_eq!(pong["type"], "pong");
}

async fn misuse_closes_with_its_code(setup: Setup) {
    let app = setup.start();
    let changes = subscribe_message("1", customers::CHANGES, json!({}));
    let init = json!({ "type": "connection_init" });
    let cases: Vec<(&str, Vec<serde_json::Value>, u16)> = vec![
        ("subscribe before init", vec![changes.clone()], 4401),
        ("a second init", vec![init.clone(), init.clone()], 4429),
        (
            "an operation id in use",
            vec![init.clone(), changes.clone(), changes.clone()],
            4409,
        ),
        (
            "an unknown type",
            vec![init.clone(), json!({ "type": "start", "id": "1" })],
            4400,
        ),
        (
            "no id",
            vec![
                init.clone(),
                json!({ "type": "subscribe", "payload": { "query": HELLO } }),
            ],
            4400,
        ),
        (
            "no payload",
            vec![init.clone(), json!({ "type": "subscribe", "id": "1" })],
            4400,
        ),
    ];
    for (what, messages, code) in cases {
        let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
            .await
            .expect("an upgrade");
        for message in messages {
            let is_first_init = message == init && !socket.is_acknowledged();
            if is_first_init {
                socket
                    .initialise_as(app.client().token())
                    .await
                    .expect("an acknowledgement");
            } else {
                socket.send_raw(Message::text(message.to_string())).await;
            }
        }
        assert_eq!(socket.closed().await, code, "{what}");
    }
    let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
        .await
        .expect("an upgrade");
    socket.send_raw(Message::text("not JSON")).await;
    assert_eq!(socket.closed().await, 4400, "text that is not JSON");
    let mut socket = app.client().socket().await;
    socket.send_raw(Message::binary(b"{}".to_vec())).await;
    assert_eq!(socket.closed().await, 4400, "a binary frame");
}

async fn silence_closes_the_socket(setup: Setup) {
    let app = setup.start_many(1, 0, &["--init-timeout", "200ms"]);
    let mut socket = Socket::upgrade(app.address(), "graphql-transport-ws")
        .await
        .expect("an upgrade");
    assert_eq!(socket.closed().await, 4408);
}

async fn other_protocols_are_refused(setup: Setup) {
    let app = setup.start();
    for protocol in ["graphql-ws", "soap", ""] {
        match Socket::upgrade(app.address(), protocol).await {
            Err(_) => {}
            Ok(mut socket) => assert_eq!(socket.closed().await, 4406, "{protocol:?}"),
        }
    }
}

async fn completed_subscriptions_are_silent(setup: Setup) {
    let app = setup.start();
    let mut socket = app.client().socket().await;
    let after = app.client().head().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "after": after }))
        .await;
    customers::create(app.client(), "Ada", "ada@example.com").await;
    assert_eq!(socket.change("1").await["type"], "CREATED");
    socket.complete("1").await;
    // An answer on the same socket comes after the server has read `complete`.
    socket.subscribe("2", HELLO, json!({})).await;
    socket.payload("2").await;
    assert_eq!(socket.message().await["type"], "complete");
    customers::create(app.client(), "Bob", "bob@example.com").await;
    socket
        .subscribe("3", customers::CHANGES, json!({ "after": after }))
        .await;
    assert_eq!(socket.change("3").await["customer"]["name"], "Ada");
    assert_eq!(
        socket.change("3").await["customer"]["name"],
        "Bob",
        "only operation 3 speaks"
    );
}

async fn changes_tell_what_happened(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut socket = app.client().socket().await;
    let after = client.head().await;
    socket
        .subscribe("all", customers::CHANGES, json!({ "after": after }))
        .await;
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    let id = &ada["id"];
    socket
        .subscribe(
            "one",
            customers::CHANGES,
            json!({ "id": id, "after": after }),
        )
        .await;
    customers::create(client, "Bob", "bob@example.com").await;
    customers::apply(client, "update", json!({ "id": id, "name": "Ada L." })).await;
    customers::apply(client, "delete", json!({ "id": id })).await;
    customers::apply(client, "restore", json!({ "id": id })).await;

    let mut all = Vec::new();
    let mut one = Vec::new();
    while all.len() + one.len() < 9 {
        let message = socket.message().await;
        let change = message["payload"]["data"]["customerChanged"].clone();
        assert!(change.is_object(), "{message}");
        assert!(
            change["actor"]["name"].is_string() && change["occurredAt"].is_string(),
            "{change}"
        );
        let shown = change["customer"]["version"].as_u64();
        assert!(
            shown >= change["version"].as_u64(),
            "the object is never older than the event: {change}"
        );
        if message["id"] == "all" {
            &mut all
        } else {
            &mut one
        }
        .push(change);
    }
    let types = |changes: &[serde_json::Value]| {
        changes
            .iter()
            .map(|change| change["type"].as_str().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        types(&all),
        ["CREATED", "CREATED", "UPDATED", "DELETED", "RESTORED"]
    );
    assert_eq!(types(&one), ["CREATED", "UPDATED", "DELETED", "RESTORED"]);
    assert!(one.iter().all(|change| change["customer"]["id"] == *id));
    assert_eq!(
        one.iter()
            .map(|change| change["version"].as_u64())
            .collect::<Vec<_>>(),
        [Some(1), Some(2), Some(3), Some(4)]
    );
}

async fn statistics_come_first_and_then_on_change(setup: Setup) {
    let app = setup.start();
    let mut socket = app.client().socket().await;
    socket
        .subscribe(
            "1",
            "subscription { customerStatistics { total } }",
            json!({}),
        )
        .await;
    let total =
        |payload: serde_json::Value| payload["data"]["customerStatistics"]["total"].as_u64();
    assert_eq!(total(socket.payload("1").await), Some(0));
    customers::create(app.client(), "Ada", "ada@example.com").await;
    while total(socket.payload("1").await) != Some(1) {}
    customers::create(app.client(), "Bob", "bob@example.com").await;
    while total(socket.payload("1").await) != Some(2) {}
}

tests::both_ways!(
    changes_tell_what_happened,
    statistics_come_first_and_then_on_change
);
tests::embedded!(
    operations_run_on_the_socket,
    pings_are_answered,
    misuse_closes_with_its_code,
    silence_closes_the_socket,
    other_protocols_are_refused,
    completed_subscriptions_are_silent
);
