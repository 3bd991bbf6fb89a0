//! A repeat under the same key gets the first answer and does nothing, as long as the caller is a member.

use serde_json::json;
use tests::Setup;

use super::api::{self, apply, find, group, send_with_key, trio};

async fn repeats_get_the_first_answer(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, _), (bob, _), (eve, _)] = trio(app.client()).await;
    let clients: Vec<_> = app.clients().iter().map(|any| ada.client(any)).collect();
    let a = &clients[0];
    let chat = group(a, "Tea", &[&bob]).await;
    let message = api::say(a, &chat, "Hello").await["id"].clone();
    for (number, (field, input)) in [
        (
            "createChat",
            json!({ "title": "Coffee", "memberIds": [bob.id] }),
        ),
        ("renameChat", json!({ "id": chat, "title": "Cake" })),
        ("addChatMembers", json!({ "id": chat, "userIds": [eve.id] })),
        ("sendMessage", json!({ "chatId": chat, "text": "once" })),
        ("updateMessage", json!({ "id": message, "text": "Hello!" })),
        ("deleteMessage", json!({ "id": message })),
        ("markChatDelivered", json!({ "id": chat })),
        ("markChatRead", json!({ "id": chat })),
        ("removeChatMember", json!({ "id": chat, "userId": eve.id })),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{number}");
        let first = send_with_key(a, field, input.clone(), Some(&key)).await;
        first.data();
        let version = find(a, &chat).await["version"].clone();
        for client in &clients {
            let again = send_with_key(client, field, input.clone(), Some(&key)).await;
            assert_eq!(again.data(), first.data(), "{field}");
        }
        assert_eq!(find(a, &chat).await["version"], version, "{field} once");
    }
    assert_eq!(find(a, &chat).await["lastMessage"]["number"], 2);
    let other = json!({ "chatId": chat, "text": "something else" });
    let reused = send_with_key(a, "sendMessage", other, Some("key-3")).await;
    reused.expect_code("IDEMPOTENCY_KEY_REUSED");
}

/// What was answered to a member is not answered again to somebody who is none.
async fn those_who_left_get_nothing(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, b), _] = trio(app.client()).await;
    let input = json!({ "title": "Tea", "memberIds": [ada.id] });
    let created = send_with_key(&b, "createChat", input.clone(), Some("creation")).await;
    let chat = created.data()["createChat"]["chat"]["id"].clone();
    let rename = json!({ "id": chat, "title": "Cake" });
    send_with_key(&b, "renameChat", rename.clone(), Some("renaming"))
        .await
        .data();
    apply(&b, "leaveChat", json!({ "id": chat })).await;
    let again = send_with_key(&b, "createChat", input, Some("creation")).await;
    again.expect_code("NOT_FOUND");
    let again = send_with_key(&b, "renameChat", rename, Some("renaming")).await;
    again.expect_code("NOT_FOUND");
    apply(
        &a,
        "addChatMembers",
        json!({ "id": chat, "userIds": [bob.id] }),
    )
    .await;
    let leave = json!({ "id": chat });
    let first = send_with_key(&b, "leaveChat", leave.clone(), Some("leaving")).await;
    first.data();
    let again = send_with_key(&b, "leaveChat", leave, Some("leaving")).await;
    assert_eq!(again.data(), first.data(), "that much they know");
}

async fn simultaneous_repeats_send_once(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, _), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    for round in 1..=10 {
        let attempts = (0..4).map(|number| {
            let client = ada.client(&app.gateways[number % app.gateways.len()].client);
            let input = json!({ "chatId": chat, "text": format!("message {round}") });
            let key = format!("round-{round}");
            async move { send_with_key(&client, "sendMessage", input, Some(&key)).await }
        });
        let answers = futures::future::join_all(attempts).await;
        for answer in &answers {
            assert_eq!(answer.data()["sendMessage"]["message"]["number"], round);
        }
    }
}

tests::both_ways!(
    repeats_get_the_first_answer,
    those_who_left_get_nothing,
    simultaneous_repeats_send_once,
);
