//! `availabilityChanged`: what is first, then every change, from whichever gateway, and nothing of those who hide.

use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::socket::Socket;
use tests::waiting::SOON;
use tests::{Setup, eventually, people};

use super::{becomes, choose, presence_events};

const FOLLOW: &str = "subscription Follow($ids: [ID!]!) { availabilityChanged(userIds: $ids) { \
    user { id name email } availability lastSeenAt } }";

async fn follow(client: &Client, ids: Value) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe("1", FOLLOW, json!({ "ids": ids })).await;
    socket
}

/// The next item: whom it is about, and what is shown.
async fn next(socket: &mut Socket) -> (String, String, Value) {
    let payload = socket.payload("1").await;
    assert!(payload.get("errors").is_none(), "{payload}");
    let item = &payload["data"]["availabilityChanged"];
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("{item}"))
            .to_owned()
    };
    (
        text(&item["user"]["name"]),
        text(&item["availability"]),
        item["lastSeenAt"].clone(),
    )
}

fn of(name: &str, availability: &str) -> (String, String, Value) {
    (name.into(), availability.into(), Value::Null)
}

async fn first_what_is_then_what_changes(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "100ms");
    let app = setup.start_many(2, 1, &[]);
    let (here, there) = (app.client(), &app.gateways[app.gateways.len() - 1].client);
    let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| people::register(here, name));
    let (ada, bob, eve) = futures::join!(ada, bob, eve);
    let bobs = bob.client(there).socket().await;
    becomes(here, &bob.id, "ONLINE").await;
    // Staff see the same without being executed for each alone.
    let staff = people::with_role(here, "STAFF").await;
    let watchers = [
        ada.client(here),
        ada.client(there),
        staff.client(here),
        staff.client(there),
    ];
    let mut sockets = Vec::new();
    for watcher in &watchers {
        sockets.push(follow(watcher, json!([eve.id, bob.id, eve.id])).await);
    }
    for socket in &mut sockets {
        assert_eq!(next(socket).await, of("Eve", "OFFLINE"));
        assert_eq!(next(socket).await, of("Bob", "ONLINE"));
    }
    choose(&bob.client(there), "BUSY").await;
    expect_all(&mut sockets, of("Bob", "BUSY")).await;
    let eves = eve.client(there).socket().await;
    expect_all(&mut sockets, of("Eve", "ONLINE")).await;
    bobs.close().await;
    for socket in &mut sockets {
        let (name, availability, last_seen_at) = until(socket, "Bob", "OFFLINE").await;
        assert_eq!((name.as_str(), availability.as_str()), ("Bob", "OFFLINE"));
        assert!(last_seen_at.is_string(), "{last_seen_at}");
    }
    eves.close().await;
}

async fn expect_all(sockets: &mut [Socket], wanted: (String, String, Value)) {
    for socket in sockets {
        assert_eq!(until(socket, &wanted.0, &wanted.1).await, wanted);
    }
}

/// The item that says this. Members are told the values again when it is found out that what they asked for has to be
/// executed for each alone, as others' addresses are not for them.
async fn until(socket: &mut Socket, name: &str, availability: &str) -> (String, String, Value) {
    for _ in 0..4 {
        let item = next(socket).await;
        if item.0 == name && item.1 == availability {
            return item;
        }
    }
    panic!("{name} did not become {availability}");
}

async fn those_who_hide_are_not_given_away(mut setup: Setup) {
    setup.settings.set("MILLRACE_PRESENCE_GRACE", "1ms");
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let mut watcher = client.socket().await;
    watcher
        .subscribe("1", FOLLOW, json!({ "ids": [ada.id] }))
        .await;
    assert_eq!(next(&mut watcher).await, of("Ada", "OFFLINE"));
    choose(&own, "OFFLINE").await;
    assert_eq!(next(&mut watcher).await, of("Ada", "OFFLINE"));
    let database = setup.database().await;
    for turn in 0..3 {
        let socket = own.socket().await;
        await_events(&database, &ada.id, 2 * turn + 1).await;
        socket.close().await;
        await_events(&database, &ada.id, 2 * turn + 2).await;
    }
    choose(&own, "AWAY").await;
    let (_, availability, last_seen_at) = next(&mut watcher).await;
    assert_eq!(availability, "OFFLINE");
    assert!(
        last_seen_at.is_string(),
        "the next item tells of the choice, none of the connections"
    );
}

async fn await_events(database: &DatabaseConnection, id: &str, count: usize) {
    eventually("a connection is known", SOON, async || {
        (presence_events(database, id).await.len() == count).then_some(())
    })
    .await;
}

async fn bad_arguments_are_refused(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let many: Vec<_> = (0..101).map(|_| ada.id.clone()).collect();
    for ids in [
        json!([]),
        json!(many),
        json!(["customer_01h455vb4pex5vsknk084sn02q"]),
        json!(["x"]),
    ] {
        let mut socket = follow(client, ids).await;
        assert_eq!(code(&mut socket).await, "VALIDATION");
    }
    let mut socket = follow(&client.anonymous(), json!([ada.id])).await;
    assert_eq!(code(&mut socket).await, "UNAUTHENTICATED");
    // Who does not exist is left out.
    let unknown = tests::ids::global_id("user", 1);
    let mut socket = follow(client, json!([unknown, ada.id])).await;
    assert_eq!(next(&mut socket).await, of("Ada", "OFFLINE"));
}

async fn code(socket: &mut Socket) -> String {
    let message = socket.message().await;
    assert_eq!(message["type"], "error", "{message}");
    let code = &message["payload"][0]["extensions"]["code"];
    code.as_str().expect("a code").to_owned()
}

tests::both_ways!(
    first_what_is_then_what_changes,
    those_who_hide_are_not_given_away,
    bad_arguments_are_refused,
);
