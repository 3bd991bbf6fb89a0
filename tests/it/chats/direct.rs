//! Direct chats: one for each two users, whoever asks first, and unchangeable.

use serde_json::{Value, json};
use tests::{Setup, database};

use super::api::{self, direct, find, say, send, trio};

async fn there_is_one_for_each_two(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, b), (eve, _)] = trio(app.client()).await;
    let chat = direct(&a, &bob).await;
    assert_eq!(
        (&chat["kind"], &chat["title"]),
        (&json!("DIRECT"), &Value::Null)
    );
    let mut roles = api::members(&chat);
    roles.sort();
    let mut both = [(ada.id.as_str(), "MEMBER"), (bob.id.as_str(), "MEMBER")];
    both.sort();
    assert_eq!(roles, both, "it has no owner");
    say(&a, &api::id_of(&chat), "Hello").await;
    let theirs = direct(&b, &ada).await;
    assert_eq!(theirs["id"], chat["id"]);
    assert_eq!(
        (&theirs["version"], &theirs["unreadCount"]),
        (&json!(2), &json!(1))
    );
    assert_ne!(direct(&a, &eve).await["id"], chat["id"]);
    assert_eq!(api::list(&b).await.len(), 1);
}

async fn two_at_once_get_the_same(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    for round in 0..10 {
        let [(ada, a), (bob, _), _] = trio(app.client()).await;
        let other = &app.gateways[round % app.gateways.len()].client;
        let b = bob.client(other);
        let (mine, theirs) = futures::join!(direct(&a, &bob), direct(&b, &ada));
        assert_eq!(mine["id"], theirs["id"], "round {round}");
    }
    let log = database::log(&setup.database().await).await;
    let created = log.iter().filter(|entry| entry.kind == "ChatCreated");
    assert_eq!(created.count(), 10);
}

async fn nothing_about_it_changes(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, _), (eve, e)] = trio(app.client()).await;
    let chat = direct(&a, &bob).await;
    let id = api::id_of(&chat);
    let head = api::settled(&setup, app.client()).await;
    for (field, input) in [
        ("renameChat", json!({ "id": id, "title": "Us" })),
        ("addChatMembers", json!({ "id": id, "userIds": [eve.id] })),
        ("removeChatMember", json!({ "id": id, "userId": bob.id })),
        ("leaveChat", json!({ "id": id })),
    ] {
        send(&a, field, input.clone()).await.expect_code("CONFLICT");
        send(&e, field, input).await.expect_code("NOT_FOUND");
    }
    for input in [
        json!({ "kind": "DIRECT", "memberIds": [] }),
        json!({ "kind": "DIRECT", "memberIds": [ada.id] }),
        json!({ "kind": "DIRECT", "memberIds": [bob.id, eve.id] }),
        json!({ "kind": "DIRECT", "memberIds": [eve.id], "title": "Us" }),
    ] {
        send(&a, "createChat", input)
            .await
            .expect_code("VALIDATION");
    }
    assert_eq!(find(&a, &id).await, chat);
    assert_eq!(app.client().head().await, head, "nothing was written");
}

/// What was said stays readable after one of them is deactivated, and no new chat with them begins.
async fn one_of_them_is_deactivated(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, _), (eve, _)] = trio(app.client()).await;
    let id = direct(&a, &bob).await["id"].clone();
    for person in [&bob, &eve] {
        tests::people::deactivate(app.client(), Some(&person.id))
            .await
            .data();
    }
    assert_eq!(direct(&a, &bob).await["id"], id);
    let input = json!({ "kind": "DIRECT", "memberIds": [eve.id] });
    let refused = send(&a, "createChat", input).await;
    let violation = &refused.expect_code("VALIDATION")["violations"][0];
    assert_eq!(
        (&violation["field"], &violation["code"]),
        (&json!("memberIds"), &json!("user"))
    );
    assert_eq!(
        api::list(&a).await.len(),
        1,
        "nothing of the refused one is left"
    );
}

tests::both_ways!(
    there_is_one_for_each_two,
    two_at_once_get_the_same,
    nothing_about_it_changes,
    one_of_them_is_deactivated,
);
