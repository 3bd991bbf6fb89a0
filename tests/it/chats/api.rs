//! Documents and one-line calls for chats: tests say what they want, and an API change is followed here.

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::people::{self, Person};
use tests::{Setup, database};

const CHAT: &str = "chat { id kind title memberCount unreadCount version createdAt lastActivityAt \
    members { user { id } role joinedAt } lastMessage { number text } }";
const MESSAGE: &str = "message { id number text author { id name } createdAt editedAt deletedAt }";
/// A chat that does not exist.
pub const UNKNOWN: &str = "chat_01h455vb4pex5vsknk084sn02q";

/// What a mutation answers with, all of it.
fn selection(field: &str) -> &'static str {
    match field {
        "createChat" | "renameChat" | "addChatMembers" | "removeChatMember" | "markChatRead"
        | "markChatDelivered" => CHAT,
        "sendMessage" | "updateMessage" | "deleteMessage" => MESSAGE,
        "leaveChat" => "chatId",
        "setTyping" => "chat { id }",
        other => panic!("no mutation {other}"),
    }
}

/// Sends a mutation with this input, whatever comes of it.
pub async fn send(client: &Client, field: &str, input: Value) -> Answer {
    send_with_key(client, field, input, None).await
}

pub async fn send_with_key(
    client: &Client,
    field: &str,
    input: Value,
    key: Option<&str>,
) -> Answer {
    let headers: Vec<(&str, &str)> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    let (first, rest) = field.split_at(1);
    let document = format!(
        "mutation($input: {}{rest}Input!) {{ {field}(input: $input) {{ {} }} }}",
        first.to_uppercase(),
        selection(field)
    );
    client
        .run_with(&document, json!({ "input": input }), &headers)
        .await
}

/// The chat, the message or the id that a mutation answers with; it must succeed.
pub async fn apply(client: &Client, field: &str, input: Value) -> Value {
    let answer = send(client, field, input).await;
    let payload = answer.data()[field].as_object().expect("a payload").clone();
    let (_, value) = payload.into_iter().next().expect("one field");
    value
}

/// People who have signed in, with a client each.
pub async fn crowd(any: &Client, names: &[&str]) -> Vec<(Person, Client)> {
    let people = names.iter().map(|name| async {
        let person = people::register(any, name).await;
        let client = person.client(any);
        (person, client)
    });
    futures::future::join_all(people).await
}

/// Three of them, for the tests in which two are in a chat and one is not.
pub async fn trio(any: &Client) -> [(Person, Client); 3] {
    let crowd = crowd(any, &["Ada", "Bob", "Eve"]).await;
    crowd.try_into().unwrap_or_else(|_| panic!("three people"))
}

/// The id of a new group.
pub async fn group(client: &Client, title: &str, others: &[&Person]) -> String {
    let members: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
    let input = json!({ "kind": "GROUP", "title": title, "memberIds": members });
    id_of(&apply(client, "createChat", input).await)
}

/// The direct chat with somebody.
pub async fn direct(client: &Client, other: &Person) -> Value {
    let input = json!({ "kind": "DIRECT", "memberIds": [other.id] });
    apply(client, "createChat", input).await
}

/// The new message.
pub async fn say(client: &Client, chat: &str, text: &str) -> Value {
    apply(
        client,
        "sendMessage",
        json!({ "chatId": chat, "text": text }),
    )
    .await
}

pub fn id_of(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// The errors of two answers, which must not differ in anything but the request's id.
#[track_caller]
pub fn assert_same_errors(one: &Answer, other: &Answer) {
    let errors = |answer: &Answer| {
        let mut errors = answer.body["errors"].clone();
        let list = errors.as_array_mut().expect("errors");
        for error in list {
            error["extensions"]["requestId"] = Value::Null;
        }
        errors
    };
    assert_eq!(errors(one), errors(other));
}

/// The chat as this client sees it, or an error.
pub async fn look(client: &Client, chat: &str) -> Answer {
    let document = format!(
        "query($id: ID!) {{ {} }}",
        CHAT.replacen("chat", "chat(id: $id)", 1)
    );
    client.run(&document, json!({ "id": chat })).await
}

/// The chat as this client sees it.
pub async fn find(client: &Client, chat: &str) -> Value {
    look(client, chat).await.data()["chat"].clone()
}

/// The client's chats, latest activity first.
pub async fn list(client: &Client) -> Vec<Value> {
    let document = format!(
        "{{ chats(first: 100) {{ nodes {} }} }}",
        CHAT.trim_start_matches("chat ")
    );
    let answer = client.run(&document, json!({})).await;
    answer.data()["chats"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone()
}

/// The log's head once everything that was written has its position.
pub async fn settled(setup: &Setup, client: &Client) -> String {
    let (events, _) = database::log_size(&setup.database().await).await;
    client.head_after("00000000-0", events).await
}

/// How many events there are, without those that tell who is connected.
pub async fn events(setup: &Setup) -> usize {
    let log = database::log(&setup.database().await).await;
    log.iter()
        .filter(|entry| entry.stream != "presence")
        .count()
}

/// The ids and roles of a chat's members, in their order.
pub fn members(chat: &Value) -> Vec<(&str, &str)> {
    let members = chat["members"].as_array().expect("members");
    members
        .iter()
        .map(|member| {
            let id = member["user"]["id"].as_str().expect("an id");
            (id, member["role"].as_str().expect("a role"))
        })
        .collect()
}

pub const EVENTS: &str = "subscription($id: ID!, $after: String) { chatEvents(id: $id, after: $after) { \
    cursor type actor { name ... on User { id } } occurredAt version chat { id title } message { id number text } \
    member { user { id } role } newOwner { user { id } } } }";
pub const MY_CHATS: &str = "subscription($after: String) { myChats(after: $after) { \
    cursor type actor { name ... on User { id } } occurredAt chatId chat { id title unreadCount } message { number text } } }";
pub const TYPING: &str = "subscription($id: ID!) { typing(id: $id) { user { id name } at } }";
