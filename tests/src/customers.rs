//! Documents and one-line calls for customers. Tests say only what they need, and a change of the API is made here.

use serde_json::{Value, json};

use crate::graphql::{Answer, Client};

pub const CREATE: &str = "mutation Create($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { \
    id name email phone status version createdAt updatedAt deletedAt } } }";
pub const UPDATE: &str = "mutation Update($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { \
    id name email phone status version createdAt updatedAt deletedAt } } }";
pub const DELETE: &str = "mutation Delete($input: DeleteCustomerInput!) { deleteCustomer(input: $input) { customer { \
    id name email phone status version createdAt updatedAt deletedAt } } }";
pub const RESTORE: &str = "mutation Restore($input: RestoreCustomerInput!) { restoreCustomer(input: $input) { customer { \
    id name email phone status version createdAt updatedAt deletedAt } } }";
pub const FIND: &str = "query Find($id: ID!) { customer(id: $id) { id name email phone status version createdAt updatedAt deletedAt } }";
pub const CHANGES: &str = "subscription Changes($id: ID, $after: String) { customerChanged(id: $id, after: $after) { \
    cursor type version actor { name ... on User { id } } occurredAt customer { id name email status version deletedAt } } }";
pub const STATISTICS: &str = "query Statistics { customerStatistics { total byStatus { status count } byDay(last: 100) { day created deleted restored } } }";

/// Returns the document and the field that it selects, for the calls below and the writers.
pub fn mutation(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "create" => (CREATE, "createCustomer"),
        "update" => (UPDATE, "updateCustomer"),
        "delete" => (DELETE, "deleteCustomer"),
        "restore" => (RESTORE, "restoreCustomer"),
        other => panic!("no mutation {other}"),
    }
}

/// Sends a mutation with this input; returns any answer.
pub async fn send(client: &Client, kind: &str, input: Value) -> Answer {
    send_with_key(client, kind, input, None).await
}

pub async fn send_with_key(client: &Client, kind: &str, input: Value, key: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    client
        .run_with(mutation(kind).0, json!({ "input": input }), &headers)
        .await
}

/// Returns the customer after a mutation, which must succeed.
#[track_caller]
pub fn changed(kind: &str, answer: &Answer) -> Value {
    let customer = &answer.data()[mutation(kind).1]["customer"];
    assert!(customer.is_object(), "no customer: {}", answer.http.text());
    customer.clone()
}

pub async fn apply(client: &Client, kind: &str, input: Value) -> Value {
    changed(kind, &send(client, kind, input).await)
}

pub async fn create(client: &Client, name: &str, email: &str) -> Value {
    apply(client, "create", json!({ "name": name, "email": email })).await
}

/// Creates customers of these names and addresses, all at once.
pub async fn create_many(client: &Client, rows: Vec<Value>) {
    let document =
        "mutation($input: CreateCustomersInput!) { createCustomers(input: $input) { done } }";
    let count = rows.len();
    let answer = client
        .run(document, json!({ "input": { "rows": rows } }))
        .await;
    assert_eq!(answer.data()["createCustomers"]["done"], count);
}

/// Returns the customer, or null if it does not exist.
pub async fn find(client: &Client, id: &Value) -> Value {
    client.run(FIND, json!({ "id": id })).await.data()["customer"].clone()
}

pub async fn statistics(client: &Client) -> Value {
    client.run(STATISTICS, json!({})).await.data()["customerStatistics"].clone()
}
