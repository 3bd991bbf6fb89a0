//! Pages of the log against the log itself: filters, both directions, cursors, what is withheld, and bad input.

use serde_json::{Value, json};
use tests::database::LogEntry;
use tests::graphql::{Answer, Client};
use tests::people;
use tests::{Setup, chats, customers, database, ids};

use super::{create_post, mutate};

const DOCUMENT: &str = "query($first: Int, $after: String, $last: Int, $before: String, $filter: EventLogFilter) { \
    eventLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) { \
    searchedTo pageInfo { hasNextPage hasPreviousPage startCursor endCursor } \
    nodes { cursor position eventId stream streamId version type schemaVersion actor { name ... on User { id } } correlationId occurredAt data \
    isWithheld } } }";

async fn ask(client: &Client, variables: Value) -> Answer {
    client.run(DOCUMENT, variables).await
}

async fn page(client: &Client, variables: Value) -> Value {
    ask(client, variables).await.data()["eventLog"].clone()
}

fn positions(page: &Value) -> Vec<u64> {
    let nodes = page["nodes"].as_array().expect("nodes").iter();
    nodes
        .map(|node| node["position"].as_u64().expect("a position"))
        .collect()
}

/// All pages of a filter, read to the end in one direction.
async fn whole(client: &Client, filter: &Value, size: u64, from_end: bool) -> Vec<u64> {
    let mut all = Vec::new();
    let mut place = Value::Null;
    loop {
        let variables = match from_end {
            true => json!({ "filter": filter, "last": size, "before": place }),
            false => json!({ "filter": filter, "first": size, "after": place }),
        };
        let page = page(client, variables).await;
        let found = positions(&page);
        assert!(found.is_sorted() && found.len() as u64 <= size, "{page}");
        assert_eq!(page["searchedTo"], Value::Null);
        let (more, next) = match from_end {
            true => ("hasPreviousPage", "startCursor"),
            false => ("hasNextPage", "endCursor"),
        };
        match from_end {
            true => all.splice(0..0, found).for_each(drop),
            false => all.extend(found),
        }
        if page["pageInfo"][more] == false {
            return all;
        }
        place = page["pageInfo"][next].clone();
    }
}

/// Customers, users, posts and a chat; and who did what when.
async fn fill(client: &Client) -> Value {
    let other = people::register(client, "Other").await;
    let chat = chats::create_group(client, "Hidden title", &[&other.id]).await;
    for _ in 0..7 {
        customers::create(
            client,
            "Name",
            &format!("{:x}@example.com", fastrand::u64(..)),
        )
        .await;
        create_post(&other.client(client), "Hello").await;
        chats::say(client, &chat, "Hidden text").await;
        chats::read(&other.client(client), &chat).await;
    }
    json!(other.id)
}

async fn pages_are_those_of_the_log(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let other = fill(client).await;
    let middle = client.head().await;
    let second = fill(client).await;
    let start = client.head().await;
    client.head_after(&start, 0).await;
    let database = setup.database().await;
    let post = create_post(client, "Followed").await;
    let log = tests::eventually(
        "all events have positions",
        tests::waiting::SOON,
        async || {
            let log = database::log(&database).await;
            log.iter()
                .all(|entry| entry.position.is_some())
                .then_some(log)
        },
    )
    .await;
    let post_uuid = ids::uuid_digits(post.as_str().expect("an id")).expect("a uuid");
    let actor = |entry: &LogEntry| entry.meta["actor"].as_str().expect("an actor").to_owned();
    type Matches<'a> = Box<dyn Fn(&LogEntry) -> bool + 'a>;
    let filters: Vec<(Value, Matches<'_>)> = vec![
        (Value::Null, Box::new(|_| true)),
        (
            json!({ "stream": "customer" }),
            Box::new(|it| it.stream == "customer"),
        ),
        (json!({ "stream": "nothing" }), Box::new(|_| false)),
        (
            json!({ "streamId": post }),
            Box::new(|it| it.stream == "post" && it.id == post_uuid),
        ),
        (
            json!({ "types": ["CustomerCreated", "PostCreated"] }),
            Box::new(|it| ["CustomerCreated", "PostCreated"].contains(&it.kind.as_str())),
        ),
        (
            json!({ "actor": other }),
            Box::new(move |it| other == actor(it)),
        ),
        (
            json!({ "actor": second, "stream": "post" }),
            Box::new(move |it| it.stream == "post" && it.meta["actor"] == second),
        ),
    ];
    for (filter, matches) in &filters {
        let wanted: Vec<u64> = log
            .iter()
            .filter(|entry| matches(entry))
            .filter_map(|entry| entry.position)
            .collect();
        for (size, from_end) in [(5, false), (5, true), (100, false), (1, true)] {
            let found = whole(client, filter, size, from_end).await;
            assert_eq!(found, wanted, "{filter} {size} {from_end}");
        }
    }
    // Times: every event is on one side.
    let first = page(client, json!({ "after": middle, "first": 1 })).await;
    let middle = &first["nodes"][0]["occurredAt"];
    let earlier = whole(client, &json!({ "before": middle }), 100, false).await;
    let later = whole(client, &json!({ "from": middle }), 100, false).await;
    assert!(
        earlier.len() > 20 && later.len() > 20,
        "{} {}",
        earlier.len(),
        later.len()
    );
    let mut both = [earlier, later].concat();
    both.sort_unstable();
    let all: Vec<u64> = log.iter().filter_map(|entry| entry.position).collect();
    assert_eq!(both, all);
    let never = json!({ "from": "9000-01-01T00:00:00Z" });
    assert!(whole(client, &never, 100, false).await.is_empty());
}

async fn events_are_shown_as_they_are_and_chats_are_not(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    fill(client).await;
    let database = setup.database().await;
    let log = database::log(&database).await;
    let all = page(client, json!({ "first": 100 })).await;
    let nodes = all["nodes"].as_array().expect("nodes");
    let mut withheld = 0;
    for node in nodes {
        let position = node["position"].as_u64();
        let entry = log.iter().find(|entry| entry.position == position);
        let entry = entry.expect("an entry");
        assert_eq!(node["type"], entry.kind.as_str());
        assert_eq!(node["stream"], entry.stream.as_str());
        assert_eq!(node["version"], entry.version);
        let actor = &node["actor"];
        let named = actor.get("id").unwrap_or(&actor["name"]);
        assert_eq!(*named, entry.meta["actor"]);
        assert_eq!(
            ids::uuid_digits(node["streamId"].as_str().expect("an id")),
            Some(entry.id.clone())
        );
        assert!(
            node["occurredAt"]
                .as_str()
                .is_some_and(|time| time.starts_with("20"))
        );
        if ["chat", "inbox", "receipts"].contains(&entry.stream.as_str()) {
            withheld += 1;
            assert_eq!(
                (&node["data"], &node["isWithheld"]),
                (&Value::Null, &json!(true))
            );
        } else {
            assert_eq!(
                (&node["data"], &node["isWithheld"]),
                (&entry.data, &json!(false))
            );
        }
    }
    assert!(withheld >= 8, "{withheld}");
    assert!(log.iter().any(|entry| entry.stream == "receipts"));
    assert!(!all.to_string().contains("Hidden"));
}

async fn cursors_are_those_of_the_log(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    for number in 0..3 {
        customers::create(client, "Name", &format!("c{number}@example.com")).await;
    }
    let head = client.head_after(&start, 3).await;
    let found = page(
        client,
        json!({ "after": start, "filter": { "stream": "customer" } }),
    )
    .await;
    assert_eq!(found["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(found["pageInfo"]["hasPreviousPage"], true);
    let behind = page(client, json!({ "after": head, "first": 5 })).await;
    assert_eq!(positions(&behind), Vec::<u64>::new());
    let before = page(client, json!({ "before": head, "last": 1 })).await;
    assert_eq!(positions(&before), [ids::position(&head) - 1]);
    // A page of the list goes on as a subscription.
    let mut socket = client.socket().await;
    let document = "subscription($after: String) { eventLog(after: $after) { position } }";
    let after = found["nodes"][0]["cursor"].clone();
    socket
        .subscribe("1", document, json!({ "after": after }))
        .await;
    let next = socket.payload("1").await;
    let position = found["nodes"][0]["position"].as_u64().expect("a position");
    assert_eq!(next["data"]["eventLog"]["position"], position + 1);
    let foreign = format!("{:08x}-1", 7);
    let beyond = ids::cursor_at(&head, 1_000_000);
    for (argument, cursor) in [
        ("after", "nonsense"),
        ("after", foreign.as_str()),
        ("after", beyond.as_str()),
        ("before", "nonsense"),
        ("before", foreign.as_str()),
    ] {
        let answer = ask(client, json!({ argument: cursor })).await;
        answer.expect_code("CURSOR_INVALID");
    }
}

async fn bad_input_is_told(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let long = "x".repeat(201);
    let many = vec!["A"; 51];
    for (variables, field) in [
        (json!({ "first": 0 }), "first"),
        (json!({ "first": 101 }), "first"),
        (json!({ "last": -1 }), "last"),
        (json!({ "first": 1, "last": 1 }), "last"),
        (json!({ "filter": { "stream": "" } }), "stream"),
        (json!({ "filter": { "actor": long } }), "actor"),
        (json!({ "filter": { "types": [""] } }), "types"),
        (json!({ "filter": { "types": many } }), "types"),
        (json!({ "filter": { "streamId": "x" } }), "streamId"),
        (
            json!({ "filter": { "stream": "post", "streamId": ids::global_id("customer", 7) } }),
            "streamId",
        ),
        (
            json!({ "filter": { "from": "+10000-01-01T00:00:00Z" } }),
            "from",
        ),
    ] {
        let answer = ask(client, variables.clone()).await;
        // What is no time at all is refused by GraphQL.
        if answer.code() != Some("GRAPHQL_VALIDATION_FAILED") {
            let extensions = answer.expect_code("VALIDATION");
            assert_eq!(extensions["violations"][0]["field"], field, "{variables}");
        }
    }
    for (field, input, violated) in [
        ("replayDeadLetters", json!({}), "id"),
        ("replayDeadLetters", json!({ "all": false }), "id"),
        (
            "discardDeadLetters",
            json!({ "all": true, "filter": { "fingerprint": "0" } }),
            "id",
        ),
        ("discardDeadLetters", json!({ "id": "post_x" }), "id"),
        ("discardDeadLetters", json!({ "filter": {} }), "filter"),
        (
            "discardDeadLetters",
            json!({ "filter": { "consumer": null } }),
            "filter",
        ),
        (
            "replayDeadLetters",
            json!({ "filter": { "streamId": "x" } }),
            "streamId",
        ),
        (
            "disconnectUser",
            json!({ "id": ids::global_id("post", 7) }),
            "id",
        ),
    ] {
        let shown = if field == "disconnectUser" {
            "endedSessions"
        } else {
            "left"
        };
        let answer = mutate(client, field, input, shown).await;
        let extensions = answer.expect_code("VALIDATION");
        assert_eq!(extensions["violations"][0]["field"], violated);
    }
    let nobody = json!({ "id": ids::global_id("user", 7) });
    let answer = mutate(client, "disconnectUser", nobody, "endedSessions").await;
    answer.expect_code("NOT_FOUND");
    let nothing = json!({ "id": ids::global_id("letter", 7) });
    let answer = mutate(client, "replayDeadLetters", nothing.clone(), "left").await;
    answer.expect_code("NOT_FOUND");
    mutate(client, "discardDeadLetters", nothing, "left")
        .await
        .expect_code("NOT_FOUND");
    let answer = mutate(
        client,
        "pauseWorker",
        json!({ "name": "nobody" }),
        "__typename",
    )
    .await;
    answer.expect_code("NOT_FOUND");
    // Nothing was done, so nothing is told.
    assert!(super::audited(&setup.database().await).await.is_empty());
}

tests::both_ways!(
    pages_are_those_of_the_log,
    events_are_shown_as_they_are_and_chats_are_not,
    cursors_are_those_of_the_log,
    bad_input_is_told,
);
