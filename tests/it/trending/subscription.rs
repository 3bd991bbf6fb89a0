//! The subscription: what trends now, then what has changed, in no more than a value a second, and nothing when nothing has.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::Setup;
use tests::socket::{Frame, Socket};

use super::api::{shown, trending};
use crate::posts::api::{apply, create, like, person};

const TRENDING: &str = "subscription Trending($window: TrendWindow!) { trendingPosts(window: $window, first: 10) { \
    score likes comments post { id message } } }";

async fn next(socket: &mut Socket) -> Value {
    let payload = socket.payload("1").await;
    assert!(payload.get("errors").is_none(), "{payload}");
    payload["data"]["trendingPosts"].clone()
}

async fn tells_of_changes_once_a_second(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let far = app.gateways.last().expect("a gateway");
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let mut socket = ada_person.client(&far.client).socket().await;
    let window = json!({ "window": "HOUR" });
    socket.subscribe("1", TRENDING, window.clone()).await;
    assert_eq!(next(&mut socket).await, json!([]), "the value now");

    let mut posts = Vec::new();
    let began = Instant::now();
    for number in 0..30 {
        let post = create(&ada, &format!("Post {number}")).await;
        like(&ada, &post).await;
        posts.push(post);
    }
    // Whatever comes in between: the last value is the state, and each took its second.
    let mut values = 0;
    let last = loop {
        let value = next(&mut socket).await;
        values += 1;
        let newest: Vec<_> = value.as_array().expect("posts").iter().collect();
        let is_last = newest.len() == 10
            && newest.iter().all(|it| {
                let ids = posts[20..].iter().map(|post| &post["id"]);
                ids.into_iter().any(|id| *id == it["post"]["id"])
            });
        if is_last {
            break value;
        }
    };
    let seconds = began.elapsed().as_secs() + 1;
    assert!(values <= seconds, "{values} values in {seconds} s");
    assert_eq!(shown(&last).len(), trending(&ada, "HOUR", 10).await.len());

    // Nothing of this changes what trends.
    let edit = json!({ "id": posts[29]["id"], "message": "Edited" });
    apply(&ada, "updatePost", edit).await;
    create(&ada, "Not liked").await;
    let silence = socket.receive_within(Duration::from_millis(2_500)).await;
    let is_silent = match &silence {
        None => true,
        Some(Frame::Message(message)) => message["type"] != "next",
        Some(_) => false,
    };
    assert!(is_silent, "{silence:?}");
    // Who comes later begins with the same.
    let mut later = ada.socket().await;
    later.subscribe("1", TRENDING, window).await;
    let ids = |value: &Value| -> Vec<String> {
        let shown = shown(value);
        shown.into_iter().map(|it| it.id).collect()
    };
    assert_eq!(ids(&next(&mut later).await), ids(&last));
    apply(&ada, "deletePost", json!({ "id": posts[29]["id"] })).await;
    let gone = next(&mut socket).await;
    assert!(!ids(&gone).contains(&posts[29]["id"].as_str().expect("an id").to_owned()));
}

tests::both_ways!(tells_of_changes_once_a_second);
