//! What an idle subscribed socket takes in the gateway's memory, also after it was busy.

use futures::future::join_all;
use serde_json::json;
use tests::graphql::Client;
use tests::socket::Socket;
use tests::{Setup, customers, eventually};

const SOCKETS: usize = 600;
/// A debug build takes 7.6 KiB, and 8.0 after events.
const MOST_BYTES: u64 = 10 * 1024;
/// What everybody hears before it is quiet again.
const EVENTS: usize = 20;

async fn subscribe(client: &Client, count: usize) -> Vec<Socket> {
    let mut sockets = Vec::new();
    let after = client.head().await;
    for _ in 0..count {
        let mut socket = client.socket().await;
        let variables = json!({ "after": after });
        socket.subscribe("1", customers::CHANGES, variables).await;
        sockets.push(socket);
    }
    sockets
}

/// Everybody hears of some customers.
async fn hear(client: &Client, sockets: &mut [Socket], name: &str) {
    for number in 0..EVENTS {
        let email = format!("{}{number}@example.com", name.to_lowercase());
        customers::create(client, name, &email).await;
    }
    let listening = sockets.iter_mut().map(async |socket| {
        let mut heard = 0;
        while heard < EVENTS {
            heard += usize::from(socket.change("1").await["customer"]["name"] == name);
        }
    });
    join_all(listening).await;
}

async fn idle_sockets_are_small(setup: Setup) {
    let app = setup.start_many(1, 0, &["--ping-interval", "10m"]);
    let gateway = &app.gateways[0];
    // Whatever is made once is made by these.
    let mut few = subscribe(&gateway.client, 20).await;
    hear(&gateway.client, &mut few, "First").await;
    let before = gateway.process.resident_bytes();
    let mut sockets = subscribe(&gateway.client, SOCKETS).await;
    // An answer on the last socket says that the gateway has read all before it.
    let last = sockets.last_mut().expect("a socket");
    last.subscribe("2", "{ __typename }", json!({})).await;
    last.payload("2").await;
    assert_eq!(last.message().await["type"], "complete");
    let each = || gateway.process.resident_bytes().saturating_sub(before) / SOCKETS as u64;
    let idle = each();
    hear(&gateway.client, &mut sockets, "Second").await;
    println!("{idle} bytes a socket, {} after events", each());
    assert!(idle < MOST_BYTES, "{idle} bytes a socket");
    eventually("they are small again", tests::waiting::SOON, async || {
        (each() < MOST_BYTES).then_some(())
    })
    .await;
}

tests::embedded!(alone: idle_sockets_are_small);
