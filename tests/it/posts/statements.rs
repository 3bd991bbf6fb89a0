//! The trap of N + 1: a page of posts with authors, comments and their authors costs a constant number of SQL statements.
//! Postgres is asked to log every statement, and those that read posts and users are counted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::Client;
use tests::postgres::Postgres;
use tests::statements::StatementLog;

use super::api::{becomes, comment, create, find_at, like, person};

const PAGE: &str = "query Page($first: Int) { posts(first: $first) { nodes { id message likeCount createdAt likedByMe \
    author { id name } comments(first: 5) { nodes { text author { name } } } } } }";
const BELOW: &str = "query Page($first: Int) { posts(first: $first) { nodes { likers(first: 3) { nodes { id name } } \
    history(last: 2) { nodes { type actor { name } } } author { \
    posts(first: 2, filter: { likeCount: { lt: 5 } }, sort: { field: LIKE_COUNT }) { \
    totalCount nodes { message author { name } } } } } } }";

/// The statements that read posts and users, begun while the page was asked for.
async fn of_page(
    log: &StatementLog,
    client: &Client,
    document: &str,
    variables: &Value,
) -> Vec<String> {
    let reads = [
        "\"post\"",
        "post_comment",
        "post_like",
        "app_user",
        "of_parent",
    ];
    let asking = async {
        client.run(document, variables.clone()).await.data();
    };
    log.of(&reads, asking).await
}

async fn pages_cost_a_constant_number(postgres: Postgres, setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let app = setup.start();
    let people = futures::future::join_all(
        ["Ada", "Bob", "Dan", "Eve", "Fay", "Gus"].map(|name| person(app.client(), name)),
    )
    .await;
    let mut last = Value::Null;
    for number in 0..20 {
        let author = &people[number % people.len()].1;
        let post = create(author, &format!("Post {number}")).await;
        for place in 0..6 {
            let commenter = &people[(number + place) % people.len()].1;
            comment(commenter, &post, &format!("Comment {place}")).await;
        }
        last = like(&people[0].1, &post).await;
    }
    let client = &people[0].1;
    let version = last["version"].as_i64().expect("a version");
    becomes(client, &find_at(client, &last["id"], version).await).await;
    let mut counts = BTreeSet::new();
    for first in [2, 20, 2, 20, 20] {
        let variables = json!({ "first": first });
        client.run(PAGE, variables.clone()).await.data();
        let statements = of_page(&log, client, PAGE, &variables).await;
        println!("for {first}:\n{}", statements.join("\n"));
        counts.insert(statements.len());
    }
    assert_eq!(
        counts,
        BTreeSet::from([3]),
        "the posts, their likes, their comments; authors are in memory"
    );
    for first in [2, 20] {
        // One that has nobody in memory.
        let gateway = setup.gateway(&[]);
        let statements = of_page(&log, &gateway.client, PAGE, &json!({ "first": first })).await;
        println!("at first, for {first}:\n{}", statements.join("\n"));
        assert!(
            (4..=6).contains(&statements.len()),
            "and who asks, the posts' authors, the comments' authors, unless there are no others"
        );
    }
    // Moderators' histories need no folds.
    let admin = app.client();
    let mut counts = BTreeSet::new();
    for first in [2, 20, 2, 20] {
        let variables = json!({ "first": first });
        admin.run(BELOW, variables.clone()).await.data();
        let statements = of_page(&log, admin, BELOW, &variables).await;
        println!("below, for {first}:\n{}", statements.join("\n"));
        counts.insert(statements.len());
    }
    assert_eq!(
        counts,
        BTreeSet::from([5]),
        "the posts, their likers, their histories, the authors' posts, how many those are"
    );
    let page = client.run(PAGE, json!({ "first": 20 })).await;
    let nodes = page.data()["posts"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone();
    assert_eq!(nodes.len(), 20);
    for node in nodes {
        let comments = node["comments"]["nodes"].as_array().expect("comments");
        assert_eq!((comments.len(), &node["likedByMe"]), (5, &json!(true)));
        assert!(comments.iter().all(|it| it["author"]["name"].is_string()));
    }
}

tests::on_own_postgres!(pages_cost_a_constant_number);
