//! What a post was: as of each version, and event by event; what was removed since is not told.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;

use super::api::{apply, becomes, comment, create, find_at, like, person};

async fn history(client: &Client, id: &Value) -> Vec<Value> {
    let document = "query History($id: ID!) { post(id: $id) { history(first: 50) { \
        nodes { cursor type version actor { name ... on User { id } } data } } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    let nodes = answer.data()["post"]["history"]["nodes"].as_array();
    nodes.expect("nodes").clone()
}

async fn every_version_is_as_it_was_shown(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let (_, bob) = person(app.client(), "Bob").await;
    let mut shown = vec![create(&ada, "One").await];
    let id = shown[0]["id"].clone();
    let edit = json!({ "id": id, "message": "Two" });
    shown.push(apply(&ada, "updatePost", edit).await["post"].clone());
    shown.push(like(&ada, &shown[0]).await);
    let kept = comment(&ada, &shown[0], "Kept").await;
    shown.push(find_at(&ada, &id, 4).await);
    let removed = comment(&ada, &shown[0], "Regretted").await;
    let edit = json!({ "id": kept["id"], "text": "Kept and edited" });
    let edited = apply(&ada, "updateComment", edit).await["post"].clone();
    for (index, post) in shown.iter().enumerate() {
        let version = index as i64 + 1;
        assert_eq!(find_at(&ada, &id, version).await, *post, "as of {version}");
    }
    assert_eq!(find_at(&ada, &id, 6).await, edited);
    assert_eq!(find_at(&ada, &id, 7).await, Value::Null, "not yet");

    let remove = json!({ "id": removed["id"] });
    let now = apply(&ada, "deleteComment", remove).await["post"].clone();
    becomes(&ada, &now).await;
    let events = history(&bob, &id).await;
    let types: Vec<_> = events.iter().filter_map(|it| it["type"].as_str()).collect();
    let expected = [
        "PostCreated",
        "PostMessageEdited",
        "PostLiked",
        "PostCommentAdded",
        "PostCommentAdded",
        "PostCommentEdited",
        "PostCommentRemoved",
    ];
    assert_eq!(types, expected);
    assert!(
        events
            .iter()
            .all(|event| event["actor"]["id"] == ada_person.id.as_str())
    );
    assert_eq!(events[0]["data"]["message"], "One");
    assert_eq!(events[3]["data"]["text"], "Kept");
    assert_eq!(events[4]["data"]["text"], Value::Null, "removed since");
    assert_eq!(events[5]["data"]["text"], "Kept and edited");
    let all = history(app.client(), &id).await;
    assert_eq!(all[4]["data"]["text"], "Regretted", "moderators see it");
    let then = find_at(&bob, &id, 5).await;
    assert_eq!(then["commentCount"], 2, "as it was");
    assert_eq!(then["comments"]["nodes"][0]["text"], "Kept");
    assert_eq!(then["comments"]["nodes"][1]["text"], Value::Null);
}

tests::both_ways!(every_version_is_as_it_was_shown);
