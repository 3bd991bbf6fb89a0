//! What subscribers hear: every change of a post, every new post, every new comment; once, in order, from any cursor; with
//! the post never older than its event, though the read model may be behind.

use serde_json::{Value, json};
use tests::Setup;
use tests::socket::Socket;

use super::api::{apply, comment, create, like, person};

const CHANGES: &str = "subscription Changes($id: ID!, $after: String) { postChanged(id: $id, after: $after) { \
    cursor type actor { name ... on User { id } } version postId post { message likeCount commentCount version likedByMe author { name } \
    comments(last: 1) { nodes { text } } } comment { number text } user { name } } }";
const FEED: &str = "subscription Feed($author: ID, $after: String) { postFeed(authorId: $author, after: $after) { \
    cursor type postId post { message author { name } } } }";
const COMMENTS: &str = "subscription Comments($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { \
    cursor version comment { number text author { name } } postId post { commentCount } } }";

async fn next(socket: &mut Socket, id: &str, field: &str) -> Value {
    let payload = socket.payload(id).await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"][field].clone()
}

async fn changes_come_with_the_post_after_them(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let far = app.gateways.last().expect("a gateway");
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let (bob_person, bob) = person(app.client(), "Bob").await;
    let start = ada.head().await;
    let post = create(&ada, "Hello").await;
    let id = post["id"].clone();
    let mut live = bob_person.client(&far.client).socket().await;
    let from = json!({ "id": id, "after": start });
    live.subscribe("1", CHANGES, from.clone()).await;
    let created = next(&mut live, "1", "postChanged").await;
    assert_eq!(created["type"], "CREATED");
    assert_eq!(created["post"]["author"]["name"], "Ada");
    assert_eq!(created["actor"]["id"], ada_person.id.as_str());

    like(&bob, &post).await;
    let liked = next(&mut live, "1", "postChanged").await;
    assert_eq!(
        (&liked["type"], &liked["user"]["name"]),
        (&json!("LIKED"), &json!("Bob"))
    );
    assert_eq!(liked["post"]["likeCount"], 1);
    assert_eq!(liked["post"]["likedByMe"], true, "it is Bob who listens");

    let first = comment(&bob, &post, "First").await;
    let added = next(&mut live, "1", "postChanged").await;
    assert_eq!(added["comment"], json!({ "number": 1, "text": "First" }));
    assert_eq!(added["post"]["comments"]["nodes"][0]["text"], "First");
    // A burst: whatever is shown is at least as new as its event.
    for number in 0..30 {
        let edit = json!({ "id": id, "message": format!("Message {number}") });
        apply(&ada, "updatePost", edit).await;
    }
    for version in 4..34 {
        let change = next(&mut live, "1", "postChanged").await;
        assert_eq!(change["version"], version);
        assert!(change["post"]["version"].as_i64() >= change["version"].as_i64());
    }
    let remove = json!({ "id": first["id"] });
    apply(&bob, "deleteComment", remove).await;
    let removed = next(&mut live, "1", "postChanged").await;
    assert_eq!(removed["comment"], json!({ "number": 1, "text": null }));

    // Who resumes hears it all, and nothing that was removed since.
    let mut again = bob.socket().await;
    again.subscribe("1", CHANGES, from.clone()).await;
    for version in 1..=34 {
        let change = next(&mut again, "1", "postChanged").await;
        assert_eq!(change["version"], version);
        assert_ne!(change["comment"]["text"], "First", "removed since");
        assert!(change["post"]["version"].as_i64() >= Some(version));
    }
    apply(&ada, "deletePost", json!({ "id": id })).await;
    for socket in [&mut live, &mut again] {
        let deleted = next(socket, "1", "postChanged").await;
        assert_eq!(
            (&deleted["type"], &deleted["post"], &deleted["postId"]),
            (&json!("DELETED"), &Value::Null, &id)
        );
    }
    // Whoever comes later is told of no post any more, and still which it was.
    let mut late = ada.socket().await;
    late.subscribe("1", CHANGES, from).await;
    for version in 1..=35 {
        let change = next(&mut late, "1", "postChanged").await;
        assert_eq!(
            (&change["version"], &change["post"], &change["postId"]),
            (&json!(version), &Value::Null, &id)
        );
    }
    late.subscribe("2", COMMENTS, json!({ "id": id, "after": start }))
        .await;
    let added = next(&mut late, "2", "commentAdded").await;
    assert_eq!((&added["post"], &added["postId"]), (&Value::Null, &id));
    assert_eq!(added["comment"]["text"], Value::Null);
}

async fn feeds_have_what_they_are_of(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let (_, bob) = person(app.client(), "Bob").await;
    let start = ada.head().await;
    let mut socket = bob.socket().await;
    socket
        .subscribe("all", FEED, json!({ "after": start }))
        .await;
    let of_ada = json!({ "author": ada_person.id, "after": start });
    socket.subscribe("ada", FEED, of_ada).await;
    let mut told = Vec::new();
    let post = create(&ada, "By Ada").await;
    told.extend([socket.message().await, socket.message().await]);
    like(&bob, &post).await;
    create(&bob, "By Bob").await;
    told.push(socket.message().await);
    create(&ada, "By Ada again").await;
    told.extend([socket.message().await, socket.message().await]);
    let of = |id: &str| -> Vec<&str> {
        let messages = told.iter().filter(|message| message["id"] == id);
        let feed = messages.map(|message| &message["payload"]["data"]["postFeed"]);
        feed.filter_map(|it| it["post"]["message"].as_str())
            .collect()
    };
    assert_eq!(of("all"), ["By Ada", "By Bob", "By Ada again"]);
    assert_eq!(of("ada"), ["By Ada", "By Ada again"]);

    let mut socket = ada.socket().await;
    let from = json!({ "id": post["id"], "after": start });
    socket.subscribe("1", COMMENTS, from.clone()).await;
    comment(&bob, &post, "One").await;
    like(&ada, &post).await;
    comment(&ada, &post, "Two").await;
    let mut cursor = Value::Null;
    for (number, text, author) in [(1, "One", "Bob"), (2, "Two", "Ada")] {
        let added = next(&mut socket, "1", "commentAdded").await;
        let expected = json!({ "number": number, "text": text, "author": { "name": author } });
        assert_eq!(added["comment"], expected);
        assert!(added["post"]["commentCount"].as_i64() >= Some(number));
        if number == 1 {
            cursor = added["cursor"].clone();
        }
    }
    let mut socket = ada.socket().await;
    let rest = json!({ "id": post["id"], "after": cursor });
    socket.subscribe("1", COMMENTS, rest).await;
    let added = next(&mut socket, "1", "commentAdded").await;
    assert_eq!(
        added["comment"]["text"], "Two",
        "the first was before the cursor"
    );
}

tests::both_ways!(
    changes_come_with_the_post_after_them,
    feeds_have_what_they_are_of
);
