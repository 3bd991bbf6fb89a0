//! The subscription to the log: everything once and in order, over reconnects and gateways, under writes; and its filters.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::feed::Feed;
use tests::subscriber::{Mood, Subscriber};
use tests::waiting::SOON;
use tests::writers::Writers;
use tests::{Setup, chats, customers, database, eventually, extent, ids, people};

use super::{comment, create_post};

async fn everything_comes_once_and_in_order(setup: Setup) {
    let mut app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let start = clients[0].head().await;
    let subscribers: Vec<_> = [Mood::Steady, Mood::Restless, Mood::Restless]
        .into_iter()
        .map(|mood| {
            Subscriber::follow(
                Arc::new(Feed::of_everything()),
                clients.clone(),
                &start,
                mood,
            )
        })
        .collect();
    let writers = Writers::start(clients.clone(), 6, extent::of(400, 900));
    writers.await_acknowledged(150).await;
    let last = app.gateways.len() - 1;
    app.gateways[last].kill_and_restart();
    writers.await_acknowledged(extent::of(400, 900)).await;
    writers.finish().await;
    let database = setup.database().await;
    let head = eventually("all events have positions", SOON, async || {
        let (events, head) = database::log_size(&database).await;
        (events == head).then_some(head)
    })
    .await;
    let log = database::log(&database).await;
    let start = ids::position(&start);
    for subscriber in subscribers {
        subscriber.await_position(head).await;
        let connections = subscriber.connections();
        assert!(connections >= 1);
        let heard = subscriber.finish();
        let positions: Vec<u64> = heard.iter().map(|it| it.position).collect();
        let until = *positions.last().expect("events");
        assert!(until >= head);
        assert_eq!(positions, (start + 1..=until).collect::<Vec<_>>());
        for delivery in heard.iter().filter(|it| it.position <= head) {
            let entry = log.iter().find(|it| it.position == Some(delivery.position));
            let entry = entry.expect("an entry");
            assert_eq!((&delivery.id, delivery.version), (&entry.id, entry.version));
        }
    }
}

async fn what_was_asked_for_comes_and_nothing_else(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let post = create_post(client, "Followed").await;
    let other = people::register(client, "Other").await;
    let chat = chats::create_group(client, "Hidden title", &[&other.id]).await;
    let mut socket = client.socket().await;
    let shown = "cursor position stream streamId type data isWithheld";
    let subscriptions = [
        ("types", "types: [\"PostCreated\", \"CustomerCreated\"]"),
        ("stream", "stream: \"post\""),
        ("one", &format!("streamId: {post}")),
        ("both", "stream: \"post\", types: [\"CustomerCreated\"]"),
        ("chats", "stream: \"chat\""),
        ("unknown", "stream: \"not_yet\""),
        ("all", ""),
    ];
    for (id, arguments) in &subscriptions {
        let document =
            format!("subscription($a: String) {{ eventLog(after: $a {arguments}) {{ {shown} }} }}");
        socket.subscribe(id, &document, json!({ "a": start })).await;
    }
    // Some of it is past already, and some comes now.
    comment(client, &post, "Hello").await;
    create_post(client, "Another").await;
    customers::create(client, "Ada", "ada@example.com").await;
    chats::say(client, &chat, "Hidden text").await;
    chats::read(&other.client(client), &chat).await;
    comment(client, &post, "The end").await;
    let database = setup.database().await;
    let log = eventually("all events have positions", SOON, async || {
        let log = database::log(&database).await;
        log.iter()
            .all(|entry| entry.position.is_some())
            .then_some(log)
    })
    .await;
    let head = log
        .iter()
        .filter_map(|entry| entry.position)
        .max()
        .expect("events");
    let mut heard: Vec<(String, Value)> = Vec::new();
    let is_at_end = |heard: &[(String, Value)]| {
        heard
            .iter()
            .any(|(id, event)| id == "all" && event["position"].as_u64() >= Some(head))
    };
    while !is_at_end(&heard) {
        let message = socket.message().await;
        assert_eq!(message["type"], "next", "{message}");
        let id = message["id"].as_str().expect("an id").to_owned();
        heard.push((id, message["payload"]["data"]["eventLog"].clone()));
    }
    let post_uuid = ids::uuid_digits(post.as_str().expect("an id")).expect("a uuid");
    let start = ids::position(&start);
    let wanted = |id: &str| -> Vec<u64> {
        log.iter()
            .filter(|it| it.position > Some(start))
            .filter(|it| match id {
                "types" => ["PostCreated", "CustomerCreated"].contains(&it.kind.as_str()),
                "stream" => it.stream == "post",
                "one" => it.stream == "post" && it.id == post_uuid,
                "chats" => it.stream == "chat",
                "all" => true,
                _ => false,
            })
            .filter_map(|it| it.position)
            .collect()
    };
    let found = |heard: &[(String, Value)], id: &str| -> Vec<u64> {
        heard
            .iter()
            .filter(|(of, event)| of == id && event["position"].as_u64() <= Some(head))
            .filter_map(|(_, event)| event["position"].as_u64())
            .collect()
    };
    // The others are no slower, but not on the same way. Behind all that is wanted nothing more may come.
    loop {
        let lacks = |(id, _): &(&str, &str)| found(&heard, id).len() < wanted(id).len();
        let within = match subscriptions.iter().any(lacks) {
            true => SOON,
            false => Duration::from_millis(500),
        };
        let Some(frame) = socket.receive_within(within).await else {
            break;
        };
        if let tests::socket::Frame::Message(message) = frame
            && message["type"] == "next"
        {
            let id = message["id"].as_str().expect("an id").to_owned();
            heard.push((id, message["payload"]["data"]["eventLog"].clone()));
        }
    }
    for (id, _) in &subscriptions {
        assert_eq!(found(&heard, id), wanted(id), "{id}");
    }
    for (_, event) in &heard {
        let stream = event["stream"].as_str().expect("a stream");
        let is_hidden = ["chat", "inbox", "receipts"].contains(&stream);
        assert_eq!(event["isWithheld"], is_hidden);
        assert_eq!(event["data"].is_null(), is_hidden);
    }
    assert!(heard.iter().any(|(_, event)| event["stream"] == "receipts"));
    assert!(
        heard
            .iter()
            .all(|(_, event)| !event.to_string().contains("Hidden"))
    );
}

tests::both_ways!(
    everything_comes_once_and_in_order,
    what_was_asked_for_comes_and_nothing_else,
);
