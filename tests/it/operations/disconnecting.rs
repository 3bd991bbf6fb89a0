//! Disconnecting a user: every socket and stream on every gateway is closed, those of others stay, and sessions end only when
//! that is asked for.

use serde_json::{Value, json};
use tests::event_stream::EventStream;
use tests::graphql::Client;
use tests::http;
use tests::people::{self, Person};
use tests::socket::{Frame, Socket};
use tests::waiting::SOON;
use tests::{Setup, eventually, ids};

use super::{audited, mutate, mutate_with_key};

/// The close code, with what it says.
const CLOSED: (u16, &str) = (4410, "Disconnected by an administrator");

async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.receive().await {
            Frame::Message(_) => {}
            Frame::Closed { code, reason } => return (code, reason),
            Frame::Cut(problem) => panic!("cut without a close frame: {problem}"),
        }
    }
}

async fn assert_open(socket: &mut Socket) {
    socket.send(json!({ "type": "ping" })).await;
    loop {
        match socket.receive().await {
            Frame::Message(message) if message["type"] == "pong" => return,
            Frame::Message(_) => {}
            ended => panic!("it is not open: {ended:?}"),
        }
    }
}

async fn disconnect(admin: &Client, person: &Person, ends_sessions: bool) -> u64 {
    let input = json!({ "id": person.id, "endSessions": ends_sessions });
    let answer = mutate(admin, "disconnectUser", input, "endedSessions").await;
    let ended = answer.data()["disconnectUser"]["endedSessions"].as_u64();
    ended.expect("a number")
}

/// Opens a subscription over server-sent events that has shown an event.
async fn listen(client: &Client, start: &str) -> EventStream {
    let query = "subscription($after: String) { userChanged(after: $after) { type } }";
    let body = json!({ "query": query, "variables": { "after": start } }).to_string();
    let headers = [("accept", "text/event-stream")];
    let request = http::post("/graphql", &headers, body.as_bytes());
    let mut opened = EventStream::open(client, &request).await;
    opened.until("event: next", 1).await;
    opened
}

async fn all_sockets_on_all_gateways_close(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let admin = &clients[0];
    let last = clients.last().expect("a gateway");
    let start = admin.head().await;
    let user = people::register(admin, "Disconnected").await;
    let other = people::register(admin, "Other").await;
    // A second session of the same user.
    let again = people::sign_in(admin, &user.email, &user.password).await;
    let mut sockets = Vec::new();
    for (person, client) in [(&user, admin), (&user, last), (&again, last)] {
        for _ in 0..3 {
            let mut socket = person.client(client).socket().await;
            let document = "subscription { userChanged { type } }";
            socket.subscribe("1", document, json!({})).await;
            sockets.push(socket);
        }
    }
    let streams = [
        listen(&user.client(admin), &start).await,
        listen(&again.client(last), &start).await,
    ];
    let mut others = vec![
        other.client(admin).socket().await,
        other.client(last).socket().await,
        last.socket().await,
        Socket::connect(last.address).await,
    ];
    assert_eq!(disconnect(admin, &user, false).await, 0);
    for socket in &mut sockets {
        assert_eq!(closed(socket).await, (CLOSED.0, CLOSED.1.to_owned()));
    }
    for stream in streams {
        // It ends without `complete`, which tells clients to come again.
        let all = stream.rest().await;
        assert!(!all.contains("event: complete"), "{all}");
    }
    for socket in &mut others {
        assert_open(socket).await;
    }
    // The sessions are what they were, and nobody is met twice.
    let mut back = vec![
        user.client(admin).socket().await,
        again.client(last).socket().await,
    ];
    // The event has long arrived everywhere: a later one has.
    let head = admin.head().await;
    eventually("both gateways are past it", SOON, async || {
        (ids::position(&last.head().await) >= ids::position(&head)).then_some(())
    })
    .await;
    for socket in &mut back {
        assert_open(socket).await;
    }
    assert_eq!(
        people::me(&user.client(last)).await.data()["me"]["id"],
        user.id.as_str()
    );

    assert_eq!(disconnect(last, &user, true).await, 2);
    for socket in &mut back {
        assert_eq!(closed(socket).await.0, CLOSED.0);
    }
    for (person, client) in [(&user, admin), (&again, last)] {
        eventually("the session is over everywhere", SOON, async || {
            let answer = people::me(&person.client(client)).await;
            (answer.code() == Some("UNAUTHENTICATED")).then_some(())
        })
        .await;
        let refused = person.client(client).try_socket().await;
        assert!(refused.is_err_and(|problem| problem.contains("4403")));
        people::send_refresh(client, &person.refresh_token)
            .await
            .expect_code("UNAUTHENTICATED");
    }
    for socket in &mut others {
        assert_open(socket).await;
    }
    people::sign_in(last, &user.email, &user.password).await;
    let told = audited(&setup.database().await).await;
    let ended: Vec<&Value> = told
        .iter()
        .map(|(_, data, _)| &data["endedSessions"])
        .collect();
    assert_eq!(ended, [&json!(0), &json!(2)]);
    for (kind, _, actor) in &told {
        assert_eq!(
            (kind.as_str(), actor),
            ("UserSocketsClosed", &setup.admin().id)
        );
    }
}

async fn a_repeat_disconnects_nobody_again(setup: Setup) {
    let app = setup.start();
    let admin = app.client();
    let user = people::register(admin, "Disconnected").await;
    let input = json!({ "id": user.id, "endSessions": true });
    let send = async || {
        let key = Some("disconnect-1");
        let answer = mutate_with_key(admin, "disconnectUser", input.clone(), "endedSessions", key);
        answer.await.data()["disconnectUser"]["endedSessions"].clone()
    };
    assert_eq!(send().await, 1);
    let again = people::sign_in(admin, &user.email, &user.password).await;
    let mut socket = again.client(admin).socket().await;
    assert_eq!(send().await, 1);
    assert_open(&mut socket).await;
    // Many at once: each is told, one after the other.
    let many = (0..8).map(|_| disconnect(admin, &user, false));
    futures::future::join_all(many).await;
    assert_eq!(closed(&mut socket).await.0, CLOSED.0);
    assert_eq!(audited(&setup.database().await).await.len(), 9);
}

/// Gateways that hear nothing over Redis learn it from the log.
async fn redis_is_not_needed(_: Setup) {
    let (postgres, redis) = (
        tests::postgres::Postgres::shared(),
        tests::redis::Redis::start(),
    );
    let setup = Setup::distributed_on(postgres, &redis);
    let app = setup.start_many(2, 0, &[]);
    let clients = app.clients();
    let user = people::register(&clients[0], "Disconnected").await;
    let mut socket = user.client(&clients[1]).socket().await;
    redis.kill();
    disconnect(&clients[0], &user, false).await;
    assert_eq!(closed(&mut socket).await.0, CLOSED.0);
}

tests::both_ways!(
    all_sockets_on_all_gateways_close,
    a_repeat_disconnects_nobody_again,
);
tests::distributed!(redis_is_not_needed);
