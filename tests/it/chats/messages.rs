//! Messages are edited and deleted by those who wrote them, and by nobody else.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;

use super::api::{self, apply, find, group, say, send, trio};

async fn texts(client: &Client, chat: &str) -> Vec<Value> {
    let document = "query($id: ID!) { chat(id: $id) { messages { nodes { number text editedAt deletedAt author { name } } } } }";
    let answer = client.run(document, json!({ "id": chat })).await;
    let nodes = answer.data()["chat"]["messages"]["nodes"].as_array();
    nodes.expect("nodes").clone()
}

async fn edits_and_deletions(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let first = say(&a, &chat, "  one\n\ttwo  ").await;
    assert_eq!(first["text"], "  one\n\ttwo  ", "as it was written");
    assert_eq!(
        (&first["editedAt"], &first["deletedAt"]),
        (&Value::Null, &Value::Null)
    );
    say(&b, &chat, "three").await;

    let edit = json!({ "id": first["id"], "text": "ONE" });
    let edited = apply(&a, "updateMessage", edit.clone()).await;
    assert_eq!(
        (&edited["text"], &edited["number"]),
        (&json!("ONE"), &json!(1))
    );
    assert!(edited["editedAt"].is_string(), "{edited}");
    assert_eq!(edited["createdAt"], first["createdAt"]);
    let version = find(&b, &chat).await["version"].clone();
    assert_eq!(
        apply(&a, "updateMessage", edit.clone()).await,
        edited,
        "nothing changed"
    );
    assert_eq!(find(&b, &chat).await["version"], version);

    let deletion = json!({ "id": first["id"] });
    let deleted = apply(&a, "deleteMessage", deletion.clone()).await;
    assert_eq!(deleted["text"], Value::Null);
    assert!(deleted["deletedAt"].is_string(), "{deleted}");
    assert_eq!(
        apply(&a, "deleteMessage", deletion).await,
        deleted,
        "it stays deleted"
    );
    send(&a, "updateMessage", edit)
        .await
        .expect_code("CONFLICT");

    let shown = texts(&b, &chat).await;
    let numbers: Vec<_> = shown.iter().map(|message| &message["number"]).collect();
    assert_eq!(
        numbers,
        [&json!(2), &json!(1)],
        "newest first, none missing"
    );
    assert_eq!(shown[1]["text"], Value::Null);
    assert_eq!(shown[1]["author"]["name"], "Ada");
    let last = find(&a, &chat).await;
    assert_eq!(last["lastMessage"], json!({ "number": 2, "text": "three" }));
}

async fn only_authors_change_what_they_wrote(setup: Setup) {
    let app = setup.start();
    let [(_, a), (bob, b), (_, e)] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[&bob]).await;
    let message = say(&b, &chat, "mine").await["id"].clone();
    let unknown = "message_01h455vb4pex5vsknk084sn02q";
    for (field, extra) in [
        ("updateMessage", json!({ "text": "yours" })),
        ("deleteMessage", json!({})),
    ] {
        let input = |id: &Value| {
            let mut input = extra.clone();
            input["id"] = id.clone();
            input
        };
        // The owner of the chat is no exception, and outsiders learn nothing.
        send(&a, field, input(&message))
            .await
            .expect_code("FORBIDDEN");
        let hidden = send(&e, field, input(&message)).await;
        let absent = send(&e, field, input(&json!(unknown))).await;
        hidden.expect_code("NOT_FOUND");
        api::assert_same_errors(&hidden, &absent);
        send(app.client(), field, input(&message))
            .await
            .expect_code("NOT_FOUND");
    }
    apply(&b, "leaveChat", json!({ "id": chat })).await;
    let late = json!({ "id": message, "text": "too late" });
    send(&b, "updateMessage", late)
        .await
        .expect_code("NOT_FOUND");
    assert_eq!(texts(&a, &chat).await[0]["text"], "mine");
}

async fn texts_have_bounds(setup: Setup) {
    let app = setup.start();
    let [(_, a), _, _] = trio(app.client()).await;
    let chat = group(&a, "Tea", &[]).await;
    let longest = "é".repeat(10_000);
    assert_eq!(say(&a, &chat, &longest).await["text"], json!(longest));
    let id = api::say(&a, &chat, "short").await["id"].clone();
    for text in ["", " \n ", "a\u{7}b", &"é".repeat(10_001)] {
        let input = json!({ "chatId": chat, "text": text });
        let refused = send(&a, "sendMessage", input).await;
        assert_eq!(
            refused.expect_code("VALIDATION")["violations"][0]["field"],
            "text"
        );
        let input = json!({ "id": id, "text": text });
        send(&a, "updateMessage", input)
            .await
            .expect_code("VALIDATION");
    }
    assert_eq!(find(&a, &chat).await["lastMessage"]["number"], 2);
}

tests::both_ways!(
    edits_and_deletions,
    only_authors_change_what_they_wrote,
    texts_have_bounds,
);
