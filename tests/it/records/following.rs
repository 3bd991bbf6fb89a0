//! Subscriptions: a client that was away gets what it missed, once and in order.

use serde_json::{Value, json};
use tests::{Setup, records::Kind, socket::Socket};

async fn follow(client: &tests::graphql::Client, kind: &Kind, id: &Value, after: &str) -> Socket {
    let mut socket = client.socket().await;
    let variables = json!({ "id": id, "after": after });
    socket.subscribe("1", &kind.changes(), variables).await;
    socket
}

async fn next(socket: &mut Socket, kind: &Kind) -> Value {
    socket.payload("1").await["data"][format!("{}Changed", kind.one)].clone()
}

pub(super) async fn changes_are_resumed_without_loss_or_repeat(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let mut socket = follow(client, kind, &Value::Null, &start).await;
    let id = kind.create(client, 1).await["id"].clone();
    kind.set_text(client, &id, "Another").await;
    let mut seen = vec![next(&mut socket, kind).await, next(&mut socket, kind).await];
    drop(socket);

    // Away: something of another record, and the rest of this one's life.
    kind.create(client, 2).await;
    kind.apply(client, "delete", json!({ "id": id })).await;
    let mut types = vec!["CREATED", "UPDATED", "DELETED"];
    if kind.restores {
        kind.apply(client, "restore", json!({ "id": id })).await;
        types.push("RESTORED");
    }
    let after = seen[1]["cursor"].as_str().expect("a cursor").to_owned();
    let mut socket = follow(client, kind, &id, &after).await;
    while seen.len() < types.len() {
        seen.push(next(&mut socket, kind).await);
    }
    let found: Vec<_> = seen.iter().map(|change| change["type"].clone()).collect();
    assert_eq!(found, types);
    for (version, change) in (1..).zip(&seen) {
        assert_eq!(change["version"], version);
        assert_eq!(change[kind.one]["version"], version, "as it was then");
        assert_eq!(change[kind.one]["id"], id);
    }
    assert_eq!(seen[1][kind.one][kind.text], "Another");

    // It is live: what follows comes, and nothing before it again.
    let last = match kind.restores {
        true => kind.set_text(client, &id, "A third").await,
        false => return,
    };
    let change = next(&mut socket, kind).await;
    assert_eq!(
        (&change["type"], &change[kind.one]),
        (&json!("UPDATED"), &last)
    );
}
