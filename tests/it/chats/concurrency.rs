//! Many at once: numbers without gaps, every wait ends, and who is removed is out.

use std::collections::BTreeSet;

use serde_json::json;
use tests::Setup;

use super::api::{self, apply, crowd, find, group, send, trio};

async fn fifty_at_once_get_the_numbers_from_one(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(ada, a), (bob, _), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let sends = (0..50).map(|number| {
        let author = if number % 3 == 0 { &bob } else { &ada };
        let client = author.client(&app.gateways[number % app.gateways.len()].client);
        let chat = chat.clone();
        async move { api::say(&client, &chat, &format!("message {number}")).await }
    });
    let sent = futures::future::join_all(sends).await;
    let numbers: BTreeSet<u64> = sent
        .iter()
        .filter_map(|message| message["number"].as_u64())
        .collect();
    assert!(numbers.iter().copied().eq(1..=50), "{numbers:?}");
    let chat = find(&a, &chat).await;
    assert_eq!(
        (&chat["version"], &chat["lastMessage"]["number"]),
        (&json!(51), &json!(50))
    );
    let log = tests::database::log(&setup.database().await).await;
    let logged: Vec<_> = log
        .iter()
        .filter(|entry| entry.kind == "ChatMessageSent")
        .filter_map(|entry| entry.data["message"]["number"].as_u64())
        .collect();
    assert!(
        logged.into_iter().eq(1..=50),
        "the log has them in their order"
    );
}

/// The same people are added to and removed from several chats at once: their inboxes are locked in one order.
async fn crossing_changes_do_not_block_each_other(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let names = ["Ada", "Bob", "Dan", "Eve", "Fay", "Gus"];
    let crowd = crowd(app.client(), &names).await;
    let owners = &crowd[..4];
    let guests = &crowd[4..];
    let rounds = owners.iter().enumerate().map(|(number, (owner, _))| {
        let client = owner.client(&app.gateways[number % app.gateways.len()].client);
        let mut ids: Vec<&str> = guests.iter().map(|(guest, _)| guest.id.as_str()).collect();
        if number % 2 == 1 {
            ids.reverse();
        }
        async move {
            let chat = group(&client, "Tea", &[]).await;
            for _ in 0..10 {
                let all = json!({ "id": chat, "userIds": ids });
                apply(&client, "addChatMembers", all).await;
                for id in &ids {
                    let one = json!({ "id": chat, "userId": id });
                    apply(&client, "removeChatMember", one).await;
                }
            }
        }
    });
    futures::future::join_all(rounds).await;
    for (guest, client) in guests {
        assert!(api::list(client).await.is_empty(), "{}", guest.name);
    }
}

/// A message is sent either before the removal of its author, or not at all.
async fn no_message_comes_after_a_removal(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let [(_, a), (bob, _), _] = trio(app.client()).await;
    for round in 0..10 {
        let chat = group(&a, "Tea", &[&bob]).await;
        let sends = (0..8).map(|number| {
            let client = bob.client(&app.gateways[number % app.gateways.len()].client);
            let input = json!({ "chatId": chat, "text": "Hello" });
            async move { send(&client, "sendMessage", input).await }
        });
        let removal = apply(
            &a,
            "removeChatMember",
            json!({ "id": chat, "userId": bob.id }),
        );
        let (answers, _) = futures::join!(futures::future::join_all(sends), removal);
        let sent = answers
            .iter()
            .filter(|answer| answer.code().is_none())
            .count();
        for answer in answers.iter().filter(|answer| answer.code().is_some()) {
            answer.expect_code("NOT_FOUND");
        }
        let last = find(&a, &chat).await;
        assert_eq!(last["version"], 2 + sent, "round {round}");
    }
    let log = tests::database::log(&setup.database().await).await;
    let mut removed = BTreeSet::new();
    for entry in &log {
        match entry.kind.as_str() {
            "ChatMemberRemoved" => assert!(removed.insert(entry.id.clone())),
            "ChatMessageSent" => assert!(!removed.contains(&entry.id), "a message after a removal"),
            _ => {}
        }
    }
    assert_eq!(removed.len(), 10);
}

tests::both_ways!(
    fifty_at_once_get_the_numbers_from_one,
    crossing_changes_do_not_block_each_other,
    no_message_comes_after_a_removal,
);
