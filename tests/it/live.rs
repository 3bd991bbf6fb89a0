//! Live queries: every answer that counts, none that does not, and none that goes back.

mod answers;
mod changes;
mod random;
mod resuming;
mod rights;
mod sharing;
mod whole;

use serde_json::{Value, json};
use tests::graphql::Client;

const CUSTOMERS: &str = "query($filter: CustomerFilter, $first: Int) @live { \
    customers(first: $first, filter: $filter) { totalCount nodes { id name status version } } }";

/// Sends a mutation, which must succeed, and returns what is selected of its payload.
async fn apply(client: &Client, field: &str, selection: &str, input: Value) -> Value {
    let (first, rest) = field.split_at(1);
    let first = first.to_uppercase();
    let document = format!(
        "mutation($input: {first}{rest}Input!) {{ {field}(input: $input) {{ {selection} }} }}"
    );
    let answer = client.run(&document, json!({ "input": input })).await;
    answer.data()[field].clone()
}

async fn post(client: &Client, message: &str) -> Value {
    let input = json!({ "message": message });
    apply(client, "createPost", "post { id }", input).await["post"]["id"].clone()
}

/// The names of a list's nodes.
fn names(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().expect("nodes").iter();
    nodes
        .map(|node| node["name"].as_str().expect("a name"))
        .collect()
}
