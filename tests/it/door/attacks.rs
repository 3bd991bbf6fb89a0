//! Further floods of one user or one address, in what costs most: passwords, writes, one hot post, answers about the schema,
//! live queries and searches. As in `floods`, another user is answered about as quickly as when all is calm.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::people::{register, send_register, send_sign_in};

use super::floods::{ask, beside, beside_of};

const POST: &str =
    "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";

async fn wrong_passwords(client: Client, connection: usize) {
    let email = format!("nobody-{connection}@example.com");
    let _ = send_sign_in(&client.anonymous(), &email, "a wrong password").await;
}

async fn registrations(client: Client, connection: usize) {
    let email = format!("{connection}-{}@example.com", fastrand::u64(..));
    let _ = send_register(
        &client.anonymous(),
        "Mallory",
        &email,
        "a long enough phrase",
    )
    .await;
}

async fn write(client: Client, document: &str, input: Value) {
    let body = json!({ "query": document, "variables": { "input": input } });
    let _ = client.post(&body, &[]).await;
}

async fn posts(client: Client, _: usize) {
    write(client, POST, json!({ "message": "x".repeat(10_000) })).await;
}

async fn about_the_schema(client: Client, connection: usize) {
    let types = "types { name description fields { name description args { name description } type { name ofType { name } } } }";
    ask(
        client,
        &format!("{{ of{connection}: __schema {{ {types} }} }}"),
    )
    .await;
}

async fn searches(client: Client, connection: usize) {
    let fields: Vec<String> = (0..8)
        .map(|at| {
            let text = format!("{connection} {at}");
            format!("s{at}: posts(first: 100, filter: {{ search: \"{text}\" }}) {{ totalCount nodes {{ id }} }}")
        })
        .collect();
    ask(client, &format!("{{ {} }}", fields.join(" "))).await;
}

async fn live(client: Client, connection: usize) {
    let Ok(mut socket) = client.try_socket().await else {
        return;
    };
    for number in 1..=50 {
        let document = format!(
            "query @live {{ of{connection}_{number}: posts(first: {number}) {{ nodes {{ id likeCount }} }} }}"
        );
        socket
            .subscribe(&number.to_string(), &document, json!({}))
            .await;
    }
    for _ in 0..50 {
        socket.message().await;
    }
}

async fn one_user_s_attacks_leave_others_their_time(setup: Setup) {
    let app = setup.start();
    beside(&app, "wrong passwords", wrong_passwords).await;
    beside(&app, "registrations", registrations).await;
    beside(&app, "answers about the schema", about_the_schema).await;
    beside(&app, "searches", searches).await;
    beside(&app, "live queries", live).await;
}

async fn one_user_s_writes_leave_others_their_time(setup: Setup) {
    let app = setup.start();
    let eve = register(app.client(), "Eve").await.client(app.client());
    let post = eve
        .run(POST, json!({ "input": { "message": "Hot" } }))
        .await;
    let hot = post.data()["createPost"]["post"]["id"].clone();
    let like = move |client: Client, connection: usize| {
        let id = hot.clone();
        async move {
            let field = ["likePost", "unlikePost"][connection % 2];
            let input = ["LikePostInput", "UnlikePostInput"][connection % 2];
            let document = format!(
                "mutation($input: {input}!) {{ {field}(input: $input) {{ post {{ id }} }} }}"
            );
            write(client, &document, json!({ "id": id })).await;
        }
    };
    let hello = json!({ "query": POST, "variables": { "input": { "message": "Hello" } } });
    let reads = ("reads", json!({ "query": "{ me { id } }" }));
    let writes = ("writes", hello);
    // Embedded there is one writer: who writes waits for two groups of writes, which on a slow disk take longer than this allows.
    let asked = match setup.is_distributed() {
        true => vec![reads, writes],
        false => vec![reads],
    };
    for (what, body) in asked {
        beside_of(&app, &format!("posts beside {what}"), &body, posts).await;
        beside_of(&app, &format!("likes beside {what}"), &body, like.clone()).await;
    }
}

tests::both_ways!(alone: one_user_s_writes_leave_others_their_time);
tests::embedded!(alone: one_user_s_attacks_leave_others_their_time);
