//! The life of a group: created, renamed, joined, left, and what each step leaves in the log.

use serde_json::{Value, json};
use tests::people::Person;
use tests::{Setup, database, ids};

use super::api::{self, apply, crowd, find, group, members, say, send, trio};

async fn a_life(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, b), (eve, e)] = trio(app.client()).await;

    let input = json!({ "title": "  Tea  ", "memberIds": [bob.id, bob.id, ada.id] });
    let chat = apply(&a, "createChat", input).await;
    let id = api::id_of(&chat);
    assert!(id.starts_with("chat_"), "{id}");
    assert_eq!(chat["kind"], "GROUP", "unless said otherwise");
    assert_eq!(chat["title"], "Tea");
    assert_eq!(
        (&chat["version"], &chat["memberCount"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(chat["createdAt"], chat["lastActivityAt"]);
    assert_eq!(chat["lastMessage"], json!(null));
    let mut roles = members(&chat);
    roles.sort_by_key(|(_, role)| *role);
    assert_eq!(roles, [(bob.id.as_str(), "MEMBER"), (&ada.id, "OWNER")]);
    assert_eq!(find(&b, &id).await, chat);

    let renamed = apply(&b, "renameChat", json!({ "id": id, "title": "Coffee" })).await;
    assert_eq!(
        (&renamed["title"], &renamed["version"]),
        (&json!("Coffee"), &json!(2))
    );
    let again = apply(&a, "renameChat", json!({ "id": id, "title": "Coffee" })).await;
    assert_eq!(again["version"], 2, "what changes nothing is no event");
    for title in ["Too late", "Coffee"] {
        let late = json!({ "id": id, "title": title, "expectedVersion": 1 });
        let answer = send(&a, "renameChat", late).await;
        let extensions = answer.expect_code("CONFLICT");
        assert_eq!(extensions["currentVersion"], 2);
    }
    let in_time = json!({ "id": id, "title": "Coffee", "expectedVersion": 2 });
    assert_eq!(apply(&a, "renameChat", in_time).await, again);

    let grown = apply(
        &b,
        "addChatMembers",
        json!({ "id": id, "userIds": [eve.id, ada.id] }),
    )
    .await;
    assert_eq!(
        (&grown["memberCount"], &grown["version"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(
        members(&grown)[2],
        (eve.id.as_str(), "MEMBER"),
        "who came last is last"
    );
    let sent = say(&e, &id, "Hello").await;
    assert_eq!(
        (&sent["number"], &sent["author"]["name"]),
        (&json!(1), &json!("Eve"))
    );

    let shrunk = apply(
        &a,
        "removeChatMember",
        json!({ "id": id, "userId": eve.id }),
    )
    .await;
    assert_eq!(
        (&shrunk["memberCount"], &shrunk["version"]),
        (&json!(2), &json!(5))
    );
    let left = apply(&a, "leaveChat", json!({ "id": id })).await;
    assert_eq!(left, json!(id));
    let rest = find(&b, &id).await;
    assert_eq!(
        members(&rest),
        [(bob.id.as_str(), "OWNER")],
        "somebody owns it"
    );
    assert_eq!(rest["version"], 6);
    apply(&b, "leaveChat", json!({ "id": id })).await;
    for client in [&a, &b, &e] {
        assert_eq!(find(client, &id).await, Value::Null);
    }

    api::settled(&setup, app.client()).await;
    let log = database::log(&setup.database().await).await;
    let log: Vec<(String, &str)> = log
        .iter()
        .filter(|entry| entry.stream == "chat" || entry.stream == "inbox")
        .map(|entry| (entry.id.clone(), entry.kind.as_str()))
        .collect();
    let of = |global: &str| ids::uuid_digits(global).expect("an id");
    let chat = |kind| (of(&id), kind);
    let inbox = |person: &Person, kind| (of(&person.id), kind);
    let mut founders = [inbox(&ada, "ChatJoined"), inbox(&bob, "ChatJoined")];
    founders.sort();
    let expected = [
        chat("ChatCreated"),
        founders[0].clone(),
        founders[1].clone(),
        chat("ChatRenamed"),
        chat("ChatMemberAdded"),
        inbox(&eve, "ChatJoined"),
        chat("ChatMessageSent"),
        chat("ChatMemberRemoved"),
        inbox(&eve, "ChatLeft"),
        chat("ChatMemberLeft"),
        inbox(&ada, "ChatLeft"),
        chat("ChatMemberLeft"),
        inbox(&bob, "ChatLeft"),
    ];
    assert_eq!(log, expected, "the chat's event first, then the inboxes");
}

async fn the_longest_standing_member_inherits(setup: Setup) {
    let app = setup.start();
    let crowd = crowd(app.client(), &["Ada", "Bob", "Eve", "Dan"]).await;
    let [(_, a), (bob, _), (eve, e), (dan, _)] = &crowd[..] else {
        panic!("four people");
    };
    let id = group(a, "Tea", &[]).await;
    for person in [bob, eve, dan] {
        let input = json!({ "id": id, "userIds": [person.id] });
        apply(a, "addChatMembers", input).await;
    }
    tests::people::deactivate(app.client(), Some(&bob.id))
        .await
        .data();
    apply(a, "leaveChat", json!({ "id": id })).await;
    let chat = find(e, &id).await;
    let expected = [
        (bob.id.as_str(), "MEMBER"),
        (eve.id.as_str(), "OWNER"),
        (dan.id.as_str(), "MEMBER"),
    ];
    assert_eq!(members(&chat), expected, "not somebody who cannot act");
}

async fn history_tells_everything_but_the_texts(setup: Setup) {
    let app = setup.start();
    let [(ada, a), (bob, b), _] = trio(app.client()).await;
    let id = group(&a, "Tea", &[&bob]).await;
    let message = say(&a, &id, "a secret").await;
    let edit = json!({ "id": message["id"], "text": "another secret" });
    apply(&a, "updateMessage", edit).await;
    apply(&a, "deleteMessage", json!({ "id": message["id"] })).await;
    let document = "query($id: ID!, $after: String) { chat(id: $id) { history(first: 3, after: $after) { \
        nodes { type version actor { name ... on User { id } } cursor data } pageInfo { hasNextPage endCursor } } } }";
    let page = b.run(document, json!({ "id": id })).await;
    let history = &page.data()["chat"]["history"];
    let types: Vec<_> = history["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| node["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(
        types,
        ["ChatCreated", "ChatMessageSent", "ChatMessageEdited"]
    );
    assert!(!page.http.text().contains("secret"), "{}", page.http.text());
    assert_eq!(history["nodes"][1]["actor"]["id"], json!(ada.id));
    assert_eq!(history["nodes"][1]["data"]["message"]["number"], 1);
    let after = &history["pageInfo"]["endCursor"];
    let rest = b.run(document, json!({ "id": id, "after": after })).await;
    let rest = &rest.data()["chat"]["history"];
    assert_eq!(rest["nodes"][0]["type"], "ChatMessageDeleted");
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
}

tests::both_ways!(
    a_life,
    the_longest_standing_member_inherits,
    history_tells_everything_but_the_texts,
);
