//! Who may do what in a chat, and what its input has to be.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::{Setup, people};

use super::api::{self, UNKNOWN, apply, crowd, find, group, members, say, send, trio};

/// A chat that somebody is no member of cannot be told from one that does not exist, whatever their role.
async fn outsiders_find_nothing(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, _), (_, e)] = trio(app.client()).await;
    let staff = people::with_role(app.client(), "STAFF")
        .await
        .client(app.client());
    let chat = group(&a, "Tea", &[&bob]).await;
    say(&a, &chat, "a secret").await;
    let before = find(&a, &chat).await;
    let head = api::settled(&setup, app.client()).await;
    for outsider in [&e, &staff, app.client()] {
        for (field, rest) in [
            ("renameChat", json!({ "title": "Mine" })),
            ("addChatMembers", json!({ "userIds": [ada.id] })),
            ("removeChatMember", json!({ "userId": bob.id })),
            ("leaveChat", json!({})),
            ("sendMessage", json!({ "text": "Hello" })),
            ("markChatRead", json!({})),
            ("markChatDelivered", json!({})),
            ("setTyping", json!({})),
        ] {
            let input = |id: &str| {
                let mut input = rest.clone();
                let named = match field {
                    "sendMessage" => "chatId",
                    _ => "id",
                };
                input[named] = json!(id);
                input
            };
            let hidden = send(outsider, field, input(&chat)).await;
            let absent = send(outsider, field, input(UNKNOWN)).await;
            hidden.expect_code("NOT_FOUND");
            api::assert_same_errors(&hidden, &absent);
        }
        for id in [chat.as_str(), UNKNOWN, &ada.id, "x"] {
            assert_eq!(find(outsider, id).await, Value::Null);
        }
        let node = "query($id: ID!) { node(id: $id) { id } }";
        let node = outsider.run(node, json!({ "id": chat })).await;
        assert_eq!(node.data()["node"], Value::Null);
        assert!(api::list(outsider).await.is_empty());
    }
    assert_eq!(find(&a, &chat).await, before);
    assert_eq!(app.client().head().await, head, "nothing was written");
}

async fn nobody_in_particular_has_no_chats(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, _), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let nobody = app.client().anonymous();
    api::look(&nobody, &chat)
        .await
        .expect_code("UNAUTHENTICATED");
    for document in [
        "{ chats { nodes { id } } }",
        "mutation { createChat(input: { title: \"Tea\", memberIds: [] }) { chat { id } } }",
    ] {
        nobody
            .run(document, json!({}))
            .await
            .expect_code("UNAUTHENTICATED");
    }
    for field in [
        "leaveChat",
        "markChatRead",
        "markChatDelivered",
        "setTyping",
    ] {
        let answer = send(&nobody, field, json!({ "id": chat })).await;
        answer.expect_code("UNAUTHENTICATED");
    }
}

async fn only_the_owner_removes(setup: Setup) {
    let app = setup.start();
    let crowd = crowd(app.client(), &["Ada", "Bob", "Dan", "Eve"]).await;
    let [(ada, a), (bob, b), (dan, d), (eve, _)] = &crowd[..] else {
        panic!("four people");
    };
    let id = group(a, "Tea", &[bob, dan]).await;
    let input = |user: &str| json!({ "id": id, "userId": user });
    for user in [&ada.id, &dan.id, &eve.id, &bob.id] {
        send(b, "removeChatMember", input(user))
            .await
            .expect_code("FORBIDDEN");
    }
    send(a, "removeChatMember", input(&eve.id))
        .await
        .expect_code("NOT_FOUND");
    send(a, "removeChatMember", input(&ada.id))
        .await
        .expect_code("VALIDATION");
    apply(a, "removeChatMember", input(&bob.id)).await;
    send(b, "sendMessage", json!({ "chatId": id, "text": "?" }))
        .await
        .expect_code("NOT_FOUND");
    send(a, "removeChatMember", input(&bob.id))
        .await
        .expect_code("NOT_FOUND");
    // Who was removed comes back as everybody comes: any member adds them.
    apply(
        d,
        "addChatMembers",
        json!({ "id": id, "userIds": [bob.id] }),
    )
    .await;
    assert_eq!(members(&find(b, &id).await).len(), 3);
}

async fn input_has_bounds(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, _), (eve, _)] = trio(app.client()).await;
    people::deactivate(app.client(), Some(&eve.id)).await.data();
    let chat = group(&a, "Tea", &[&bob]).await;
    let absent = "user_01h455vb4pex5vsknk084sn02q";
    let long = "é".repeat(201);
    for (title, members, wrong) in [
        (json!(null), json!([]), "title:length"),
        (json!(" "), json!([]), "title:length"),
        (json!(long), json!([]), "title:length"),
        (json!("a\u{7}"), json!([]), "title:characters"),
        (json!("Tea"), json!([eve.id]), "memberIds:user"),
        (json!("Tea"), json!([absent, bob.id]), "memberIds:user"),
        (json!("Tea"), json!(["bob"]), "memberIds:id"),
        (json!("Tea"), json!([chat]), "memberIds:id"),
    ] {
        let input = json!({ "title": title, "memberIds": members });
        refused(&send(&a, "createChat", input).await, wrong);
    }
    for (users, wrong) in [
        (json!([]), "userIds:length"),
        (json!([eve.id]), "userIds:user"),
        (json!([absent]), "userIds:user"),
    ] {
        let input = json!({ "id": chat, "userIds": users });
        refused(&send(&a, "addChatMembers", input).await, wrong);
    }
    let rename = json!({ "id": chat, "title": long });
    refused(&send(&a, "renameChat", rename).await, "title:length");
    let read = json!({ "id": chat, "upTo": -1 });
    refused(&send(&a, "markChatRead", read.clone()).await, "upTo:range");
    refused(&send(&a, "markChatDelivered", read).await, "upTo:range");
    let wrong_kind = json!({ "chatId": ada.id, "text": "Hello" });
    refused(&send(&a, "sendMessage", wrong_kind).await, "chatId:id");
    assert_eq!(api::list(&a).await.len(), 1);
    assert_eq!(find(&a, &chat).await["version"], 1);
}

/// Five hundred people are many to make; the chat is made to believe that it has them.
async fn chats_have_at_most_500_members(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, _), (eve, _)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[]).await;
    let database = setup.database().await;
    let full = "update chat set member_count = 499";
    database.execute_unprepared(full).await.expect("an update");
    let both = json!({ "id": chat, "userIds": [bob.id, eve.id] });
    send(&a, "addChatMembers", both)
        .await
        .expect_code("CONFLICT");
    let one = json!({ "id": chat, "userIds": [bob.id] });
    assert_eq!(
        apply(&a, "addChatMembers", one.clone()).await["memberCount"],
        500
    );
    apply(&a, "addChatMembers", one).await;
    let another = json!({ "id": chat, "userIds": [eve.id] });
    send(&a, "addChatMembers", another)
        .await
        .expect_code("CONFLICT");
}

#[track_caller]
fn refused(answer: &tests::graphql::Answer, wrong: &str) {
    let violations = &answer.expect_code("VALIDATION")["violations"];
    let violation = &violations[0];
    let text = |field: &str| violation[field].as_str().expect("a text").to_owned();
    assert_eq!(
        format!("{}:{}", text("field"), text("code")),
        wrong,
        "{violations}"
    );
}

tests::both_ways!(
    outsiders_find_nothing,
    nobody_in_particular_has_no_chats,
    only_the_owner_removes,
    input_has_bounds,
    chats_have_at_most_500_members,
);
