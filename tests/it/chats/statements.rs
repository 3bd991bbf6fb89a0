//! A page costs a constant number of SQL statements, however much is on it. Postgres is asked to log every statement, and
//! those that read chats and users are counted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::people::Person;
use tests::postgres::Postgres;
use tests::statements::StatementLog;

use super::api::{apply, crowd, group, say};

const PAGE_OF_MESSAGES: &str = "query($id: ID!, $first: Int) { chat(id: $id) { messages(first: $first) { \
    nodes { number text author { id name } } } } }";
const PAGE_OF_RECEIPTS: &str = "query($id: ID!, $first: Int) { chat(id: $id) { messages(first: $first) { \
    nodes { state receipts { seenCount recipients { state seenAt user { name } } } } } } }";
const PAGE_OF_CHATS: &str = "query($first: Int) { chats(first: $first) { nodes { \
    title memberCount unreadCount members { role user { id name } } lastMessage { text author { name } } } } }";

/// How many statements a page costs, which must be the same every time but the first, when caches are empty.
async fn count(log: &StatementLog, client: &Client, document: &str, variables: &Value) -> usize {
    client.run(document, variables.clone()).await.data();
    let mut counts = BTreeSet::new();
    for _ in 0..5 {
        let asking = async {
            client.run(document, variables.clone()).await.data();
        };
        // Other work of the gateway touches neither.
        let statements = log.of(&["chat", "app_user"], asking).await;
        println!("for {variables}:\n{}", statements.join("\n"));
        counts.insert(statements.len());
    }
    assert_eq!(counts.len(), 1, "{counts:?} for {variables}");
    counts.pop_first().expect("a count")
}

async fn fill(client: &Client, people: &[(Person, Client)]) -> String {
    let everybody: Vec<&Person> = people[1..].iter().map(|(person, _)| person).collect();
    for number in 0..20 {
        let others = &everybody[..1 + number % everybody.len()];
        let chat = group(client, &format!("Chat {number}"), others).await;
        let (_, author) = &people[1 + number % others.len()];
        say(author, &chat, "Hello").await;
        if number % 2 == 0 {
            apply(client, "markChatRead", json!({ "id": chat })).await;
        }
    }
    let chat = group(client, "Much is said here", &everybody).await;
    for number in 0..50 {
        let (_, author) = &people[number % people.len()];
        say(author, &chat, &format!("message {number}")).await;
    }
    chat
}

async fn pages_cost_a_constant_number(postgres: Postgres, setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let app = setup.start();
    let people = crowd(app.client(), &["Ada", "Bob", "Dan", "Eve", "Fay", "Gus"]).await;
    let (_, client) = &people[0];
    let chat = fill(client, &people).await;
    let of_messages = |first: u32| json!({ "id": chat, "first": first });
    let few = count(&log, client, PAGE_OF_MESSAGES, &of_messages(5)).await;
    let many = count(&log, client, PAGE_OF_MESSAGES, &of_messages(50)).await;
    assert_eq!(
        (few, many),
        (2, 2),
        "the chat, its messages; their authors are in memory"
    );
    let few = count(&log, client, PAGE_OF_RECEIPTS, &of_messages(6)).await;
    let many = count(&log, client, PAGE_OF_RECEIPTS, &of_messages(40)).await;
    assert_eq!(
        (few, many),
        (4, 4),
        "the chat, its messages, the counts of one's own, their recipients; users are in memory"
    );
    let few = count(&log, client, PAGE_OF_CHATS, &json!({ "first": 2 })).await;
    let many = count(&log, client, PAGE_OF_CHATS, &json!({ "first": 20 })).await;
    assert_eq!(
        (few, many),
        (4, 4),
        "the chats, their members, last messages, unread counts; users are in memory"
    );
}

tests::on_own_postgres!(pages_cost_a_constant_number);
