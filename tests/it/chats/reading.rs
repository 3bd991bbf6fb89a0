//! What is read and what is not, and the order of one's chats.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::live::Watch;

use super::api::{self, apply, find, group, say, send, trio};

async fn unread(client: &Client, chat: &str) -> Value {
    find(client, chat).await["unreadCount"].clone()
}

async fn unread_counts(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let mut messages = Vec::new();
    for number in 1..=5 {
        messages.push(say(&a, &chat, &format!("message {number}")).await["id"].clone());
    }
    assert_eq!(
        (unread(&a, &chat).await, unread(&b, &chat).await),
        (json!(0), json!(5))
    );

    apply(&a, "deleteMessage", json!({ "id": messages[3] })).await;
    assert_eq!(
        unread(&b, &chat).await,
        4,
        "what is deleted need not be read"
    );
    let read = apply(&b, "markChatRead", json!({ "id": chat, "upTo": 2 })).await;
    assert_eq!(read["unreadCount"], 2);
    apply(&b, "markChatRead", json!({ "id": chat, "upTo": 1 })).await;
    assert_eq!(unread(&b, &chat).await, 2, "what was read stays read");
    apply(&a, "deleteMessage", json!({ "id": messages[0] })).await;
    assert_eq!(unread(&b, &chat).await, 2, "it was read before");
    apply(&b, "markChatRead", json!({ "id": chat, "upTo": 1_000 })).await;
    assert_eq!(unread(&b, &chat).await, 0);
    say(&a, &chat, "one more").await;
    assert_eq!(
        unread(&b, &chat).await,
        1,
        "messages to come cannot be read in advance"
    );

    say(&b, &chat, "an answer").await;
    assert_eq!(unread(&b, &chat).await, 0, "who answers has read");
    assert_eq!(unread(&a, &chat).await, 1);
    apply(&a, "markChatRead", json!({ "id": chat })).await;
    assert_eq!(unread(&a, &chat).await, 0);

    apply(
        &b,
        "addChatMembers",
        json!({ "id": chat, "userIds": [eve.id] }),
    )
    .await;
    assert_eq!(
        unread(&e, &chat).await,
        0,
        "new members begin with nothing unread"
    );
    say(&a, &chat, "welcome").await;
    assert_eq!(unread(&e, &chat).await, 1);
}

/// Reading changes no chat: the reader hears of it, and those whose messages were read.
async fn reading_changes_the_inbox_only(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    say(&a, &chat, "Hello").await;
    let before = find(&a, &chat).await;
    let start = api::settled(&setup, app.client()).await;
    apply(&b, "markChatRead", json!({ "id": chat })).await;
    let head = app.client().head_after(&start, 2).await;
    apply(&b, "markChatRead", json!({ "id": chat })).await;
    assert_eq!(
        app.client().head().await,
        head,
        "the second time changes nothing"
    );
    assert_eq!(find(&a, &chat).await, before);
    let log = tests::database::log(&setup.database().await).await;
    let last = log.last().expect("an event");
    assert_eq!(
        (last.stream.as_str(), last.kind.as_str()),
        ("inbox", "ChatRead")
    );
    assert_eq!(last.data["lastReadNumber"], 1);
    assert_eq!(last.meta["actor"], json!(bob.id));
}

/// Which chats are unread differs by member, and changes with what they read, which is no event of the chat.
async fn unread_chats_are_selected(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (eve, e)] = trio(app.client()).await;
    let mut chats = Vec::new();
    for number in 0..4 {
        let chat = group(&a, &format!("Chat {number}"), &[&bob]).await;
        for message in 0..number {
            say(&a, &chat, &format!("Message {message}")).await;
        }
        chats.push(chat);
    }
    group(&a, "Of others", &[&eve]).await;
    let document = "query($filter: ChatFilter) @live { chats(filter: $filter, sort: { field: CREATED_AT, direction: ASC }) { \
        totalCount nodes { id unreadCount } } }";
    let filter = |unread: Value| json!({ "filter": { "unreadCount": unread } });
    let expected = |places: &[usize]| {
        let nodes = places.iter();
        let nodes = nodes.map(|place| json!({ "id": chats[*place], "unreadCount": place }));
        json!({ "totalCount": places.len(), "nodes": nodes.collect::<Vec<_>>() })
    };
    for (unread, places) in [
        (json!({ "gt": 0 }), &[1, 2, 3][..]),
        (json!({ "eq": 0 }), &[0]),
        (json!({ "gte": 2, "lt": 3 }), &[2]),
        (json!({ "in": [1, 3, 1000] }), &[1, 3]),
        (json!({ "in": [] }), &[]),
    ] {
        let found = b.run(document, filter(unread.clone())).await;
        assert_eq!(found.data()["chats"], expected(places), "{unread}");
    }
    let not = json!({ "filter": { "not": { "unreadCount": { "gt": 0 } }, "search": "chat", "member": { "eq": bob.id } } });
    assert_eq!(b.run(document, not).await.data()["chats"], expected(&[0]));
    for reader in [&a, &e] {
        let found = reader.run(document, filter(json!({ "gt": 0 }))).await;
        assert_eq!(found.data()["chats"], expected(&[]));
    }
    let mut watch = Watch::open(&b, document, filter(json!({ "gt": 0 }))).await;
    assert_eq!(watch.data()["chats"], expected(&[1, 2, 3]));
    apply(&b, "markChatRead", json!({ "id": chats[2] })).await;
    watch
        .until("one is read", |it| it["chats"] == expected(&[1, 3]))
        .await;
}

async fn chats_are_ordered_by_last_activity(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let mut chats = Vec::new();
    for number in 0..4 {
        chats.push(group(&a, &format!("Chat {number}"), &[&bob]).await);
    }
    let order = |listed: Vec<Value>| listed.iter().map(api::id_of).collect::<Vec<_>>();
    let newest_first: Vec<_> = chats.iter().rev().cloned().collect();
    assert_eq!(order(api::list(&b).await), newest_first);
    let message = say(&b, &chats[1], "up").await;
    say(&a, &chats[0], "and up").await;
    // Neither an edit nor a new title is a message.
    let edit = json!({ "id": message["id"], "text": "still there" });
    apply(&b, "updateMessage", edit).await;
    apply(
        &a,
        "renameChat",
        json!({ "id": chats[2], "title": "Quiet" }),
    )
    .await;
    let expected = [0, 1, 3, 2].map(|number: usize| chats[number].clone());
    assert_eq!(order(api::list(&b).await), expected);
    assert_eq!(order(api::list(&a).await), expected);
    let listed = api::list(&b).await;
    assert_eq!(listed[0]["unreadCount"], 1);
    assert_eq!(listed[0]["lastMessage"]["text"], "and up");
    assert_eq!(listed[1]["lastMessage"]["text"], "still there");
    apply(&b, "leaveChat", json!({ "id": chats[0] })).await;
    assert_eq!(order(api::list(&b).await), expected[1..]);
    send(&b, "markChatRead", json!({ "id": chats[0] }))
        .await
        .expect_code("NOT_FOUND");
}

tests::both_ways!(
    unread_counts,
    reading_changes_the_inbox_only,
    unread_chats_are_selected,
    chats_are_ordered_by_last_activity,
);
