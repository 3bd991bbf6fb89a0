//! What members hear: of one chat, and of all of theirs.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::socket::{Frame, Socket};

use super::api::{self, EVENTS, MY_CHATS, UNKNOWN, apply, group, say, trio};

/// The next event of an operation.
async fn next(socket: &mut Socket, id: &str) -> Value {
    let payload = socket.payload(id).await;
    assert!(payload.get("errors").is_none(), "{payload}");
    let data = payload["data"].as_object().expect("data");
    data.values().next().expect("one field").clone()
}

/// The code with which an operation ends; nothing may come before.
async fn ends_with(socket: &mut Socket, id: &str) -> String {
    let message = socket.message().await;
    assert_eq!(
        (&message["type"], &message["id"]),
        (&json!("error"), &json!(id)),
        "{message}"
    );
    let code = message["payload"][0]["extensions"]["code"].as_str();
    code.expect("a code").to_owned()
}

async fn follow(client: &Client, document: &str, variables: Value) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe("1", document, variables).await;
    socket
}

async fn members_hear_everything(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let start = api::settled(&setup, app.client()).await;
    let elsewhere = bob.client(app.clients().last().expect("a gateway"));
    let after = json!({ "id": chat, "after": start });
    let mut socket = follow(&elsewhere, EVENTS, after.clone()).await;
    apply(&a, "renameChat", json!({ "id": chat, "title": "Cake" })).await;
    apply(
        &a,
        "addChatMembers",
        json!({ "id": chat, "userIds": [eve.id] }),
    )
    .await;
    let message = say(&e, &chat, "Hello").await;
    let edit = json!({ "id": message["id"], "text": "Hello!" });
    apply(&e, "updateMessage", edit).await;
    apply(&e, "deleteMessage", json!({ "id": message["id"] })).await;
    apply(&a, "leaveChat", json!({ "id": chat })).await;
    apply(&b, "markChatRead", json!({ "id": chat })).await;

    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(next(&mut socket, "1").await);
    }
    let types: Vec<_> = heard
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    let expected = [
        "RENAMED",
        "MEMBER_ADDED",
        "MESSAGE_SENT",
        "MESSAGE_UPDATED",
        "MESSAGE_DELETED",
        "MEMBER_LEFT",
    ];
    assert_eq!(types, expected);
    let versions: Vec<_> = heard
        .iter()
        .filter_map(|event| event["version"].as_u64())
        .collect();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7]);
    assert_eq!(heard[0]["chat"]["title"], "Cake");
    assert_eq!(
        (&heard[0]["message"], &heard[0]["member"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        heard[1]["member"],
        json!({ "user": { "id": eve.id }, "role": "MEMBER" })
    );
    assert_eq!(
        (&heard[2]["message"]["id"], &heard[2]["actor"]["id"]),
        (&message["id"], &json!(eve.id))
    );
    assert_eq!(heard[4]["message"]["text"], Value::Null);
    assert_eq!(heard[5]["member"]["user"]["id"], json!(ada.id));
    assert_eq!(heard[5]["newOwner"]["user"]["id"], json!(bob.id));

    // Whoever was away hears the same, but nothing that was taken back.
    let mut late = follow(&b, EVENTS, after).await;
    for event in &heard {
        let again = next(&mut late, "1").await;
        assert_eq!(
            (&again["cursor"], &again["type"]),
            (&event["cursor"], &event["type"])
        );
        if !again["message"].is_null() {
            assert_eq!(
                again["message"]["text"],
                Value::Null,
                "deleted since: {again}"
            );
        }
    }
    say(&b, &chat, "and on").await;
    let live = next(&mut late, "1").await;
    assert_eq!(live["message"]["text"], "and on");
    assert_eq!(next(&mut socket, "1").await["cursor"], live["cursor"]);
}

async fn resumes_after_any_cursor(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(_, a), (bob, _), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let mut cursor = api::settled(&setup, app.client()).await;
    let mut sent = 0;
    let mut heard = 0;
    for round in 0..6 {
        for _ in 0..4 {
            sent += 1;
            say(&a, &chat, &format!("message {sent}")).await;
        }
        let client = bob.client(&app.gateways[round % app.gateways.len()].client);
        let mut socket = follow(&client, EVENTS, json!({ "id": chat, "after": cursor })).await;
        for _ in 0..4 {
            sent += 1;
            say(&a, &chat, &format!("message {sent}")).await;
        }
        // It leaves two behind, which the next round begins with.
        while heard < sent - 2 {
            heard += 1;
            let event = next(&mut socket, "1").await;
            assert_eq!(event["message"]["number"], heard, "in order, each once");
            cursor = event["cursor"].as_str().expect("a cursor").to_owned();
        }
        socket.close().await;
    }
}

async fn a_removal_ends_it(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(_, a), (bob, _), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob, &eve]).await;
    let mut sockets = Vec::new();
    for any in app.clients() {
        let mut socket = follow(&bob.client(&any), EVENTS, json!({ "id": chat })).await;
        say(&a, &chat, "Hello").await;
        assert_eq!(next(&mut socket, "1").await["type"], "MESSAGE_SENT");
        sockets.push(socket);
    }
    let mut leaver = follow(&e, EVENTS, json!({ "id": chat })).await;
    while sockets.len() > 1 {
        let second = sockets.pop().expect("a socket");
        let mut first = sockets.pop().expect("a socket");
        assert_eq!(next(&mut first, "1").await["type"], "MESSAGE_SENT");
        sockets = vec![first];
        second.close().await;
    }
    let mut socket = sockets.remove(0);
    apply(
        &a,
        "removeChatMember",
        json!({ "id": chat, "userId": bob.id }),
    )
    .await;
    say(&a, &chat, "among us").await;
    assert_eq!(ends_with(&mut socket, "1").await, "NOT_FOUND");
    // The socket stays, and is told what it would be told of any chat.
    for id in [&chat, UNKNOWN] {
        socket.subscribe("2", EVENTS, json!({ "id": id })).await;
        assert_eq!(ends_with(&mut socket, "2").await, "NOT_FOUND");
    }
    loop {
        let event = next(&mut leaver, "1").await;
        if event["type"] == "MESSAGE_SENT" {
            assert_eq!(event["message"]["text"], "among us");
            break;
        }
    }
    apply(&e, "leaveChat", json!({ "id": chat })).await;
    assert_eq!(ends_with(&mut leaver, "1").await, "NOT_FOUND");
}

async fn outsiders_cannot_follow(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, _), (_, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    for (client, code) in [
        (&e, "NOT_FOUND"),
        (app.client(), "NOT_FOUND"),
        (&app.client().anonymous(), "UNAUTHENTICATED"),
    ] {
        let mut socket = client.socket().await;
        for (number, id) in [&chat, UNKNOWN].into_iter().enumerate() {
            let operation = number.to_string();
            socket
                .subscribe(&operation, EVENTS, json!({ "id": id }))
                .await;
            assert_eq!(ends_with(&mut socket, &operation).await, code);
        }
    }
    let mut socket = app.client().anonymous().socket().await;
    socket.subscribe("1", MY_CHATS, json!({})).await;
    assert_eq!(ends_with(&mut socket, "1").await, "UNAUTHENTICATED");
}

/// One's chats come and go while one follows them.
async fn my_chats_follow_memberships(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, b), _] = trio(app.client()).await;
    let old = group(&a, "Old", &[&bob]).await;
    group(&a, "Of Ada alone", &[]).await;
    let start = api::settled(&setup, app.client()).await;
    let elsewhere = bob.client(app.clients().last().expect("a gateway"));
    let mut socket = follow(&elsewhere, MY_CHATS, json!({ "after": start })).await;
    let mut hear = async |event_type: &str, chat: &str| {
        let mut event = next(&mut socket, "1").await;
        if event_type == "LEFT" && event["type"] == "MEMBER_REMOVED" {
            // It may come before, but shows nothing any more.
            assert_eq!(
                (&event["chat"], &event["message"]),
                (&Value::Null, &Value::Null)
            );
            event = next(&mut socket, "1").await;
        }
        if event_type == "JOINED" && event["type"] == "MEMBER_ADDED" {
            // It is heard by whoever is a member already when the topics are asked for.
            event = next(&mut socket, "1").await;
        }
        let found = (event["type"].as_str(), event["chatId"].as_str());
        assert_eq!(found, (Some(event_type), Some(chat)), "{event}");
        event
    };

    say(&a, &old, "first").await;
    let event = hear("MESSAGE_SENT", &old).await;
    assert_eq!(event["message"], json!({ "number": 1, "text": "first" }));
    assert_eq!(event["chat"]["unreadCount"], 1);
    let new = group(&a, "New", &[]).await;
    say(&a, &new, "before Bob came").await;
    apply(
        &a,
        "addChatMembers",
        json!({ "id": new, "userIds": [bob.id] }),
    )
    .await;
    let event = hear("JOINED", &new).await;
    assert_eq!(
        event["chat"],
        json!({ "id": new, "title": "New", "unreadCount": 0 })
    );
    assert_eq!(event["actor"]["id"], json!(ada.id));
    say(&a, &new, "welcome").await;
    let event = hear("MESSAGE_SENT", &new).await;
    assert_eq!(event["message"]["number"], 2);
    apply(&b, "markChatRead", json!({ "id": new })).await;
    let event = hear("READ", &new).await;
    assert_eq!(event["chat"]["unreadCount"], 0);

    apply(
        &a,
        "removeChatMember",
        json!({ "id": old, "userId": bob.id }),
    )
    .await;
    say(&a, &old, "among us").await;
    say(&a, &new, "still here").await;
    let event = hear("LEFT", &old).await;
    assert_eq!(event["chat"], Value::Null);
    let event = hear("MESSAGE_SENT", &new).await;
    assert_eq!(
        event["message"]["text"], "still here",
        "nothing of the other chat"
    );

    apply(
        &a,
        "addChatMembers",
        json!({ "id": old, "userIds": [bob.id] }),
    )
    .await;
    hear("JOINED", &old).await;
    say(&b, &old, "I am back").await;
    let event = hear("MESSAGE_SENT", &old).await;
    assert_eq!(
        (&event["message"]["number"], &event["chat"]["unreadCount"]),
        (&json!(3), &json!(0))
    );
}

/// Two users with the same subscription hear each of their own chats.
async fn my_chats_are_not_shared(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (_, b), (eve, e)] = trio(app.client()).await;
    let mut sockets = Vec::new();
    for client in [&a, &e] {
        sockets.push(
            follow(
                client,
                MY_CHATS,
                json!({ "after": api::settled(&setup, app.client()).await }),
            )
            .await,
        );
    }
    let hers = group(&b, "Bob and Ada", &[&ada]).await;
    let theirs = group(&b, "Bob and Eve", &[&eve]).await;
    for (socket, chat) in sockets.iter_mut().zip([&hers, &theirs]) {
        say(&b, chat, "Hello").await;
        for event_type in ["JOINED", "MESSAGE_SENT"] {
            let event = next(socket, "1").await;
            let found = (event["type"].as_str(), event["chatId"].as_str());
            assert_eq!(found, (Some(event_type), Some(chat.as_str())), "{event}");
        }
    }
}

async fn my_chats_resume(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let start = api::settled(&setup, app.client()).await;
    let gone = say(&a, &chat, "a mistake").await;
    apply(&a, "deleteMessage", json!({ "id": gone["id"] })).await;
    let second = group(&a, "Cake", &[&bob]).await;
    say(&a, &second, "Hello").await;
    api::settled(&setup, app.client()).await;
    let mut socket = follow(&b, MY_CHATS, json!({ "after": start })).await;
    let mut messages = Vec::new();
    while messages.len() < 3 {
        let event = next(&mut socket, "1").await;
        if !event["message"].is_null() {
            messages.push((api::id_of(&event["chat"]), event["message"].clone()));
        }
    }
    let hidden = json!({ "number": 1, "text": null });
    let shown = json!({ "number": 1, "text": "Hello" });
    assert_eq!(
        messages,
        [
            (chat.clone(), hidden.clone()),
            (chat, hidden),
            (second, shown)
        ]
    );
    let nothing = socket
        .receive_within(std::time::Duration::from_millis(300))
        .await;
    assert!(!matches!(nothing, Some(Frame::Message(_))), "{nothing:?}");
}

tests::both_ways!(
    members_hear_everything,
    resumes_after_any_cursor,
    a_removal_ends_it,
    outsiders_cannot_follow,
    my_chats_follow_memberships,
    my_chats_are_not_shared,
    my_chats_resume,
);
