//! Documents and one-line calls for posts. What was written is read back from the read model by waiting for it.

use serde_json::{Value, json};
use tests::eventually;
use tests::graphql::{Answer, Client};
use tests::people::{self, Person};
use tests::waiting::SOON;

pub const POST: &str = "id message likeCount commentCount likedByMe version createdAt updatedAt author { id name } \
    comments(first: 100) { nodes { id number text author { id name } createdAt editedAt deletedAt } }";
const COMMENT: &str = "id number text author { id name } createdAt editedAt deletedAt";

/// A mutation's input type is its name, as all of them are.
fn document(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    let shown = match field {
        "deletePost" => format!("post {{ {POST} deletedAt }}"),
        "addComment" | "updateComment" | "deleteComment" => {
            format!("comment {{ {COMMENT} }} post {{ {POST} }}")
        }
        _ => format!("post {{ {POST} }}"),
    };
    format!("mutation Do($input: {input}!) {{ {field}(input: $input) {{ {shown} }} }}")
}

/// Sends a mutation, whatever comes of it.
pub async fn send(client: &Client, field: &str, input: Value) -> Answer {
    send_with_key(client, field, input, None).await
}

pub async fn send_with_key(
    client: &Client,
    field: &str,
    input: Value,
    key: Option<&str>,
) -> Answer {
    let headers: Vec<_> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    client
        .run_with(&document(field), json!({ "input": input }), &headers)
        .await
}

/// The payload of a mutation, which must succeed.
pub async fn apply(client: &Client, field: &str, input: Value) -> Value {
    send(client, field, input).await.data()[field].clone()
}

/// A new post, as its mutation shows it.
pub async fn create(client: &Client, message: &str) -> Value {
    apply(client, "createPost", json!({ "message": message })).await["post"].clone()
}

/// A new comment, as its mutation shows it.
pub async fn comment(client: &Client, post: &Value, text: &str) -> Value {
    let input = json!({ "postId": post["id"], "text": text });
    apply(client, "addComment", input).await["comment"].clone()
}

pub async fn like(client: &Client, post: &Value) -> Value {
    apply(client, "likePost", json!({ "id": post["id"] })).await["post"].clone()
}

/// As the read model has it now; null when it has not.
pub async fn find(client: &Client, id: &Value) -> Value {
    let document = format!("query Find($id: ID!) {{ post(id: $id) {{ {POST} }} }}");
    client.run(&document, json!({ "id": id })).await.data()["post"].clone()
}

/// As it was at a version, folded from the log.
pub async fn find_at(client: &Client, id: &Value, version: i64) -> Value {
    let document = format!(
        "query At($id: ID!, $version: Int) {{ post(id: $id, asOfVersion: $version) {{ {POST} }} }}"
    );
    let variables = json!({ "id": id, "version": version });
    client.run(&document, variables).await.data()["post"].clone()
}

/// Waits until the read model shows the post as a mutation did.
pub async fn becomes(client: &Client, post: &Value) {
    let what = format!("the read model has {} at {}", post["id"], post["version"]);
    let found = eventually(&what, SOON, async || {
        let found = find(client, &post["id"]).await;
        (found["version"].as_i64() >= post["version"].as_i64()).then_some(found)
    })
    .await;
    assert_eq!(found, *post);
}

/// Waits until the read model has the post no more.
pub async fn vanishes(client: &Client, id: &Value) {
    eventually("the post is gone", SOON, async || {
        find(client, id).await.is_null().then_some(())
    })
    .await;
}

/// A new member, and their client.
pub async fn person(any: &Client, name: &str) -> (Person, Client) {
    let person = people::register(any, name).await;
    let client = person.client(any);
    (person, client)
}

/// The ids of a connection's nodes.
pub fn ids(connection: &Value) -> Vec<String> {
    let nodes = connection["nodes"].as_array().expect("nodes");
    let id = |node: &Value| node["id"].as_str().expect("an id").to_owned();
    nodes.iter().map(id).collect()
}
