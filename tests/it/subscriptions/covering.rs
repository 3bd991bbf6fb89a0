//! An answer's cursor covers what the answer used: whoever joins a query with a subscription from its cursor misses nothing
//! that the query did not show, though read models, what is given again under a key, and statuses are behind the log.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::waiting::SOON;
use tests::{Setup, customers, database, eventually, ids};

/// What each follower's read model is shown by. `$id` is a post.
const SHOWN: [(&str, &str); 9] = [
    ("posts", "query($id: ID!) { post(id: $id) { message } }"),
    ("posts", "query($id: ID!) { node(id: $id) { id } }"),
    (
        "posts",
        "query($id: ID!) { post(id: $id) { id } posts { nodes { id } } }",
    ),
    (
        "posts",
        "query($id: ID!) { post(id: $id) { id } posts { totalCount } }",
    ),
    (
        "posts",
        "query($id: ID!) { post(id: $id) { comments(last: 3) { nodes { text } } } }",
    ),
    (
        "posts",
        "query($id: ID!) { post(id: $id) { likedByMe } customerStatistics { total } }",
    ),
    (
        "posts_trending",
        "{ trendingPosts(window: HOUR) { likes post { id } } }",
    ),
    (
        "customer_statistics",
        "{ customers { nodes { id } } customerStatistics { total } }",
    ),
    (
        "customer_statistics",
        "{ customerStatistics { byDay { created } } }",
    ),
];
const FOLLOWERS: [&str; 3] = ["posts", "posts_trending", "customer_statistics"];
const FEED: &str = "subscription($after: String) { postFeed(after: $after) { post { id } } }";
const CREATE_POST: &str =
    "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";

async fn create_post(client: &Client, message: &str) -> Value {
    let input = json!({ "input": { "message": message } });
    let answer = client.run(CREATE_POST, input).await;
    answer.data()["createPost"]["post"]["id"].clone()
}

async fn comment(client: &Client, post: &Value) {
    let document =
        "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    let input = json!({ "input": { "postId": post, "text": "A comment" } });
    client.run(document, input).await.data();
}

async fn hold(admin: &Client, field: &str) {
    let (first, rest) = field.split_at(1);
    let document = format!(
        "mutation($input: {}{rest}Input!) {{ {field}(input: $input) {{ __typename }} }}",
        first.to_uppercase()
    );
    for name in FOLLOWERS {
        let input = json!({ "input": { "name": name } });
        admin.run(&document, input).await.data();
    }
}

/// The first event that the follower has not applied.
async fn first_unapplied(database: &DatabaseConnection, follower: &str) -> u64 {
    let statement = format!(
        "select cast(coalesce(min(p.position), 0) as bigint) as number
         from event e join event_position p on p.inserted = e.inserted
         left join checkpoint k on k.follower = '{follower}' and k.part = e.part
         where p.position > coalesce(k.position, 0)"
    );
    database::number(database, &statement).await
}

/// Waits until each follower is held: of what is written, each leaves the same behind for a while.
async fn await_held(admin: &Client, database: &DatabaseConnection) {
    let mut number = 0;
    for follower in FOLLOWERS {
        eventually("the follower is held", SOON, async || {
            number += 1;
            let email = format!("held-{number}@example.com");
            customers::create(admin, "Held", &email).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            let first = first_unapplied(database, follower).await;
            (first > 0 && ids::position(&admin.head().await) >= first).then_some(())
        })
        .await;
    }
}

/// While the followers are held, what they write is older than the log, and so are the cursors of answers that show it, over
/// HTTP and over a socket; what shows no read model has the log's.
async fn answers_see_no_further_than_read_models(setup: Setup) {
    let app = setup.start_many(1, 1, &[]);
    let (client, database) = (app.client().clone(), setup.database().await);
    let old = create_post(&client, "Old").await;
    eventually("the post is in the read model", SOON, async || {
        let answer = client.run(SHOWN[0].1, json!({ "id": old })).await;
        (!answer.data()["post"].is_null()).then_some(())
    })
    .await;
    hold(&client, "pauseWorker").await;
    await_held(&client, &database).await;
    let start = client.head().await;
    let new = create_post(&client, "New").await;
    comment(&client, &old).await;
    let head = ids::position(&client.head_after(&start, 2).await);

    let mut socket = client.socket().await;
    for (number, (follower, document)) in SHOWN.iter().enumerate() {
        let first = first_unapplied(&database, follower).await;
        assert!(first > 0 && first < head, "{follower} is at {first}");
        let answer = client.run(document, json!({ "id": old })).await;
        let name = format!("query-{number}");
        socket
            .subscribe(&name, document, json!({ "id": old }))
            .await;
        let payload = socket.payload(&name).await;
        assert_eq!(socket.message().await["type"], "complete");
        assert_eq!(payload["data"], *answer.data());
        let over_socket = payload["extensions"]["cursor"].as_str().expect("a cursor");
        for cursor in [&answer.cursor(), over_socket] {
            let position = ids::position(cursor);
            assert!(
                position > 0 && position < first,
                "{document}: {position} is past {first}, which {follower} does not show"
            );
        }
    }
    let values = [
        (
            FOLLOWERS[1],
            "subscription { trendingPosts(window: DAY) { likes } }",
        ),
        (
            FOLLOWERS[2],
            "subscription { customerStatistics { total } }",
        ),
    ];
    for (follower, document) in values {
        socket.subscribe(follower, document, json!({})).await;
        let payload = socket.payload(follower).await;
        let cursor = payload["extensions"]["cursor"].as_str().expect("a cursor");
        let first = first_unapplied(&database, follower).await;
        assert!(ids::position(cursor) < first, "{payload}");
        socket.complete(follower).await;
    }
    // Commands' tables and folds are as new as the log.
    for document in ["{ customers { nodes { id } } }", "{ me { id } }"] {
        let position = ids::position(&client.run(document, json!({})).await.cursor());
        assert!(position >= head, "{document}");
    }
    let list = client.run("{ posts { nodes { id } } }", json!({})).await;
    assert!(
        !list
            .data()
            .to_string()
            .contains(new.as_str().expect("an id"))
    );
    let from = json!({ "after": list.cursor() });
    socket.subscribe("feed", FEED, from).await;
    let fed = socket.payload("feed").await;
    assert_eq!(fed["data"]["postFeed"]["post"]["id"], new, "{fed}");

    hold(&client, "resumeWorker").await;
    for (_, document) in SHOWN {
        eventually("the answer sees as far as the log", SOON, async || {
            let answer = client.run(document, json!({ "id": old })).await;
            (ids::position(&answer.cursor()) >= head).then_some(())
        })
        .await;
    }
}

/// Without anything being held: lists and feeds that begin at their cursors, beside somebody who writes.
async fn a_list_and_a_feed_from_its_cursor_are_everything(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (client, clients) = (app.client().clone(), app.clients());
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut written = Vec::new();
                for number in 0..40 {
                    written.push(create_post(&client, &format!("{writer}-{number}")).await);
                }
                written
            })
        })
        .collect();
    let mut joined = Vec::new();
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let client = &clients[joined.len() % clients.len()];
        let list = client
            .run("{ posts(first: 100) { nodes { id } } }", json!({}))
            .await;
        let nodes = list.data()["posts"]["nodes"].as_array().cloned();
        let seen: HashSet<String> = nodes
            .expect("nodes")
            .iter()
            .map(|node| node["id"].to_string())
            .collect();
        let mut socket = client.socket().await;
        let from = json!({ "after": list.cursor() });
        socket.subscribe("1", FEED, from).await;
        joined.push((socket, seen));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.expect("a writer"));
    }
    let last = create_post(&client, "The last").await;
    // Few on a busy machine.
    assert!(joined.len() > 1, "{}", joined.len());
    for (mut socket, mut seen) in joined {
        let lacked = written.len().saturating_sub(seen.len());
        loop {
            let payload = socket.payload("1").await;
            let id = payload["data"]["postFeed"]["post"]["id"].clone();
            if id == last {
                break;
            }
            seen.insert(id.to_string());
        }
        let missed: Vec<_> = written
            .iter()
            .filter(|id| !seen.contains(&id.to_string()))
            .collect();
        assert!(missed.is_empty(), "of {lacked} lacked, missed {missed:?}");
    }
}

/// What is given again under a key is as it was then, and so is its cursor.
async fn a_repeat_sees_what_it_saw(setup: Setup) {
    let app = setup.start_many(1, 1, &[]);
    let client = app.client();
    let created = customers::create(client, "Ada", "ada@example.com").await;
    let rename = |name: &str| json!({ "id": created["id"], "name": name });
    let first = customers::send_with_key(client, "update", rename("Once"), Some("k")).await;
    let start = client.head().await;
    customers::send(client, "update", rename("Twice"))
        .await
        .data();
    let head = client.head_after(&start, 1).await;
    let again = customers::send_with_key(client, "update", rename("Once"), Some("k")).await;
    assert_eq!(first.data(), again.data());
    assert_eq!(again.cursor(), first.cursor(), "the log is at {head}");
    let mut socket = client.socket().await;
    let from = json!({ "after": again.cursor() });
    socket.subscribe("1", customers::CHANGES, from).await;
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "Twice") {
        names.push(socket.change("1").await["customer"]["name"].clone());
    }
}

tests::both_ways!(
    answers_see_no_further_than_read_models,
    a_list_and_a_feed_from_its_cursor_are_everything,
    a_repeat_sees_what_it_saw,
);
