//! Asking the API for all that a user wrote: what is, what was, and what subscriptions replay, on every gateway.

use std::time::Duration;

use serde_json::json;
use tests::graphql::Client;
use tests::waiting::SOON;

use super::{Scene, Written};
use crate::posts::api as posts;

/// What the API says to those who may see most, of all that there was.
pub(super) async fn read_everything(scene: &Scene, written: &Written, start: &str) -> String {
    let mut said = String::new();
    let staff = scene.app.client().clone();
    let others: Vec<Client> = scene.app.clients();
    for admin in others.iter().chain([&staff]) {
        let user = "query($id: ID!) { user(id: $id) { name email bio history(first: 100) { nodes { type data } } } users(filter: { or: [{ deactivatedAt: { isNull: true } }, { deactivatedAt: { isNull: false } }] }) { nodes { name email bio } } }";
        let answer = admin.run(user, json!({ "id": written.person.id })).await;
        said.push_str(&answer.data().to_string());
        for post in [&written.own_post, &written.other_post] {
            said.push_str(&posts::find(admin, &post["id"]).await.to_string());
            for version in 1..=5 {
                said.push_str(
                    &posts::find_at(admin, &post["id"], version)
                        .await
                        .to_string(),
                );
            }
            let history =
                "query($id: ID!) { post(id: $id) { history(first: 100) { nodes { type data } } } }";
            let answer = admin.run(history, json!({ "id": post["id"] })).await;
            said.push_str(&answer.data().to_string());
        }
        let friend = written.friend.signed_in_as_on(admin);
        let chat = "query($id: ID!) { chat(id: $id) { messages(first: 100) { nodes { text author { name } } } } }";
        let answer = friend.run(chat, json!({ "id": written.chat })).await;
        said.push_str(&answer.data().to_string());
        said.push_str(
            &replay(
                &friend,
                start,
                "myChats(after: $after) { cursor message { text author { name bio } } }",
            )
            .await,
        );
        said.push_str(
            &replay(
                admin,
                start,
                "userChanged(after: $after) { cursor user { name email bio } }",
            )
            .await,
        );
        said.push_str(&replay(admin, start, "postFeed(after: $after) { cursor post { message comments(first: 10) { nodes { text } } } }").await);
    }
    said
}

/// All that a subscription gives that begins at `start`, up to something that is said at its end.
async fn replay(client: &Client, start: &str, selection: &str) -> String {
    let mut socket = client.socket().await;
    let document = format!("subscription($after: String) {{ {selection} }}");
    socket
        .subscribe("1", &document, json!({ "after": start }))
        .await;
    let mut said = String::new();
    // The first may take its time.
    let pause = Duration::from_millis(1500);
    let mut within = SOON;
    while let Some(frame) = socket.receive_within(within).await {
        said.push_str(&format!("{frame:?}"));
        if said.contains("next") {
            within = pause;
        }
    }
    assert!(
        said.contains("next"),
        "nothing was replayed: {selection}: {said}"
    );
    said
}

trait OnTheSame {
    fn signed_in_as_on(&self, other: &Client) -> Client;
}

impl OnTheSame for Client {
    /// This client's person, at the other's gateway.
    fn signed_in_as_on(&self, other: &Client) -> Client {
        other.signed_in_as(self.token().expect("a token"))
    }
}
