//! The query through the API: what likes, comments and their taking back do at once, and which arguments are refused. Arguments
//! are checked before any database and run embedded.

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::{Setup, eventually, waiting::SOON};

use super::model::Shown;
use crate::posts::api::{apply, comment, create, like, person};

const TRENDING: &str = "query Trending($window: TrendWindow!, $first: Int) { trendingPosts(window: $window, first: $first) { \
    score likes comments post { id message author { name } } } }";

pub async fn send(client: &Client, window: &str, first: i64) -> Answer {
    let variables = json!({ "window": window, "first": first });
    client.run(TRENDING, variables).await
}

pub async fn trending(client: &Client, window: &str, first: i64) -> Vec<Shown> {
    shown(&send(client, window, first).await.data()["trendingPosts"])
}

pub fn shown(trending: &Value) -> Vec<Shown> {
    let posts = trending.as_array().expect("posts").iter();
    posts
        .map(|it| Shown {
            id: it["post"]["id"].as_str().expect("an id").to_owned(),
            score: it["score"].as_f64().expect("a score"),
            likes: it["likes"].as_i64().expect("a number"),
            comments: it["comments"].as_i64().expect("a number"),
        })
        .collect()
}

/// Waits until these posts trend in this order, with so many likes and comments, in every window.
async fn become_trending(client: &Client, expected: &[(&Value, i64, i64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(post, likes, comments)| (post["id"].as_str().expect("an id"), *likes, *comments))
        .collect();
    for window in ["HOUR", "DAY", "WEEK"] {
        eventually(&format!("{expected:?} trend"), SOON, async || {
            let found = trending(client, window, 100).await;
            let found = found
                .iter()
                .map(|it| (it.id.as_str(), it.likes, it.comments));
            found.eq(expected.iter().copied()).then_some(())
        })
        .await;
    }
}

async fn what_is_taken_back_does_not_count(setup: Setup) {
    let app = setup.start();
    let (_, ada) = person(app.client(), "Ada").await;
    let (_, bob) = person(app.client(), "Bob").await;
    let (_, eve) = person(app.client(), "Eve").await;
    assert!(trending(&ada, "HOUR", 10).await.is_empty());
    let [liked, discussed, quiet] = [
        create(&ada, "Liked").await,
        create(&ada, "Discussed").await,
        create(&ada, "Quiet").await,
    ];
    for fan in [&ada, &bob, &eve] {
        like(fan, &liked).await;
    }
    like(&bob, &liked).await;
    let first = comment(&bob, &discussed, "First").await;
    become_trending(&ada, &[(&liked, 3, 0), (&discussed, 0, 1)]).await;
    let second = comment(&eve, &discussed, "Second").await;
    become_trending(&ada, &[(&discussed, 0, 2), (&liked, 3, 0)]).await;
    assert_eq!(trending(&ada, "WEEK", 1).await.len(), 1);

    let remove = json!({ "id": first["id"] });
    apply(&bob, "deleteComment", remove).await;
    become_trending(&ada, &[(&liked, 3, 0), (&discussed, 0, 1)]).await;
    for fan in [&bob, &eve] {
        apply(fan, "unlikePost", json!({ "id": liked["id"] })).await;
    }
    become_trending(&ada, &[(&discussed, 0, 1), (&liked, 1, 0)]).await;
    // What does not like or comment counts nothing.
    let edit = json!({ "id": second["id"], "text": "Edited" });
    apply(&eve, "updateComment", edit).await;
    apply(
        &ada,
        "updatePost",
        json!({ "id": quiet["id"], "message": "Still" }),
    )
    .await;
    like(&bob, &liked).await;
    like(&eve, &liked).await;
    become_trending(&ada, &[(&liked, 3, 0), (&discussed, 0, 1)]).await;

    let remove = json!({ "id": second["id"] });
    apply(&eve, "deleteComment", remove).await;
    become_trending(&ada, &[(&liked, 3, 0)]).await;
    apply(&ada, "deletePost", json!({ "id": liked["id"] })).await;
    become_trending(&ada, &[]).await;
}

async fn arguments_are_checked(setup: Setup) {
    let app = setup.start();
    for first in [0, -1, 101] {
        send(app.client(), "DAY", first)
            .await
            .expect_code("VALIDATION");
    }
    let answer = send(app.client(), "YEAR", 1).await;
    assert!(answer.code().is_some(), "{}", answer.http.text());
    send(&app.client().anonymous(), "DAY", 1)
        .await
        .expect_code("UNAUTHENTICATED");
}

tests::both_ways!(what_is_taken_back_does_not_count);
tests::embedded!(arguments_are_checked);
