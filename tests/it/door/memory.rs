//! What a client makes the gateway hold is bounded, whatever it sends half of, and whatever it does not read.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Connection, post};
use tests::socket::{Frame, Socket};
use tests::waiting::SOON;
use tests::{Running, Setup, eventually, people};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Beside;

const MEGABYTE: usize = 1 << 20;
/// Answers of the one beside, for what was sent to have arrived.
const A_WHILE: u64 = 30;

/// A frame as clients send it; the mask is zero.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

async fn messages_that_are_never_finished(setup: Setup) {
    let app = setup.start();
    let beside = Beside::begin(&app).await;
    let upgrade = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n";
    let init = frame(0x81, br#"{"type":"connection_init"}"#);
    let mut sockets = Vec::new();
    for _ in 0..150 {
        let mut stream = TcpStream::connect(app.address())
            .await
            .expect("a connection");
        stream
            .write_all(upgrade.as_bytes())
            .await
            .expect("an upgrade");
        stream.write_all(&init).await.expect("an init");
        // All but the end of a message, in pieces, with signs of life between.
        let piece = vec![b' '; (MEGABYTE - 1) / 4];
        for number in 0..4 {
            let head = if number == 0 { 0x01 } else { 0x00 };
            // It may have been closed.
            let _ = stream.write_all(&frame(head, &piece)).await;
            let _ = stream.write_all(&frame(0x8a, b"")).await;
        }
        sockets.push(stream);
    }
    beside.await_answers(A_WHILE).await;
    beside.end("150 messages of 1 MB that lack their end").await;
}

async fn bodies_that_drip(setup: Setup) {
    let app = setup.start();
    let beside = Beside::begin(&app).await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {MEGABYTE}\r\n\r\n"
    );
    let mut dripping = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(app.address())
            .await
            .expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("a head");
        let _ = stream.write_all(&vec![b' '; MEGABYTE - 1]).await;
        dripping.push(stream);
    }
    // The rest of what is refused is waited for, but not for long.
    eventually("most are refused", SOON, async || {
        let mut refused = 0;
        for stream in &dripping {
            let mut answer = [0; 12];
            let peeked = tokio::time::timeout(Duration::from_millis(5), stream.peek(&mut answer));
            let is_whole = matches!(peeked.await, Ok(Ok(12)));
            refused += usize::from(is_whole && answer.ends_with(b"429"));
        }
        (refused > 200).then_some(())
    })
    .await;
    beside.end("300 bodies of 1 MB that lack their end").await;
}

async fn addresses_of_a_megabyte(setup: Setup) {
    let app = setup.start();
    let beside = Beside::begin(&app).await;
    for number in 0..100 {
        let address = format!("{number}{}@example.org", "a".repeat(MEGABYTE - 4_096));
        let refused = people::send_sign_in(&app.client().anonymous(), &address, "password").await;
        refused.expect_code("VALIDATION");
        let refused =
            people::send_sign_in(&app.client().anonymous(), "a@example.org", &address).await;
        refused.expect_code("VALIDATION");
    }
    beside.end("200 addresses and passwords of 1 MB").await;
}

async fn event_streams_that_nobody_reads(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-subscriptions-per-user", "50"]);
    let beside = Beside::begin(&app).await;
    let body =
        json!({ "query": "subscription { customerChanged { type customer { id name email } } }" });
    let request = post(
        "/graphql",
        &[("accept", "text/event-stream")],
        body.to_string().as_bytes(),
    );
    let request = app.client().signed(&request);
    let mut unread = Vec::new();
    for _ in 0..60 {
        let mut connection = Connection::open(app.address()).await.expect("a connection");
        connection.write(&request).await.expect("a request");
        unread.push(connection);
    }
    for number in 0..300 {
        let address = format!("c{number}@example.org");
        tests::customers::create(app.client(), &"x".repeat(100), &address).await;
    }
    let mut socket = app.client().socket().await;
    socket
        .subscribe("1", "subscription { customerChanged { type } }", json!({}))
        .await;
    let message = socket.message().await;
    assert_eq!(message["type"], "error", "{message}");
    assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    drop(unread);
    eventually("there is room again", SOON, async || {
        socket
            .subscribe("2", "subscription { customerChanged { type } }", json!({}))
            .await;
        // An event from before may come late; only a refusal says that there is no room.
        match socket.receive_within(Duration::from_millis(300)).await {
            None => Some(()),
            Some(Frame::Message(message)) => (message["type"] != "error").then_some(()),
            Some(ended) => panic!("the socket ended: {ended:?}"),
        }
    })
    .await;
    beside.end("60 event streams that nobody reads").await;
}

async fn documents_of_subscriptions(setup: Setup) {
    let flags = ["--max-subscription-bytes", "8000000"];
    let app = setup.start_many(1, 0, &flags);
    let beside = Beside::begin(&app).await;
    let mut codes = Vec::new();
    let mut socket: Socket = app.client().socket().await;
    for number in 0..60 {
        let fields = "type ".repeat(400);
        let document = format!("subscription S{number} {{ customerChanged {{ {fields} }} }}");
        socket
            .subscribe(&number.to_string(), &document, json!({}))
            .await;
        if let Some(tests::socket::Frame::Message(message)) =
            socket.receive_within(Duration::from_millis(100)).await
        {
            codes.push(message["payload"][0]["extensions"]["code"].clone());
        }
    }
    // On a slow machine they come later.
    while codes.len() <= 10 {
        codes.push(socket.message().await["payload"][0]["extensions"]["code"].clone());
    }
    assert!(codes.iter().all(|code| code == "RATE_LIMITED"), "{codes:?}");
    beside.end("subscriptions with large documents").await;
}

/// Begins 60 live queries, and returns how many of them found no room.
async fn refused(app: &Running, document: impl Fn(usize) -> String) -> usize {
    let mut socket: Socket = app.client().socket().await;
    let mut refused = 0;
    for number in 0..60 {
        let id = number.to_string();
        socket.subscribe(&id, &document(number), json!({})).await;
        let answer = socket.message().await;
        if answer["type"] == "error" {
            let code = &answer["payload"][0]["extensions"]["code"];
            assert_eq!(code, "RATE_LIMITED", "{answer}");
            refused += 1;
        } else {
            assert_eq!(answer["type"], "next", "{answer}");
        }
    }
    refused
}

/// A short document with a large plan.
async fn plans_of_live_queries(setup: Setup) {
    let flags = ["--max-subscription-bytes", "80000000"];
    let app = setup.start_many(1, 0, &flags);
    let beside = Beside::begin(&app).await;
    let users = "nodes { ...U } edges { node { ...U } }";
    let refused = refused(&app, |number| {
        format!(
            "query Q{number} @live {{ a: user(id: \"x\") {{ posts {{ nodes {{ ...P }} edges {{ node {{ ...P }} }} }} }} }}
            fragment P on Post {{ author {{ ...V }} likers(first: 1) {{ nodes {{ ...V }} edges {{ node {{ ...V }} }} }} }}
            fragment V on User {{ posts(first: 1) {{ nodes {{ ...R }} edges {{ node {{ ...R }} }} }} }}
            fragment R on Post {{ author {{ ...U }} likers(first: 1) {{ {users} }} }}
            fragment U on User {{ id name role version bio username createdAt updatedAt }}"
        )
    })
    .await;
    assert!((10..60).contains(&refused), "{refused} were refused");
    beside.end("live queries with large plans").await;
}

const POST: &str =
    "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";

/// The answer before is kept for as long as a live query lasts.
async fn answers_of_live_queries(setup: Setup) {
    let flags = ["--max-subscription-bytes", "160000000"];
    let app = setup.start_many(1, 0, &flags);
    for _ in 0..40 {
        let input = json!({ "input": { "message": "x".repeat(10_000) } });
        app.client().run(POST, input).await.data();
    }
    let beside = Beside::begin(&app).await;
    let refused = refused(&app, |number| {
        format!(
            "query Q{number} @live(patch: true) {{ posts(first: 40) {{ nodes {{ id a: message b: message c: message }} }} }}"
        )
    })
    .await;
    assert!((20..60).contains(&refused), "{refused} were refused");
    beside.end("live queries with large answers").await;
}

/// Subscribers to a post, with frames of 450 KB.
async fn follow_a_post(app: &Running, subscribers: usize) -> (Vec<Socket>, Value) {
    let input = json!({ "input": { "message": "x".repeat(10_000) } });
    let post = app.client().run(POST, input).await;
    let id = post.data()["createPost"]["post"]["id"].clone();
    let after = app.client().head().await;
    let fields: String = (0..45).map(|at| format!("a{at}: message ")).collect();
    let mut sockets = Vec::new();
    for number in 0..subscribers {
        let mut socket: Socket = app.client().socket().await;
        let document = format!(
            "subscription S{number}($id: ID!, $after: String) {{
                postChanged(id: $id, after: $after) {{ type post {{ version {fields} }} }}
            }}"
        );
        let variables = json!({ "id": id, "after": after });
        socket.subscribe("1", &document, variables).await;
        sockets.push(socket);
    }
    (sockets, id)
}

async fn change(app: &Running, id: &Value, times: usize) {
    let write =
        "mutation($input: UpdatePostInput!) { updatePost(input: $input) { post { version } } }";
    for number in 0..times {
        let message = format!("{number}{}", "y".repeat(9_990));
        let input = json!({ "input": { "id": id, "message": message } });
        app.client().run(write, input).await.data();
    }
}

/// Reads so many changes, and no error among them.
async fn read_changes(socket: &mut Socket, count: usize) {
    let mut read = 0;
    while read < count {
        let message = socket.message().await;
        assert_eq!(message["type"], "next", "{}", message["payload"]);
        let kind = &message["payload"]["data"]["postChanged"]["type"];
        read += usize::from(kind == "UPDATED");
    }
    let more = socket.receive_within(Duration::from_millis(300)).await;
    assert!(more.is_none(), "one came twice");
}

/// Groups keep frames for those who lag, up to a bound, and the subscribers lose none of them.
async fn events_that_nobody_takes(setup: Setup) {
    let app = setup.start();
    let beside = Beside::begin(&app).await;
    let (mut sockets, id) = follow_a_post(&app, 10).await;
    // More than a group keeps.
    change(&app, &id, 140).await;
    beside.await_answers(A_WHILE).await;
    beside
        .end_within("frames that nobody takes", 150 << 20)
        .await;
    read_changes(&mut sockets[0], 140).await;
}

/// Where there is room for two frames, five subscribers wait for each other, and none is ended.
async fn frames_that_wait_for_room(setup: Setup) {
    let flags = ["--max-subscription-bytes", "16000000"];
    let app = setup.start_many(1, 0, &flags);
    let (mut sockets, id) = follow_a_post(&app, 5).await;
    change(&app, &id, 30).await;
    let reading = sockets.iter_mut().map(|socket| read_changes(socket, 30));
    futures::future::join_all(reading).await;
}

async fn lists_of_many_items(setup: Setup) {
    let app = setup.start();
    let document = "query($role: [Role!]) { users(first: 1, filter: { role: { in: $role } }) { nodes { id } } }";
    let many = json!({ "role": vec!["MEMBER"; 32_767] });
    let answer = app.client().run(document, many).await;
    answer.expect_code("LIMIT_EXCEEDED");
    let fewer = json!({ "role": vec!["MEMBER"; 9_000] });
    let answer = app.client().run(document, fewer).await;
    answer.expect_code("VALIDATION");
    let some = json!({ "role": vec!["MEMBER"; 400] });
    app.client().run(document, some).await.data();
}

tests::embedded!(
    alone: messages_that_are_never_finished,
    bodies_that_drip,
    addresses_of_a_megabyte,
    event_streams_that_nobody_reads,
    documents_of_subscriptions,
    plans_of_live_queries,
    answers_of_live_queries,
    events_that_nobody_takes,
    frames_that_wait_for_room
);
tests::embedded!(lists_of_many_items);
