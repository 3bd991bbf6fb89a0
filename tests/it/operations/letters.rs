//! Dead letters through the API, real ones: an event that can no longer be read makes both followers of posts give up; it is
//! repaired and replayed, or discarded. The read models are compared with the log in the end.

use serde_json::{Value, json};
use tests::traffic::{self, wrong_rows};
use tests::waiting::SOON;
use tests::{Setup, eventually, ids, tokens};

use super::{
    LETTER, audited, await_letters, comment, create_post, follower, letters, mutate,
    mutate_with_key, poison,
};

fn of<'a>(all: &'a [Value], consumer: &str) -> Vec<&'a Value> {
    let letters = all.iter().filter(|letter| letter["consumer"] == consumer);
    letters.collect()
}

async fn letters_are_listed_repaired_and_replayed(mut setup: Setup) {
    setup.settings.leave("MILLRACE_READ_AFTER_TIMEOUT");
    let mut app = setup.start();
    let database = setup.database().await;
    let poisoned = poison(&setup, &mut app, &database).await;
    let client = app.client().clone();
    let all = await_letters(&client).await;
    for consumer in ["posts", "posts_trending"] {
        let letters = of(&all, consumer);
        assert_eq!(letters.len(), 4, "{all:?}");
        for (number, letter) in letters.iter().enumerate() {
            assert_eq!(letter["version"], number + 3);
            assert_eq!(letter["streamId"], poisoned.post);
            assert_eq!(letter["consumerKind"], "FOLLOWER");
            assert_eq!(letter["isParked"], number > 0);
            assert_eq!(letter["fingerprint"].is_string(), number == 0);
            assert_eq!(letter["type"], "PostCommentAdded");
        }
        let failed = letters[0];
        assert!(failed["attempts"].as_u64() >= Some(2), "{failed}");
        assert!(
            failed["errors"][0]
                .as_str()
                .is_some_and(|it| it.contains("malformed")),
            "{failed}"
        );
        assert_eq!(failed["event"]["data"], json!({ "broken": 7 }));
        assert_eq!(failed["event"]["actor"]["id"], setup.admin().id.as_str());
        assert!(failed["firstTriedAt"].as_str() <= failed["lastTriedAt"].as_str());
        assert_eq!(follower(&client, consumer).await["deadLetters"], 4);
    }
    // Who names what waits behind the letter is not answered with what was before it.
    let uuid = ids::uuid_digits(poisoned.post.as_str().expect("an id")).expect("a uuid");
    let last_comment = tokens::read_after(
        &setup.admin().id,
        &format!("post-{}-6", uuid.replace('-', "")),
    );
    let find = "query($id: ID!) { post(id: $id) { commentCount } }";
    let find_after = async || {
        let headers = [("read-after", last_comment.as_str())];
        let post = json!({ "id": poisoned.post });
        client.run_with(find, post, &headers).await
    };
    find_after().await.expect_code("READ_AFTER_TIMEOUT");
    // Other posts go on, and what comes for this one waits behind.
    let other = create_post(&client, "Another").await;
    comment(&client, &other, "Goes on").await;
    eventually("the others go on", SOON, async || {
        let document = "query($id: ID!) { post(id: $id) { commentCount } }";
        let answer = client.run(document, json!({ "id": other })).await;
        (answer.data()["post"]["commentCount"] == 1).then_some(())
    })
    .await;

    // Pages and filters.
    let first = letters(&client, "(first: 3, filter: { consumer: \"posts\" })").await;
    assert_eq!(first["totalCount"], 4);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = first["pageInfo"]["endCursor"].clone();
    let rest = letters(
        &client,
        &format!("(first: 3, filter: {{ consumer: \"posts\" }}, after: {after})"),
    )
    .await;
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    let pages = [&first["nodes"], &rest["nodes"]].map(|it| it.as_array().expect("nodes").clone());
    let paged: Vec<Value> = pages.concat();
    assert_eq!(paged.iter().collect::<Vec<_>>(), of(&all, "posts"));
    let last = letters(&client, "(last: 1, filter: { consumer: \"posts\" })").await;
    assert_eq!(last["nodes"][0], paged[3]);
    assert_eq!(
        last["pageInfo"],
        json!({ "hasNextPage": false, "endCursor": rest["pageInfo"]["endCursor"] })
    );
    let before = &rest["pageInfo"]["endCursor"];
    let before = letters(
        &client,
        &format!("(last: 2, before: {before}, filter: {{ consumer: \"posts\" }})"),
    )
    .await;
    assert_eq!(before["nodes"].as_array().expect("nodes")[..], paged[1..3]);
    assert_eq!(before["pageInfo"]["hasNextPage"], true);
    let of_stream = letters(
        &client,
        &format!("(filter: {{ streamId: {} }})", poisoned.post),
    )
    .await;
    assert_eq!(of_stream["totalCount"], 8);
    let of_nobody = letters(&client, "(filter: { consumer: \"nobody\" })").await;
    assert_eq!(of_nobody["totalCount"], 0);
    let failed = of(&all, "posts")[0].clone();
    let alike = letters(
        &client,
        &format!("(filter: {{ fingerprint: {} }})", failed["fingerprint"]),
    )
    .await;
    assert_eq!(alike["totalCount"], 1);
    let document = format!("query($id: ID!) {{ deadLetter(id: $id) {{ {LETTER} }} }}");
    let one = client.run(&document, json!({ "id": failed["id"] })).await;
    assert_eq!(one.data()["deadLetter"], failed);
    let none = json!({ "id": ids::global_id("letter", 7) });
    assert_eq!(
        client.run(&document, none).await.data()["deadLetter"],
        Value::Null
    );

    // While it is broken it fails again, and all stays.
    let input = json!({ "filter": { "fingerprint": failed["fingerprint"] } });
    let answer = mutate(&client, "replayDeadLetters", input.clone(), "replayed left").await;
    assert_eq!(
        answer.data()["replayDeadLetters"],
        json!({ "replayed": 0, "left": 4 })
    );
    let again = client
        .run(&document, json!({ "id": failed["id"] }))
        .await
        .data()["deadLetter"]
        .clone();
    assert!(
        again["attempts"].as_u64() > failed["attempts"].as_u64(),
        "{again}"
    );
    assert!(
        again["lastTriedAt"].as_str() > failed["lastTriedAt"].as_str(),
        "{again}"
    );

    poisoned.repair(&database).await;
    let key = Some("replay-1");
    let send = async || {
        let shown = "replayed left";
        let answer = mutate_with_key(&client, "replayDeadLetters", input.clone(), shown, key).await;
        answer.data()["replayDeadLetters"].clone()
    };
    assert_eq!(send().await, json!({ "replayed": 4, "left": 0 }));
    assert_eq!(
        send().await,
        json!({ "replayed": 4, "left": 0 }),
        "the first answer"
    );
    assert_eq!(letters(&client, "").await["totalCount"], 4);
    // Nothing of another consumer, and then what a consumer has of a stream.
    for (consumer, replayed) in [("posts", 0), ("posts_trending", 4)] {
        let filter = json!({ "consumer": consumer, "streamId": poisoned.post });
        let input = json!({ "filter": filter });
        let shown = "replayed left hasMore";
        let done = mutate(&client, "replayDeadLetters", input, shown).await;
        assert_eq!(
            done.data()["replayDeadLetters"],
            json!({ "replayed": replayed, "left": 0, "hasMore": false })
        );
    }
    assert_eq!(letters(&client, "").await["totalCount"], 0);
    assert_eq!(find_after().await.data()["post"]["commentCount"], 5);
    comment(&client, &poisoned.post, "After all").await;
    eventually("both followers are through", SOON, async || {
        let behind = [
            follower(&client, "posts").await,
            follower(&client, "posts_trending").await,
        ];
        behind
            .iter()
            .all(|it| it["lag"]["events"] == 0)
            .then_some(())
    })
    .await;
    traffic::await_follower(&database, SOON).await;
    assert_eq!(wrong_rows(&database).await, 0);
    // Six comments of two points each, none twice.
    let document = "{ trendingPosts(window: DAY, first: 5) { comments post { id } } }";
    let trending = client.run(document, json!({})).await.data()["trendingPosts"].clone();
    let of_post = trending.as_array().expect("a list").iter();
    let mut of_post = of_post.filter(|it| it["post"]["id"] == poisoned.post);
    assert_eq!(of_post.next().expect("the post")["comments"], 6);

    let told = audited(&database).await;
    let kinds: Vec<&str> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
    let replay = ["DeadLetterReplayStarted", "DeadLettersReplayed"];
    let held = [
        "WorkerPaused",
        "WorkerPaused",
        "WorkerResumed",
        "WorkerResumed",
    ];
    assert_eq!(
        kinds,
        [&held[..], &replay, &replay, &replay, &replay].concat()
    );
    let last = &told.last().expect("events").1;
    assert_eq!(
        last,
        &json!({ "consumer": "posts_trending", "streamId": poisoned.post, "replayed": 4, "left": 0 })
    );
    assert!(told.iter().all(|(.., actor)| *actor == setup.admin().id));
}

async fn what_is_discarded_lets_the_rest_go_on(setup: Setup) {
    let mut app = setup.start();
    let database = setup.database().await;
    let poisoned = poison(&setup, &mut app, &database).await;
    let client = app.client().clone();
    let all = await_letters(&client).await;
    let failed = of(&all, "posts")[0];
    let input = json!({ "id": failed["id"] });
    let shown = "discarded replayed left";
    let answer = mutate(&client, "discardDeadLetters", input.clone(), shown).await;
    let done = answer.data()["discardDeadLetters"].clone();
    assert_eq!(done, json!({ "discarded": 1, "replayed": 3, "left": 0 }));
    mutate(&client, "discardDeadLetters", input, shown)
        .await
        .expect_code("NOT_FOUND");
    let left = letters(&client, "").await;
    assert_eq!(left["totalCount"], 4, "those of the other follower");
    // The other comments are there. Nobody can write another, as what the post is can no longer be told from its events.
    let texts = eventually("the rest is applied", SOON, async || {
        let document =
            "query($id: ID!) { post(id: $id) { comments(first: 10) { nodes { text } } } }";
        let answer = client.run(document, json!({ "id": poisoned.post })).await;
        let nodes = answer.data()["post"]["comments"]["nodes"].clone();
        let nodes = nodes.as_array().expect("nodes").iter();
        let texts: Vec<String> = nodes
            .map(|it| it["text"].as_str().expect("a text").to_owned())
            .collect();
        (texts.len() >= 4).then_some(texts)
    })
    .await;
    let expected = ["Comment 0", "Comment 2", "Comment 3", "Comment 4"];
    assert_eq!(texts, expected);
    let told = audited(&database).await;
    let (kind, data, _) = told.last().expect("an event");
    assert_eq!(kind, "DeadLettersDiscarded");
    assert_eq!(
        (&data["discarded"], &data["replayed"]),
        (&json!(1), &json!(3))
    );
}

/// Of each event that cannot be shown, once; what happens to other posts is no concern of it, nor is the post as it was before.
async fn subscribers_are_told_of_what_cannot_be_read(setup: Setup) {
    let mut app = setup.start();
    let database = setup.database().await;
    let start = app.client().head().await;
    let poisoned = poison(&setup, &mut app, &database).await;
    let client = app.client().clone();
    let mut socket = client.socket().await;
    let feed =
        "subscription($after: String!) { postFeed(after: $after) { post { id message version } } }";
    socket
        .subscribe("feed", feed, json!({ "after": start }))
        .await;
    let mut shown_post = async |id: &Value| {
        loop {
            let shown = socket.payload("feed").await;
            assert!(shown.get("errors").is_none(), "{shown}");
            let post = &shown["data"]["postFeed"]["post"];
            // Others were written before it.
            if post["id"] == *id {
                break (post["message"].clone(), post["version"].clone());
            }
        }
    };
    let shown = shown_post(&poisoned.post).await;
    assert_eq!(shown, (json!("Poisoned"), json!(2)));
    let later = create_post(&client, "Later").await;
    assert_eq!(shown_post(&later).await, (json!("Later"), json!(1)));

    let mut socket = client.socket().await;
    let changes = "subscription($id: ID!, $after: String!) { postChanged(id: $id, after: $after) { version post { version } } }";
    let variables = json!({ "id": poisoned.post, "after": start });
    socket.subscribe("one", changes, variables).await;
    for version in 1..=2 {
        let change = &socket.payload("one").await["data"]["postChanged"];
        assert_eq!(change["version"], version);
        assert_eq!(change["post"]["version"], 2);
    }
    let mut last = ids::position(&start);
    // The third, and those behind it: what they make of the post is not known.
    for _ in 3..=6 {
        let told = socket.payload("one").await;
        assert_eq!(told["data"], Value::Null, "{told}");
        let error = &told["errors"][0];
        assert_eq!(error["extensions"]["code"], "EVENT_UNREADABLE", "{told}");
        assert!(error["extensions"]["requestId"].is_string(), "{told}");
        let cursor = told["extensions"]["cursor"].as_str().expect("a cursor");
        assert!(ids::position(cursor) > last, "each is another");
        last = ids::position(cursor);
    }
    // When it is repaired the subscription is as good as new.
    poisoned.repair(&database).await;
    comment(&client, &poisoned.post, "After all").await;
    let change = socket.payload("one").await;
    assert_eq!(change["data"]["postChanged"]["version"], 7, "{change}");
    assert_eq!(change["data"]["postChanged"]["post"]["version"], 7);
}

tests::both_ways!(
    subscribers_are_told_of_what_cannot_be_read,
    letters_are_listed_repaired_and_replayed,
    what_is_discarded_lets_the_rest_go_on,
);
