//! Documents and one-line calls for students. Tests say only what they need, and a change of the API is made here.

use serde_json::{Value, json};

use crate::graphql::{Answer, Client};

const FIELDS: &str = "id name givenName familyName email studentNumber course year status version createdAt updatedAt deletedAt";

/// Returns the document of a mutation, and the field that it selects.
fn mutation(kind: &str) -> (String, String) {
    let field = format!("{kind}Student");
    let name = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
    let document = format!(
        "mutation Change($input: {name}StudentInput!) {{ {field}(input: $input) {{ student {{ {FIELDS} }} }} }}"
    );
    (document, field)
}

/// Sends a mutation (`create`, `update`, `delete`) with this input; returns any answer.
pub async fn send(client: &Client, kind: &str, input: Value) -> Answer {
    client
        .run(&mutation(kind).0, json!({ "input": input }))
        .await
}

/// Returns the student after a mutation, which must succeed.
pub async fn apply(client: &Client, kind: &str, input: Value) -> Value {
    let answer = send(client, kind, input).await;
    let student = &answer.data()[mutation(kind).1.as_str()]["student"];
    assert!(student.is_object(), "no student: {}", answer.http.text());
    student.clone()
}

pub async fn create(client: &Client, name: &str, email: &str) -> Value {
    let input = json!({ "name": name, "email": email, "course": "Mathematics" });
    apply(client, "create", input).await
}

/// Queries a student; returns the whole answer.
pub async fn ask(client: &Client, id: &Value) -> Answer {
    let document = format!("query Find($id: ID!) {{ student(id: $id) {{ {FIELDS} }} }}");
    client.run(&document, json!({ "id": id })).await
}

/// Returns the student, or null if it does not exist.
pub async fn find(client: &Client, id: &Value) -> Value {
    ask(client, id).await.data()["student"].clone()
}

pub async fn send_import(client: &Client, input: Value) -> Answer {
    send_import_with_key(client, input, None).await
}

pub async fn send_import_with_key(client: &Client, input: Value, key: Option<&str>) -> Answer {
    let document = "mutation Import($input: ImportStudentsInput!) { importStudents(input: $input) { \
        created updated unchanged refused \
        rows { index outcome student { id email version } violations { field code message } } } }";
    let headers: Vec<(&str, &str)> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    client
        .run_with(document, json!({ "input": input }), &headers)
        .await
}

pub async fn import(client: &Client, input: Value) -> Value {
    send_import(client, input).await.data()["importStudents"].clone()
}

/// Returns a row of an import.
pub fn row(number: usize) -> Value {
    json!({ "name": format!("Student {number}"), "email": format!("s{number}@example.com"), "course": "Law" })
}

/// Returns the number of students.
pub async fn count(client: &Client) -> u64 {
    let answer = client.run("{ students { totalCount } }", json!({})).await;
    answer.data()["students"]["totalCount"]
        .as_u64()
        .expect("a number")
}

/// Returns the counters of one gateway's cache of students.
pub async fn cache(client: &Client) -> Value {
    let document = "{ caches { name entries hits misses sharedHits loads failures stale } }";
    let answer = client.run(document, json!({})).await;
    let caches = answer.data()["caches"].as_array().expect("caches").clone();
    let of_students = caches.into_iter().find(|cache| cache["name"] == "student");
    of_students.expect("the cache of students")
}
