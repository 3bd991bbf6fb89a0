//! Documents and one-line calls for chats. Tests say only what they need, and a change of the API is made here.

use std::io;

use serde_json::{Value, json};

use crate::graphql::{Answer, Client};

pub const EVENTS: &str = "subscription Events($id: ID!, $after: String) { chatEvents(id: $id, after: $after) { \
    cursor type message { number text author { name } } } }";
pub const OWN: &str = "subscription Own($after: String) { myChats(after: $after) { \
    cursor type chatId message { number text author { name } } } }";

async fn apply(client: &Client, field: &str, selection: &str, input: Value) -> Value {
    let answer = send_mutation(client, field, selection, input, &[]).await;
    answer.expect("an answer").data()[field].clone()
}

async fn send_mutation(
    client: &Client,
    field: &str,
    selection: &str,
    input: Value,
    headers: &[(&str, &str)],
) -> io::Result<Answer> {
    let kind = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    let document =
        format!("mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} }} }}");
    let body = json!({ "query": document, "variables": { "input": input } });
    client.post(&body, headers).await
}

/// Creates a group of the caller and these users; returns its id.
pub async fn create_group(client: &Client, title: &str, member_ids: &[&str]) -> String {
    let input = json!({ "kind": "GROUP", "title": title, "memberIds": member_ids });
    let created = apply(client, "createChat", "chat { id }", input).await;
    created["chat"]["id"].as_str().expect("a chat").to_owned()
}

pub async fn add(client: &Client, chat: &str, user_id: &str) {
    let input = json!({ "id": chat, "userIds": [user_id] });
    apply(client, "addChatMembers", "chat { id }", input).await;
}

pub async fn remove(client: &Client, chat: &str, user_id: &str) {
    let input = json!({ "id": chat, "userId": user_id });
    apply(client, "removeChatMember", "chat { id }", input).await;
}

pub async fn leave(client: &Client, chat: &str) {
    apply(client, "leaveChat", "__typename", json!({ "id": chat })).await;
}

/// Sends a message; returns its id and number.
pub async fn say(client: &Client, chat: &str, text: &str) -> Value {
    let input = json!({ "chatId": chat, "text": text });
    apply(client, "sendMessage", "message { id number }", input).await["message"].clone()
}

/// Sends a message under an idempotency key; returns any answer.
/// Marks all that was said as read.
pub async fn read(client: &Client, chat: &str) {
    let document = "mutation($id: ID!) { markChatRead(input: { id: $id }) { chat { id } } }";
    client.run(document, json!({ "id": chat })).await.data();
}

pub async fn try_say(client: &Client, chat: &str, text: &str, key: &str) -> io::Result<Answer> {
    let input = json!({ "chatId": chat, "text": text });
    let key = [("idempotency-key", key)];
    send_mutation(client, "sendMessage", "message { id number }", input, &key).await
}
