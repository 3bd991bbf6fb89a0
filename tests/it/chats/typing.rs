//! Typing is heard by those who are there, on every gateway, and written nowhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::Setup;
use tests::socket::{Frame, Socket};
use tests::waiting::SOON;

use super::api::{self, TYPING, UNKNOWN, apply, group, send, trio};

/// What one hears, while somebody keeps typing: a whisper that nobody listened to yet is lost, and rightly.
async fn heard(socket: &mut Socket, mut say_so: impl AsyncFnMut()) -> Value {
    let began = Instant::now();
    while began.elapsed() < SOON {
        say_so().await;
        // A user may say so five times a second.
        match socket.receive_within(Duration::from_millis(400)).await {
            Some(Frame::Message(message)) => {
                assert_eq!(message["type"], "next", "{message}");
                return message["payload"]["data"]["typing"].clone();
            }
            Some(end) => panic!("the socket ended: {end:?}"),
            None => {}
        }
    }
    panic!("nobody heard anything");
}

async fn it_is_told_and_not_kept(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, _), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let other = group(&a, "Cake", &[&bob]).await;
    let events = api::events(&setup).await;
    for any in app.clients() {
        let mut socket = bob.client(&any).socket().await;
        socket.subscribe("1", TYPING, json!({ "id": chat })).await;
        let typing = heard(&mut socket, async || {
            apply(&a, "setTyping", json!({ "id": other })).await;
            apply(&a, "setTyping", json!({ "id": chat })).await;
        })
        .await;
        assert_eq!(typing["user"], json!({ "id": ada.id, "name": "Ada" }));
        assert!(typing["at"].is_string(), "{typing}");
    }
    assert_eq!(api::events(&setup).await, events);
}

async fn members_only(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (_, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let mut outside = e.socket().await;
    for (number, id) in [chat.as_str(), UNKNOWN].into_iter().enumerate() {
        let operation = number.to_string();
        outside
            .subscribe(&operation, TYPING, json!({ "id": id }))
            .await;
        let message = outside.message().await;
        assert_eq!(message["type"], "error", "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "NOT_FOUND");
        let refused = send(&e, "setTyping", json!({ "id": id })).await;
        refused.expect_code("NOT_FOUND");
    }
    let mut socket = b.socket().await;
    socket.subscribe("1", TYPING, json!({ "id": chat })).await;
    let say_so = async || {
        apply(&a, "setTyping", json!({ "id": chat })).await;
    };
    heard(&mut socket, say_so).await;
    apply(
        &a,
        "removeChatMember",
        json!({ "id": chat, "userId": bob.id }),
    )
    .await;
    say_so().await;
    let end = loop {
        let message = socket.message().await;
        if message["type"] != "next" {
            break message;
        }
    };
    assert_eq!(end["type"], "error", "{end}");
    assert_eq!(end["payload"][0]["extensions"]["code"], "NOT_FOUND");
}

tests::both_ways!(it_is_told_and_not_kept, members_only);
