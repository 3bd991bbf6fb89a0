//! Roles that change again and again while sockets are open: whatever a subscription does about one change, it hears of the
//! next. Embedded, where the commit and the arrival of its event are close together.

use futures::future::join_all;
use serde_json::json;
use tests::socket::Socket;
use tests::{Setup, people};

const CHANGES: &str = "subscription($id: ID!) { userChanged(id: $id) { type } }";
const SOCKETS: usize = 4;
const TURNS: usize = 40;

async fn expect_turn(socket: &mut Socket) {
    // The registration may have got its place after the subscription began.
    while socket.payload("own").await["data"]["userChanged"]["type"] != "ROLE_CHANGED" {}
}

async fn every_turn_is_heard(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let mut socket = ada.client(client).socket().await;
        let variables = json!({ "id": ada.id });
        socket.subscribe("own", CHANGES, variables).await;
        // Answered behind the subscription, so that it is open.
        socket.subscribe("me", "{ me { id } }", json!({})).await;
        loop {
            let message = socket.message().await;
            if message["id"] == "me" && message["type"] == "complete" {
                break;
            }
        }
        sockets.push(socket);
    }
    for turn in 0..TURNS {
        let role = if turn % 2 == 0 { "STAFF" } else { "MEMBER" };
        people::set_role(client, &ada.id, role).await.data();
        join_all(sockets.iter_mut().map(expect_turn)).await;
    }
}

#[test]
fn every_change_of_a_role_is_heard() {
    tests::setup::run(|| every_turn_is_heard(Setup::embedded()));
}
