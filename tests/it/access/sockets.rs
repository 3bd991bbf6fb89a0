//! Callers who change while their socket is open: what they may not hear any more ends before the next event, and the socket
//! itself stays unless there is nobody left to speak to. What only the clock decides runs embedded.

use std::time::Duration;

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::socket::{Frame, Socket};
use tests::tokens::{altered, now};
use tests::{Gateway, Setup, chats, customers};

const OWN_CHANGES: &str = "subscription($id: ID!, $after: String) { userChanged(id: $id, after: $after) { type user { name } } }";
const CHAT: &str =
    "subscription($id: ID!, $after: String) { chatEvents(id: $id, after: $after) { __typename } }";
/// How long the short-lived tokens of these tests live: long enough to subscribe on a busy machine.
const LIFETIME: i64 = 4;

/// The same person with a token that is over soon.
fn for_a_moment(person: &Person) -> String {
    for_seconds(person, LIFETIME)
}

fn for_seconds(person: &Person, seconds: i64) -> String {
    altered(&person.access_token, &json!({ "exp": now() + seconds }))
}

async fn rename(client: &Client, name: &str) {
    let document =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    client
        .run(document, json!({ "input": { "name": name } }))
        .await
        .data();
}

/// The next change of the operation is this one, or the registration: its position may have come after the head was told.
async fn expect_name(socket: &mut Socket, id: &str, name: &str) {
    loop {
        let payload = socket.payload(id).await;
        let change = &payload["data"]["userChanged"];
        if change["type"] != "REGISTERED" {
            return assert_eq!(change["user"]["name"], name, "{payload}");
        }
    }
}

/// The operation ends with this error, and nothing comes before.
async fn expect_end(socket: &mut Socket, id: &str, code: &str, reason: Value) {
    let message = socket.message().await;
    assert_eq!(
        (&message["type"], &message["id"]),
        (&json!("error"), &json!(id)),
        "{message}"
    );
    let extensions = &message["payload"][0]["extensions"];
    assert_eq!(extensions["code"], code, "{message}");
    assert_eq!(extensions["reason"], reason, "{message}");
}

async fn expect_alive(socket: &mut Socket) {
    socket.send(json!({ "type": "ping" })).await;
    match socket.receive().await {
        Frame::Message(message) => assert_eq!(message["type"], "pong", "{message}"),
        end => panic!("the socket ended: {end:?}"),
    }
}

async fn expect_pong(socket: &mut Socket) {
    match socket.receive().await {
        Frame::Message(message) => assert_eq!(message["type"], "pong", "{message}"),
        end => panic!("the renewal was refused: {end:?}"),
    }
}

async fn expiry_ends_operations_and_not_the_socket(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let after = client.head().await;
    let variables = json!({ "id": ada.id, "after": after });
    let mut socket = client.signed_in_as(&for_a_moment(&ada)).socket().await;
    socket.subscribe("1", OWN_CHANGES, variables.clone()).await;
    rename(&own, "Ada 1").await;
    expect_name(&mut socket, "1", "Ada 1").await;
    expect_end(&mut socket, "1", "UNAUTHENTICATED", json!("EXPIRED")).await;
    rename(&own, "Ada 2").await;
    expect_alive(&mut socket).await;
    for (id, document) in [
        ("2", OWN_CHANGES),
        ("3", "query { me { id } }"),
        ("4", "query { __typename }"),
    ] {
        let variables = if id == "2" {
            variables.clone()
        } else {
            json!({})
        };
        socket.subscribe(id, document, variables).await;
        expect_end(&mut socket, id, "UNAUTHENTICATED", json!("EXPIRED")).await;
    }
    // With a new token the same socket goes on.
    socket.renew(&ada.access_token).await;
    expect_pong(&mut socket).await;
    socket.subscribe("5", OWN_CHANGES, variables).await;
    expect_name(&mut socket, "5", "Ada 1").await;
    expect_name(&mut socket, "5", "Ada 2").await;
}

async fn renewal_keeps_operations_going(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let after = client.head().await;
    let mut socket = client.signed_in_as(&for_a_moment(&ada)).socket().await;
    socket
        .subscribe("1", OWN_CHANGES, json!({ "id": ada.id, "after": after }))
        .await;
    rename(&own, "Ada 1").await;
    expect_name(&mut socket, "1", "Ada 1").await;
    // Twice: once for hardly longer, then with another session's token, for good.
    socket.renew(&for_seconds(&ada, LIFETIME + 1)).await;
    expect_pong(&mut socket).await;
    let elsewhere = people::sign_in(client, &ada.email, &ada.password).await;
    socket.renew(&elsewhere.access_token).await;
    expect_pong(&mut socket).await;
    let over = Duration::from_secs(LIFETIME.unsigned_abs() + 2);
    assert_eq!(
        socket.receive_within(over).await,
        None,
        "the old tokens are over and nothing ends"
    );
    rename(&own, "Ada 2").await;
    expect_name(&mut socket, "1", "Ada 2").await;
    // It hangs on the new session now.
    people::sign_out(&own, false).await;
    rename(&elsewhere.client(client), "Ada 3").await;
    expect_name(&mut socket, "1", "Ada 3").await;
    people::sign_out(&elsewhere.client(client), false).await;
    expect_end(&mut socket, "1", "UNAUTHENTICATED", json!("REVOKED")).await;
}

async fn renewal_is_for_the_same_user(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let (ada, bob) = (
        people::register(client, "Ada").await,
        people::register(client, "Bob").await,
    );
    let expired = tests::tokens::expired(&ada.access_token);
    let cases = [
        ("another user's", bob.access_token.as_str()),
        ("an expired", &expired),
        ("a refresh", &ada.refresh_token),
        ("a nonsensical", "x"),
    ];
    for (what, token) in cases {
        let mut socket = ada.client(client).socket().await;
        socket
            .subscribe("1", OWN_CHANGES, json!({ "id": ada.id }))
            .await;
        socket.renew(token).await;
        assert_eq!(socket.closed().await, 4403, "{what} token");
    }
    // Nobody may become somebody.
    let mut anonymous = Socket::connect(app.address()).await;
    anonymous.renew(&ada.access_token).await;
    expect_pong(&mut anonymous).await;
    anonymous.subscribe("1", "{ me { id } }", json!({})).await;
    assert_eq!(anonymous.payload("1").await["data"]["me"]["id"], ada.id);
    let mut socket = ada.client(client).socket().await;
    for payload in [json!({}), json!({ "n": 1 }), Value::Null] {
        socket
            .send(json!({ "type": "ping", "payload": payload }))
            .await;
        expect_pong(&mut socket).await;
    }
}

/// The sockets of one person on every gateway, each with an operation `1` that has begun.
async fn listeners(gateways: &[Gateway], person: &Person) -> Vec<Socket> {
    let mut sockets = Vec::new();
    let name = format!("{} {}", person.name, fastrand::u32(..));
    let after = gateways[0].client.head().await;
    for gateway in gateways {
        let mut socket = person.client(&gateway.client).socket().await;
        socket
            .subscribe("1", OWN_CHANGES, json!({ "id": person.id, "after": after }))
            .await;
        sockets.push(socket);
    }
    rename(&person.client(&gateways[0].client), &name).await;
    for socket in &mut sockets {
        expect_name(socket, "1", &name).await;
    }
    sockets
}

async fn signing_out_ends_operations(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let mut sockets = listeners(&app.gateways, &ada).await;
    let elsewhere = people::sign_in(client, &ada.email, &ada.password).await;
    let mut others = listeners(&app.gateways, &elsewhere).await;
    for socket in &mut sockets {
        socket.payload("1").await;
    }
    people::sign_out(&ada.client(client), false).await;
    rename(&elsewhere.client(client), "Ada after").await;
    for socket in &mut sockets {
        expect_end(socket, "1", "UNAUTHENTICATED", json!("REVOKED")).await;
        socket.subscribe("2", "{ __typename }", json!({})).await;
        expect_end(socket, "2", "UNAUTHENTICATED", json!("REVOKED")).await;
        expect_alive(socket).await;
        socket.renew(&elsewhere.access_token).await;
        expect_pong(socket).await;
        socket.subscribe("3", "{ me { id } }", json!({})).await;
        assert_eq!(socket.payload("3").await["data"]["me"]["id"], ada.id);
    }
    for socket in &mut others {
        expect_name(socket, "1", "Ada after").await;
    }
}

async fn deactivation_closes_sockets(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let sockets = listeners(&app.gateways, &ada).await;
    let mut idle = Vec::new();
    for gateway in &app.gateways {
        idle.push(ada.client(&gateway.client).socket().await);
    }
    people::deactivate(client, Some(&ada.id)).await.data();
    for mut socket in sockets.into_iter().chain(idle) {
        assert_eq!(socket.closed().await, 4403);
    }
}

async fn roles_apply_before_the_next_event(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let start = client.head().await;
    let staff = people::with_role(client, "STAFF").await;
    // Registered, signed in, promoted.
    let after = client.head_after(&start, 3).await;
    let mut sockets = Vec::new();
    for gateway in &app.gateways {
        let mut socket = staff.client(&gateway.client).socket().await;
        socket
            .subscribe("1", customers::CHANGES, json!({ "after": after }))
            .await;
        socket
            .subscribe(
                "own",
                OWN_CHANGES,
                json!({ "id": staff.id, "after": after }),
            )
            .await;
        sockets.push(socket);
    }
    customers::create(client, "Before", "before@example.com").await;
    for socket in &mut sockets {
        assert_eq!(socket.change("1").await["customer"]["name"], "Before");
    }
    people::set_role(client, &staff.id, "MEMBER").await.data();
    for number in 0..20 {
        customers::create(client, "After", &format!("after{number}@example.com")).await;
    }
    for socket in &mut sockets {
        // Of the two that listen only the one that needs the role ends; which speaks first is open.
        let mut seen = [socket.message().await, socket.message().await];
        seen.sort_by_key(|message| message["id"] != "1");
        assert_eq!(
            seen[0]["payload"][0]["extensions"]["code"], "FORBIDDEN",
            "{seen:?}"
        );
        assert_eq!(
            (&seen[1]["type"], &seen[1]["id"]),
            (&json!("next"), &json!("own")),
            "{seen:?}"
        );
        socket
            .subscribe("2", customers::CHANGES, json!({ "after": after }))
            .await;
        expect_end(socket, "2", "FORBIDDEN", Value::Null).await;
    }
    people::set_role(client, &staff.id, "STAFF").await.data();
    for socket in &mut sockets {
        assert_eq!(
            socket.message().await["id"],
            "own",
            "it has learned of the role"
        );
        socket
            .subscribe("3", customers::CHANGES, json!({ "after": after }))
            .await;
        assert_eq!(socket.change("3").await["customer"]["name"], "Before");
        for _ in 0..20 {
            assert_eq!(socket.change("3").await["customer"]["name"], "After");
        }
    }
}

async fn removal_ends_the_chat(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let [ada, bob] = [
        people::register(client, "Ada").await,
        people::register(client, "Bob").await,
    ];
    let own = ada.client(client);
    let chat = chats::create_group(&own, "Two", &[&bob.id]).await;
    let after = client.head().await;
    chats::say(&own, &chat, "before").await;
    let mut sockets = Vec::new();
    for gateway in &app.gateways {
        let mut socket = bob.client(&gateway.client).socket().await;
        socket
            .subscribe("1", CHAT, json!({ "id": chat, "after": after }))
            .await;
        // The creation may have come after the head that was told.
        while socket.payload("1").await["data"]["chatEvents"]["__typename"] == Value::Null {}
        sockets.push(socket);
    }
    chats::remove(&own, &chat, &bob.id).await;
    for _ in 0..20 {
        chats::say(&own, &chat, "after").await;
    }
    for socket in &mut sockets {
        let mut early = 0;
        let end = loop {
            let message = socket.message().await;
            if message["type"] != "next" {
                break message;
            }
            early += 1;
        };
        assert!(early <= 2, "{early} events came before the end");
        assert_eq!(
            end["payload"][0]["extensions"]["code"], "NOT_FOUND",
            "{end}"
        );
        expect_alive(socket).await;
        socket
            .subscribe("2", CHAT, json!({ "id": chat, "after": after }))
            .await;
        expect_end(socket, "2", "NOT_FOUND", Value::Null).await;
    }
}

/// A stream over HTTP cannot be renewed: it ends with its token.
async fn streams_end_with_their_token(setup: Setup) {
    let app = setup.start();
    let ada = people::register(app.client(), "Ada").await;
    let body = json!({ "query": OWN_CHANGES, "variables": { "id": ada.id } });
    let stream = [("accept", "text/event-stream")];
    let client = app.client().signed_in_as(&for_a_moment(&ada));
    let ended = client.post(&body, &stream).await.expect("the whole stream");
    let text = ended.http.text();
    assert!(
        text.contains("UNAUTHENTICATED") && text.contains("EXPIRED"),
        "{text}"
    );

    let client = ada.client(app.client());
    let (listening, own) = (client.clone(), client.clone());
    let listener = tokio::spawn(async move { listening.post(&body, &stream).await });
    // Whether it listens already or not: it ends.
    people::sign_out(&own, true).await;
    let ended = listener
        .await
        .expect("the listener")
        .expect("the whole stream");
    assert!(
        ended.http.text().contains("REVOKED"),
        "{}",
        ended.http.text()
    );
}

tests::both_ways!(
    renewal_keeps_operations_going,
    signing_out_ends_operations,
    deactivation_closes_sockets,
    roles_apply_before_the_next_event,
    removal_ends_the_chat
);
tests::embedded!(
    expiry_ends_operations_and_not_the_socket,
    renewal_is_for_the_same_user,
    streams_end_with_their_token
);
