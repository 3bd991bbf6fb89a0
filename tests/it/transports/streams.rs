//! Event streams that broke off go on behind the last id that their client has seen, also when that is the first one, without an event;
//! and sockets begin with a cursor for the same end.

use serde_json::{Value, json};
use tests::Setup;
use tests::customers::create;
use tests::event_stream::EventStream;
use tests::graphql::Client;
use tests::http::request;
use tests::socket::Socket;

/// Percent-encoded, as browsers do it.
const CHANGES: &str =
    "/graphql?query=subscription%7BcustomerChanged%7Btype%20customer%7Bname%7D%7D%7D";

async fn listen(client: &Client, target: &str, last: Option<&str>) -> EventStream {
    let mut headers = vec![("accept", "text/event-stream")];
    headers.extend(last.map(|last| ("last-event-id", last)));
    EventStream::open(client, &request("GET", target, &headers)).await
}

fn names(stream: &EventStream) -> Vec<String> {
    let results = stream.results();
    let names = results
        .iter()
        .map(|it| &it["data"]["customerChanged"]["customer"]["name"]);
    names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

/// On whichever gateway it comes back.
async fn streams_go_on_behind_the_last_id(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let (first, last) = (&clients[0], clients.last().expect("a gateway"));
    let mut stream = listen(first, CHANGES, None).await;
    stream.until("id: ", 1).await;
    let opened = stream.fields("id")[0].to_owned();
    assert!(stream.results().is_empty(), "an id, and no event");
    // It is lost before its first event.
    drop(stream);
    create(first, "Ada", "ada@example.com").await;
    let mut stream = listen(last, CHANGES, Some(&opened)).await;
    stream.until("event: next", 1).await;
    create(last, "Bob", "bob@example.com").await;
    stream.until("event: next", 2).await;
    assert_eq!(names(&stream), ["Ada", "Bob"]);
    let ids = stream.fields("id");
    let cursors: Vec<Value> = stream.results();
    let cursors = cursors.iter().map(|it| it["extensions"]["cursor"].clone());
    assert_eq!(ids[0], opened, "it begins where it goes on");
    assert_eq!(json!(ids[1..]), cursors.collect::<Value>());
    let seen = ids[1].to_owned();
    drop(stream);
    create(first, "Cid", "cid@example.com").await;
    let mut stream = listen(first, CHANGES, Some(&seen)).await;
    stream.until("event: next", 2).await;
    assert_eq!(names(&stream), ["Bob", "Cid"]);

    // A browser asks for the same address again, with the `after` of its beginning.
    let after = format!(
        "/graphql?query=subscription(%24a%3AString)%7BcustomerChanged(after%3A%24a)%7Btype%20customer%7Bname%7D%7D%7D\
         &variables=%7B%22a%22%3A%22{opened}%22%7D"
    );
    let mut stream = listen(first, &after, None).await;
    stream.until("event: next", 3).await;
    assert_eq!(names(&stream), ["Ada", "Bob", "Cid"]);
    assert_eq!(stream.fields("id")[0], opened);
    let mut stream = listen(first, &after, Some(&seen)).await;
    stream.until("event: next", 2).await;
    assert_eq!(names(&stream), ["Bob", "Cid"]);
}

async fn ids_are_checked_as_cursors_are(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let head = client.head().await;
    let (position, proof) = head.rsplit_once('-').expect("a cursor");
    let other: String = proof.chars().rev().collect();
    let forged = format!("{position}-{other}0");
    for wrong in ["null", "1", &forged] {
        let stream = listen(client, CHANGES, Some(wrong)).await;
        let text = stream.rest().await;
        assert!(text.contains("CURSOR_INVALID"), "{wrong}: {text}");
        assert!(text.contains("event: complete"), "{wrong}: {text}");
    }
    // A current value has no past.
    let target = "/graphql?query=subscription%7BcustomerStatistics%7Btotal%7D%7D";
    let mut stream = listen(client, target, Some("1")).await;
    stream.until("event: next", 1).await;
    assert!(stream.results()[0]["data"]["customerStatistics"]["total"].is_number());
    // Neither has a query.
    let target = "/graphql?query=%7B__typename%7D";
    let stream = listen(client, target, Some("1")).await;
    assert!(stream.rest().await.contains("\"__typename\":\"Query\""));
}

/// Whoever loses a socket before the first event has a place to go on from.
async fn sockets_begin_with_a_cursor(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut socket = Socket::upgrade(client.address, "graphql-transport-ws")
        .await
        .expect("a socket");
    socket.send(json!({ "type": "connection_init" })).await;
    let acknowledged = socket.message().await;
    let cursor = acknowledged["payload"]["cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    drop(socket);
    create(client, "Ada", "ada@example.com").await;
    let mut socket = client.socket().await;
    let document =
        "subscription($after: String) { customerChanged(after: $after) { customer { name } } }";
    socket
        .subscribe("1", document, json!({ "after": cursor }))
        .await;
    let message = socket.message().await;
    let name = &message["payload"]["data"]["customerChanged"]["customer"]["name"];
    assert_eq!(name, "Ada", "{message}");
}

/// As Apollo Client reads it, byte by byte.
async fn multipart_answers_have_their_form(setup: Setup) {
    let app = setup.start_many(1, 1, &["--sse-keep-alive", "100ms"]);
    let client = app.client();
    let document = "subscription($after: String) { customerChanged(after: $after) { type } }";
    let body =
        json!({ "query": document, "variables": { "after": client.head().await } }).to_string();
    let accept = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";
    let post = tests::http::post("/graphql", &[("accept", accept)], body.as_bytes());
    let mut stream = EventStream::open(client, &post).await;
    stream.until("\r\n\r\n{}\r\n--graphql", 2).await;
    create(client, "Ada", "ada@example.com").await;
    stream.until("\"payload\"", 1).await;
    stream.until("\r\n\r\n{}\r\n--graphql", 3).await;
    let head = "content-type: multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0\r\n";
    assert!(stream.text.contains(head), "{}", stream.text);
    let part = "\r\ncontent-type: application/json\r\n\r\n{\"payload\":{\"data\":{\"customerChanged\":{\"type\":\"CREATED\"}}";
    assert!(stream.text.contains(part), "{}", stream.text);
}

tests::both_ways!(streams_go_on_behind_the_last_id);
tests::embedded!(
    ids_are_checked_as_cursors_are,
    sockets_begin_with_a_cursor,
    multipart_answers_have_their_form
);
