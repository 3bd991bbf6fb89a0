//! Feeds: subscriptions without an id follow all objects of their kind, once and in order, and resume like any other.

use serde_json::{Value, json};
use tests::{
    Setup,
    graphql::Client,
    people,
    signals::{await_end, submit},
};

async fn write(client: &Client, document: &str, variables: Value) -> Value {
    client.run(document, variables).await.data().clone()
}

async fn all_posts_and_their_comments_are_followed(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let far = ada.client(&app.gateways.last().expect("a gateway").client);
    let start = client.head().await;
    let create = "mutation($m: String!) { createPost(input: { message: $m }) { post { id } } }";
    let like = "mutation($id: ID!) { likePost(input: { id: $id }) { post { id } } }";
    let comment = "mutation($id: ID!) { addComment(input: { postId: $id, text: \"Yes\" }) { comment { id } } }";
    let mut ids = Vec::new();
    for message in ["One", "Two"] {
        let created = write(client, create, json!({ "m": message })).await;
        ids.push(created["createPost"]["post"]["id"].clone());
    }
    for id in &ids {
        write(client, like, json!({ "id": id })).await;
        write(client, comment, json!({ "id": id })).await;
    }
    let mut socket = far.socket().await;
    let changes =
        "subscription($after: String) { postChanged(after: $after) { cursor type post { id } } }";
    socket
        .subscribe("1", changes, json!({ "after": start }))
        .await;
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(socket.payload("1").await["data"]["postChanged"].clone());
    }
    let shown: Vec<_> = heard
        .iter()
        .map(|change| {
            (
                change["type"].as_str().expect("a type"),
                change["post"]["id"].clone(),
            )
        })
        .collect();
    let expected = [
        ("CREATED", 0),
        ("CREATED", 1),
        ("LIKED", 0),
        ("COMMENT_ADDED", 0),
        ("LIKED", 1),
        ("COMMENT_ADDED", 1),
    ];
    assert_eq!(
        shown,
        expected.map(|(change, post)| (change, ids[post].clone()))
    );
    // From the middle on, nothing is missing and nothing comes twice.
    socket
        .subscribe("2", changes, json!({ "after": heard[2]["cursor"] }))
        .await;
    for expected in &heard[3..] {
        assert_eq!(socket.payload("2").await["data"]["postChanged"], *expected);
    }
    let comments = "subscription($after: String) { commentAdded(after: $after) { comment { text } post { id } } }";
    socket
        .subscribe("3", comments, json!({ "after": start }))
        .await;
    for id in &ids {
        let added = socket.payload("3").await["data"]["commentAdded"].clone();
        assert_eq!(
            (&added["comment"]["text"], &added["post"]["id"]),
            (&json!("Yes"), id)
        );
    }
}

async fn all_signals_are_followed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let mut ids = Vec::new();
    for source in ["boiler", "mill"] {
        let signal = submit(client, source, 1.0).await;
        await_end(client, &signal["id"]).await;
        ids.push(signal["id"].clone());
    }
    let mut socket = client.socket().await;
    let document = "subscription($after: String) { signalProgress(after: $after) { type signal { id version } } }";
    socket
        .subscribe("1", document, json!({ "after": start }))
        .await;
    let mut versions = [0, 0];
    // Each has six events at its end, and one with its notification.
    while versions.iter().sum::<i64>() < 12 {
        let step = socket.payload("1").await["data"]["signalProgress"].clone();
        let number = ids.iter().position(|id| *id == step["signal"]["id"]);
        let version = &mut versions[number.expect("one of both")];
        *version += 1;
        assert_eq!(step["signal"]["version"], *version, "{step}");
    }
}

tests::both_ways!(
    all_posts_and_their_comments_are_followed,
    all_signals_are_followed
);
