//! What is ready for clients and waits for them has bounded room, whatever it waits for; and who uses theirs up does so for nobody else.

use serde_json::json;
use tests::graphql::Client;
use tests::people::register;
use tests::socket::Socket;
use tests::{Running, Setup};

use super::Beside;

/// Answers of the one beside, for what was sent to have been executed.
const A_WHILE: u64 = 60;
const POST: &str =
    "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";
/// Another address than that of the one beside.
const ELSEWHERE: [(&str, &str); 1] = [("x-forwarded-for", "198.51.100.7")];

/// Writes posts of 10 KB.
async fn write_posts(client: &Client, count: usize) {
    for _ in 0..count {
        let input = json!({ "input": { "message": "x".repeat(10_000) } });
        client.run(POST, input).await.data();
    }
}

/// Selects a message so many times.
fn messages(times: usize) -> String {
    let messages: Vec<_> = (0..times).map(|at| format!("a{at}: message")).collect();
    messages.join(" ")
}

async fn socket_from_elsewhere(app: &Running) -> Socket {
    let upgraded = Socket::upgrade_with(app.address(), "graphql-transport-ws", &ELSEWHERE);
    let mut socket = upgraded.await.expect("an upgrade");
    let initialised = socket.initialise_as(app.client().token());
    initialised.await.expect("an acknowledgement");
    socket
}

/// Returns the last message of each of so many operations, and checks that those which failed found no room.
async fn ends(socket: &mut Socket, count: usize) -> (usize, usize) {
    let (mut done, mut refused) = (0, 0);
    while done + refused < count {
        let message = socket.message().await;
        match message["type"].as_str() {
            Some("complete") => done += 1,
            Some("error") => {
                let code = &message["payload"][0]["extensions"]["code"];
                assert_eq!(code, "RATE_LIMITED", "{message}");
                refused += 1;
            }
            _ => {}
        }
    }
    (done, refused)
}

/// Results are made as they can be, and wait until the socket has taken those before.
async fn results_that_wait_for_their_socket(setup: Setup) {
    const QUERIES: usize = 60;
    let app = setup.start_many(1, 0, &["--forwarded-addresses", "true"]);
    write_posts(app.client(), 100).await;
    let beside = Beside::begin(&app).await;
    let mut sockets = Vec::new();
    for number in 0..3 {
        let mut socket = socket_from_elsewhere(&app).await;
        for query in 0..QUERIES {
            let fields = messages(2);
            let document = format!(
                "query Q{number}_{query} {{ posts(first: 100) {{ nodes {{ {fields} }} }} }}"
            );
            socket
                .subscribe(&query.to_string(), &document, json!({}))
                .await;
        }
        sockets.push(socket);
    }
    beside.await_answers(A_WHILE).await;
    let (mut done, mut refused) = (0, 0);
    for socket in &mut sockets {
        let ends = ends(socket, QUERIES).await;
        (done, refused) = (done + ends.0, refused + ends.1);
    }
    assert!(done > 0 && refused > 0, "{done} answers, {refused} refused");
    beside
        .end_within("180 answers of 2 MB that nobody takes", 150 << 20)
        .await;
}

/// Who began a live query that others watch, too, has no more room when its answer grows.
async fn whoever_has_room_keeps_the_answer(setup: Setup) {
    let flags = ["--max-subscription-bytes", "16000000"];
    let app = setup.start_many(1, 0, &flags);
    write_posts(app.client(), 1).await;
    let shared = "query @live { posts(first: 40) { nodes { id message } } }";
    let mut sockets = Vec::new();
    for name in ["Ada", "Bob"] {
        let person = register(app.client(), name).await;
        let mut socket = person.client(app.client()).socket().await;
        socket.subscribe("shared", shared, json!({})).await;
        let answer = socket.message().await;
        assert_eq!(answer["type"], "next", "{answer}");
        sockets.push(socket);
    }
    let mut is_full = false;
    for number in 0..5 {
        let fields = messages(45);
        let document =
            format!("query F{number} @live {{ posts(first: 1) {{ nodes {{ {fields} }} }} }}");
        let id = number.to_string();
        sockets[0].subscribe(&id, &document, json!({})).await;
        is_full |= sockets[0].message().await["type"] == "error";
    }
    assert!(is_full, "Ada has used up her room");
    write_posts(app.client(), 39).await;
    for socket in &mut sockets {
        loop {
            let message = socket.message().await;
            if message["id"] != "shared" {
                continue;
            }
            assert_eq!(message["type"], "next", "{}", message["payload"]);
            let nodes = &message["payload"]["data"]["posts"]["nodes"];
            if nodes.as_array().is_some_and(|nodes| nodes.len() == 40) {
                break;
            }
        }
    }
}

tests::embedded!(alone: results_that_wait_for_their_socket);
tests::embedded!(whoever_has_room_keeps_the_answer);
